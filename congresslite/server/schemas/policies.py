"""Policies: their texts and their versions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from congresslite.schema.times import stamp
from congresslite.server.schemas.common import Strict, Time
from congresslite.store.records import PolicyVersion

PolicyText = Annotated[str, StringConstraints(max_length=4_000_000)]


class PolicyIn(Strict):
    """The text of a policy."""

    text: PolicyText


class PolicySummary(Strict):
    """A version of a policy, without its text. `removed`: it says that the policy went."""

    name: str
    version: int
    etag: str
    origin: Literal["file", "api", "tier"]
    path: str
    created_at: Time
    created_by: str
    removed: bool

    @classmethod
    def of(cls, version: PolicyVersion) -> PolicySummary:
        """A version as it is listed."""
        return cls(**_common(version))


class Policy(PolicySummary):
    """A version of a policy; `text` is null where the policy was removed."""

    text: str | None

    @classmethod
    def of(cls, version: PolicyVersion) -> Policy:
        """A version with its text."""
        return cls(**_common(version), text=version.text)


def _common(version: PolicyVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "etag": version.etag,
        "origin": version.origin,
        "path": version.path,
        "created_at": stamp(version.created_at),
        "created_by": version.created_by,
        "removed": version.text is None,
    }


class PolicyList(Strict):
    """Policies, or versions of one."""

    items: list[PolicySummary]
    next: None
