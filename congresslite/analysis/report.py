"""
The report of a pre-commit check, as values; `document` makes the one JSON text that everybody prints.

Times are seconds; moments are seconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from congresslite.diagnostics import Diagnostic
from congresslite.language.program import DecidedBy

Verdict = Literal["ok", "warn", "needs_decision", "reject"]
Status = Literal["new", "resolved", "unchanged"]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the verdict is not better. `code` is a CL3xx code; the gravest reason comes first."""

    verdict: Verdict
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy that takes part. `version` is a digest of its text."""

    name: str
    tier: str
    mode: str
    change: Literal["added", "changed", "removed", "unchanged"]
    version: str


@dataclass(frozen=True, slots=True)
class Group:
    """How many violations of one service or tenant (None: not known) come, go and stay."""

    name: str | None
    new: int
    resolved: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What becomes of violations. `new` and `resolved` are violation documents with `service` and `tenant`, at most
    `limit` of each, those of services that are configured already first; `totals` counts all of them. `services` and
    `tenants` are the `limit` worst hit of those whose violations come or go, of which `affected` counts all.
    """

    new: Sequence[Document]
    resolved: Sequence[Document]
    totals: Mapping[Status, int]
    services: Sequence[Group]
    tenants: Sequence[Group]
    affected: Mapping[Literal["services", "tenants"], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConflictFound:
    """A conflict with both sides, each with its explanation (`Proof.as_json`) where there is one."""

    status: Status
    document: Document


@dataclass(frozen=True, slots=True)
class RuleFound:
    """What is proven of a rule: it never fires, or what it says is said by others, or is overruled by them."""

    finding: Literal["never_fires", "redundant", "equivalent", "shadowed"]
    policy: str
    rule: str
    by: Sequence[tuple[str, str]]  # (policy, rule) of those that say or overrule it
    message: str


@dataclass(frozen=True, slots=True)
class Loop:
    """Actions that set each other off. `trace` is the run that came back, for one that is certain."""

    certainty: Literal["possible", "certain"]
    actions: Sequence[str]
    rules: Sequence[tuple[str, str]]
    trace: Sequence[Document] = ()


@dataclass(frozen=True, slots=True)
class Commanded:
    """An action that would be commanded at once, on how many objects of how many, and the limit for that.

    `together` is to how many objects the limit applies: those of that `kind` (the table that has them) that all actions
    would act upon, or else those of all kinds that this action would act upon.
    """

    action: str
    policy: str
    mode: str
    new: int
    total: int
    of: int | None  # rows of the table that the object is in; None where that is not known
    limit: int | None
    exceeded: bool
    kind: str | None = None
    together: int = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What evaluating costs. `before_s` is what everything took when the engine last evaluated it all; `trial_s` what
    the trial took for rules that are new or have changed, and for what follows from them.
    """

    before_s: float
    trial_s: float

    @property
    def after_s(self) -> float:
        """What everything would take: rules that go are not taken off, since nobody knows what they alone took."""
        return self.before_s + self.trial_s


@dataclass(frozen=True, slots=True)
class Report:
    """What would follow from a change of policies."""

    id: str
    at: float
    verdict: Verdict
    reasons: Sequence[Reason] = ()
    policies: Sequence[PolicyChange] = ()
    findings: Sequence[Diagnostic] = ()
    impact: Impact = field(default_factory=lambda: Impact((), (), {}, (), ()))
    conflicts: Sequence[ConflictFound] = ()
    conflict_totals: Mapping[Status, int] = field(default_factory=dict)
    new_conflicts: Mapping[DecidedBy | None, int] = field(default_factory=dict)  # how many new ones are decided by what
    rules: Sequence[RuleFound] = ()
    loops: Sequence[Loop] = ()
    commands: Sequence[Commanded] = ()
    evaluation: Evaluation = field(default_factory=lambda: Evaluation(0.0, 0.0))
    undetermined: Sequence[Document] = ()
    not_analysed: Sequence[str] = ()
    tiers: Mapping[str, Document] = field(default_factory=dict)  # the reports of engines below, by name
    seen: Mapping[str, str] = field(default_factory=dict)  # the policies that were live, by name, and their versions
    fingerprint: str = ""  # of what was found: `apply` refuses if the same check finds something else
