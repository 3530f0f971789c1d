"""
Records: what the store keeps, as values. Times are seconds since 1970 (UTC), as floats.

The store knows no engine: rows are tuples of scalars, rules are numbers with the
words that were known of them when they were first seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Scalar = None | bool | int | float | str

State = Literal["open", "waived", "resolved"]

# The kinds of rules whose rows are violations; conflicts have a history too, and are listed by themselves.
VIOLATIONS = ("error", "warning")


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """A rule whose rows are violations or conflicts, as it was when they were seen; `tables` are those it rests on."""

    policy: str
    rule: str  # the rule's identity
    kind: str  # "error", "warning" or "conflict"
    severity: str
    mode: str
    table: str  # "nfv:error"
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """A violation that came: its stable id (32 hexadecimal digits), its rule, and what is told of it."""

    id: str
    rule: RuleRecord
    row: tuple[Scalar, ...]
    object: str | None
    tenant: str | None
    site: str | None  # the point of presence that the object belongs to
    message: str
    waiver: str | None = None  # the id of a waiver that covers it already


@dataclass(frozen=True, slots=True)
class ViolationRecord:
    """One episode of a violation: from `first_seen` until `resolved_at`, or until now."""

    seq: int
    id: str
    rule: RuleRecord
    row: tuple[Scalar, ...]
    object: str | None
    tenant: str | None
    site: str | None
    message: str
    first_seen: float
    resolved_at: float | None
    resolved_by: str | None  # "change", "policy": the rows went, or the rule did
    waiver: str | None  # the id of the waiver that covers it


# What is told of a violation and may change while it is open, beside its object and its message.
Part = Literal["tenant", "site"]
# An open violation that is told otherwise: as it was, and as it is.
Revised = tuple[ViolationRecord, ViolationRecord]


@dataclass(frozen=True, slots=True)
class ViolationFilter:
    """Which violations are wanted; what is None or empty does not matter. `source` is one that the rule rests on."""

    policies: Sequence[str] = ()
    rules: Sequence[str] = ()
    severities: Sequence[str] = ()
    kinds: Sequence[str] = VIOLATIONS
    tables: Sequence[str] = ()
    objects: Sequence[str] = ()
    sources: Sequence[str] = ()
    states: Sequence[State] = ("open",)
    open_of: Sequence[str] | None = None  # of the open ones just those of these policies, whatever else is wanted
    sites: Sequence[str] = ()
    tenant: str | None = None
    since: float | None = None  # first seen at or after
    until: float | None = None  # first seen before
    text: str | None = None  # occurs in the message, whatever the case


@dataclass(frozen=True, slots=True)
class Page:
    """Some violations, and the cursor of those that follow; None at the end."""

    items: tuple[ViolationRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one change of the engine made of the violations; batches are numbered without gaps in their order."""

    number: int
    at: float
    opened: int
    resolved: int


@dataclass(frozen=True, slots=True)
class WaiverRecord:
    """An accepted violation. What it matches: an id, or a policy and perhaps a rule and an object of it."""

    id: str
    owner: str
    reason: str
    ticket: str
    expires: str  # as it was written; `policy.waivers` says what it means
    violation: str | None = None
    policy: str | None = None
    rule: str | None = None
    object: str | None = None
    created_at: float = 0.0
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a policy's text; `text` is None where the version says that the policy was removed."""

    name: str
    version: int
    text: str | None
    created_at: float
    created_by: str
    origin: Literal["file", "api", "tier"]
    path: str = ""  # of the file, or the engine above, that it came from

    @property
    def etag(self) -> str:
        """What changes whenever the policy does."""
        return f"{self.name}-{self.version}"


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """A pre-commit check: what was proposed (texts by name; None: it goes), and the document of what was found."""

    id: str
    at: float
    by: str
    proposal: dict[str, Any] = field(repr=False)
    document: dict[str, Any] = field(repr=False)
    applied_at: float | None = None
    applied_by: str | None = None


ActionState = Literal[
    "shown", "approval", "planned", "running", "succeeded", "failed", "timed_out", "held", "stopped", "cancelled"
]
# Those that nothing happens to any more, whatever happens to what commanded them.
ENDED: tuple[ActionState, ...] = ("succeeded", "failed", "cancelled")
# Those in which nothing was given to a target yet.
UNBEGUN: tuple[ActionState, ...] = ("shown", "approval", "planned", "stopped")
# Those in which a person is waited for: before it is begun, and in all, the most urgent first.
UNAPPROVED: tuple[ActionState, ...] = ("stopped", "approval")
WAITING: tuple[ActionState, ...] = ("held", *UNAPPROVED)
CANCELLABLE: tuple[ActionState, ...] = (*UNBEGUN, "held", "timed_out")


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """An action: what commands it, what it does to what, and how it stands.

    *shown*: of a policy that is tried out (`dryrun`), never run. *approval*: a person must approve it. *planned*: it
    waits for its turn, or until `not_before`. *running*: it was given to its target, perhaps; what became of it is
    looked up after a crash. *timed_out*: its target still has it, for longer than it may take. *held*: what became of
    it cannot be told, so a person must. *stopped*: a guard stopped it. `id` is its key at the target, `command` names
    what commands it (and does so still, as long as `commanded`), `plan` those that were planned together.
    """

    id: str
    command: str
    plan: str
    policy: str
    rule: str
    mode: str
    action: str  # "nova:stop"
    arguments: tuple[Scalar, ...]
    object: str
    kind: str  # the table that its object is in, if that is known: what shares of the estate are counted by
    tenant: str | None
    site: str | None
    state: ActionState
    created_at: float
    reason: str = ""
    guard: str = ""  # the guard that stopped it, or that it waits for
    attempt: int = 0
    not_before: float | None = None
    commanded: bool = True
    undoes: str | None = None  # the id of the action that this one undoes
    started_at: float | None = None  # of the attempt
    ended_at: float | None = None
    changed_at: float = 0.0
    epoch: int = 0  # of the lease under which the attempt was started
    reference: str = ""
    output: dict[str, Any] = field(default_factory=dict, repr=False)
    approved_by: str = ""
    steps: int = 0  # lines of its record
    seq: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.state in ENDED

    @property
    def wanted(self) -> bool:
        """Whether there is a reason for it still: what commands it holds, or it undoes something."""
        return self.commanded or self.undoes is not None

    @property
    def target(self) -> str:
        """The name of its target: `nova` of `nova:stop`."""
        return self.action.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class ActionStep:
    """One line of an action's record: what state it came to, why, and by whom (empty: by itself)."""

    at: float
    state: ActionState
    attempt: int
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """Which actions are wanted; what is None or empty does not matter."""

    states: Sequence[ActionState] = ()
    policies: Sequence[str] = ()
    actions: Sequence[str] = ()
    objects: Sequence[str] = ()
    plans: Sequence[str] = ()
    tenant: str | None = None
    since: float | None = None  # created at or after
    until: float | None = None  # created before


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source as it was configured over REST; `settings` are stored encrypted."""

    name: str
    settings: dict[str, Any] = field(repr=False)
    version: int
    created_at: float
    created_by: str


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """How the pulls of a feed went."""

    source: str
    feed: str
    last_success: float | None
    last_attempt: float | None
    stale_since: float | None
    error: tuple[dict[str, Any], ...] = ()  # findings: code, message, place, hint


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who changed what, when, with what outcome. `detail` holds no secret."""

    seq: int
    at: float
    actor: str
    role: str
    action: str
    target: str
    outcome: str
    detail: dict[str, Any]
    address: str
    request: str


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A line of the log: how grave (as Python's `logging` counts), of which part, what, and what it is about."""

    at: float
    level: int
    category: str
    message: str
    tags: dict[str, str]
    seq: int = 0


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are wanted; what is None or empty does not matter. A category has those below it (`a` has `a.b`)."""

    categories: Sequence[str] = ()
    tags: Sequence[tuple[str, str]] = ()  # all of them
    level: int = 0  # at least so grave
    text: str | None = None  # occurs in the message, whatever the case
    since: float | None = None  # told at or after
    until: float | None = None  # told before
