"""Pre-commit checks: what is proposed, the report of what would follow, and what became of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from congresslite.schema.times import stamp, stamp_or_none
from congresslite.server.schemas.common import Finding, Name, Stale, Strict, Time
from congresslite.server.schemas.policies import PolicySummary, PolicyText
from congresslite.store.records import CheckRecord

Verdict = Literal["ok", "warn", "needs_decision", "reject"]
Documents = list[dict[str, Any]]


class MaxAffectedIn(Strict):
    """How many objects may be acted upon at once: at most so many, and at most this share of their kind."""

    amount: int | None = Field(default=None, ge=0, le=2**53)
    percent: float | None = Field(default=None, ge=0, le=100)


class CheckIn(Strict):
    """What would go in (texts by name) and what would go out; `limit` is how much is told one by one."""

    policies: dict[Name, PolicyText] = Field(default_factory=dict, max_length=200)
    remove: list[Name] = Field(default_factory=list, max_length=200)
    max_affected: MaxAffectedIn | None = Field(default=None, description="In place of what the server is told.")
    limit: int = Field(default=100, ge=1, le=10_000)

    @model_validator(mode="after")
    def _one_way(self) -> CheckIn:
        both = sorted(set(self.remove) & self.policies.keys())
        if both:
            raise ValueError(f"policy `{both[0]}` cannot both go in and go out")
        return self


class Reason(Strict):
    """Why the verdict is not better."""

    verdict: Verdict
    code: str
    message: str


class PolicyChange(Strict):
    """A policy that takes part; `version` is a digest of its text."""

    name: str
    tier: str
    mode: str
    change: Literal["added", "changed", "removed", "unchanged"]
    version: str


class Consequences(Strict):
    """The violations that would come and go, as many of them as are told, and how many there are in all."""

    new: Documents
    resolved: Documents
    totals: dict[str, int]
    unchanged: int
    services: Documents
    tenants: Documents
    affected: dict[str, int]


class Report(Strict):
    """What would follow. `not_analysed` names the questions that were not looked into."""

    id: str
    at: Time
    verdict: Verdict
    reasons: list[Reason]
    policies: list[PolicyChange]
    findings: list[Finding]
    violations: Consequences
    conflicts: Documents
    conflict_totals: dict[str, int]
    rules: Documents
    loops: Documents
    actions: Documents
    evaluation: dict[str, float]
    undetermined: list[Stale]
    not_analysed: list[str]
    tiers: dict[str, dict[str, Any]]
    seen: dict[str, str]
    fingerprint: str


class CheckSummary(Strict):
    """A check that is kept, and whether it was applied."""

    id: str
    at: Time
    by: str
    verdict: Verdict
    policies: list[PolicyChange]
    applied_at: Time | None
    applied_by: str | None

    @classmethod
    def of(cls, record: CheckRecord) -> CheckSummary:
        """A check as it is listed."""
        document = record.document
        return cls(
            id=record.id,
            at=stamp(record.at),
            by=record.by,
            verdict=document["verdict"],
            policies=document["policies"],
            applied_at=stamp_or_none(record.applied_at),
            applied_by=record.applied_by,
        )


class CheckList(Strict):
    """The checks that are kept, the latest first."""

    items: list[CheckSummary]
    next: None


class Applied(Strict):
    """What applying a check has made: a version of each policy."""

    id: str
    policies: list[PolicySummary]
