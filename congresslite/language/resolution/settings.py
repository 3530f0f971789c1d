"""
Settings: what a policy says of itself, in a `policy` statement or in its YAML form.

The table of keys is the one place that knows them; each holds one kind of value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.diagnostics import Span
from congresslite.language.program import PolicySettings
from congresslite.language.syntax import PolicyDeclaration, PolicyFile
from congresslite.schema import Scalar

KEYS: Mapping[str, type] = {
    "description": str,
    "tier": str,
    "owner": str,
    "priority": int,
    "mode": str,
    "overridable": bool,
    "undo": bool,
    "approval": bool,
}
MODES = ("dryrun", "warn", "enforce")
TIERS = ("global", "region", "pop")


@dataclass(frozen=True, slots=True)
class Given:
    """A setting as written; one of a YAML form has no span."""

    key: str
    value: Scalar
    text: str
    span: Span | None


def given_settings(file: PolicyFile) -> Iterator[Given]:
    """All settings of a policy; of its YAML form those that settings can be, since others say other things there."""
    for key, value in file.settings.items():
        if key in KEYS:
            yield Given(key, value, str(value), None)
    for statement in file.statements:
        if isinstance(statement, PolicyDeclaration):
            for setting in statement.settings:
                yield Given(setting.key, setting.value.value, setting.value.text, setting.span)


def settings_of(name: str, file: PolicyFile, tiers: Sequence[str] = TIERS, level: str | None = None) -> PolicySettings:
    """The settings of a policy whose keys and values have been checked, at an engine of a level, or at one alone."""
    values = {given.key: given.value for given in given_settings(file)}
    found = PolicySettings(name=name, path=file.source.name, **values)  # type: ignore[arg-type] # checked by their keys
    if level is None or file.from_above:
        return found
    return replace(found, tier=own_tier(found.tier, tiers, level))


def own_tier(said: str, tiers: Sequence[str], level: str) -> str:
    """The tier of a policy that was put at an engine of this level: what it says, but none above that of the engine.

    A local policy that says nothing, or calls itself global, would else beat what is global indeed.
    """
    return said if said in tiers[tiers.index(level) :] else level
