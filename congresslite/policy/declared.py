"""What a text says of its policy, before anybody has checked it."""

from __future__ import annotations

from functools import lru_cache

from congresslite.language.program import PolicySettings
from congresslite.language.resolution.settings import KEYS, given_settings
from congresslite.policy import Policy
from congresslite.policy.loading import parse_object


@lru_cache(maxsize=4096)
def declared_settings(policy: Policy) -> PolicySettings:
    """The settings that a text has; what is wrong with them a check will tell, here they count as not given."""
    file, _ = parse_object(policy)
    given = {each.key: each.value for each in given_settings(file) if type(each.value) is KEYS.get(each.key)}
    return PolicySettings(name=file.name, path=policy.path, **given)  # type: ignore[arg-type] # checked by their keys
