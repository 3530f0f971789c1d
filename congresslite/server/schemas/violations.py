"""Violations: which are wanted, what is told of each, and how many there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from congresslite.live import Counted
from congresslite.schema.times import stamp, stamp_or_none
from congresslite.server.schemas.common import Cursor, Kind, Limit, Moment, Scalar, Severity, Stale, Strict, Text, Time
from congresslite.store.records import VIOLATIONS, State, ViolationFilter, ViolationRecord

Wanted = Literal["open", "waived", "resolved", "undetermined"]
Texts = Annotated[list[Text], Field(max_length=100)]
Order = Literal[
    "first_seen", "-first_seen", "severity", "-severity", "policy", "-policy", "object", "-object"
]  # fmt: skip


class HistoryQuery(Strict):
    """What of a history is wanted. A parameter that is given several times takes any of its values."""

    object: Texts = Field(default_factory=list)
    source: Texts = Field(default_factory=list, description="A source that the rule rests on.")
    site: Texts = Field(default_factory=list, description="A point of presence.")
    state: list[Wanted] = Field(
        default=["open"],
        max_length=4,
        description="`undetermined`: open ones of policies that rest on tables that are not current.",
    )
    since: Moment | None = Field(default=None, description="First seen at this time or later.")
    until: Moment | None = Field(default=None, description="First seen before this time.")
    text: Text | None = Field(default=None, description="Occurs in the message.")
    sort: Order = "-first_seen"
    limit: Limit = 100
    cursor: Cursor | None = Field(default=None, description="`next` of the page before.")

    def wanted(self, undetermined: Collection[str]) -> ViolationFilter:
        """The same as the store takes it: undetermined ones are the open ones of `undetermined` policies."""
        states: set[State] = {"open" if state == "undetermined" else state for state in self.state}
        return ViolationFilter(
            objects=self.object,
            sources=self.source,
            states=sorted(states),
            open_of=sorted(undetermined) if "undetermined" in self.state and "open" not in self.state else None,
            sites=self.site,
            since=None if self.since is None else self.since.timestamp(),
            until=None if self.until is None else self.until.timestamp(),
            text=self.text,
        )


class ViolationQuery(HistoryQuery):
    """Which violations are wanted. A parameter that is given several times takes any of its values."""

    policy: Texts = Field(default_factory=list)
    rule: Texts = Field(default_factory=list)
    severity: list[Severity] = Field(default_factory=list, max_length=4)
    kind: list[Kind] = Field(default_factory=list, max_length=2)
    table: Texts = Field(default_factory=list)
    tier: Text | None = Field(default=None, description="Of the engines of this tier: this one, or those below.")
    engine: Text | None = Field(default=None, description="Of this engine: the one that is asked, or one below.")

    def takes(self, document: Mapping[str, Any]) -> bool:
        """Whether a violation that an engine publishes is wanted; what it publishes is open."""
        among: dict[str, Collection[str]] = {
            "policy": self.policy, "rule": self.rule, "severity": self.severity, "kind": self.kind or VIOLATIONS,
            "table": self.table, "object": self.object, "site": self.site,
        }  # fmt: skip
        seen = document["first_seen"]
        return (
            ("open" in self.state or ("undetermined" in self.state and document["undetermined"]))
            and all(document[name] in values for name, values in among.items() if values)
            and (self.text is None or self.text.lower() in document["message"].lower())
            and (self.since is None or seen >= stamp(self.since.timestamp()))
            and (self.until is None or seen < stamp(self.until.timestamp()))
        )

    def filter(self, undetermined: Collection[str]) -> ViolationFilter:
        """The same as the store takes it. `undetermined` are policies."""
        return replace(
            self.wanted(undetermined),
            policies=sorted(self.policy),
            rules=self.rule,
            severities=self.severity,
            kinds=self.kind or VIOLATIONS,
            tables=self.table,
        )


class Violation(Strict):
    """A violation, as it was last seen. `undetermined`: it rests on tables that are not current."""

    id: str
    policy: str
    rule: str
    kind: str
    severity: str
    mode: str
    table: str
    columns: list[str]
    row: list[Scalar]
    object: str | None
    tenant: str | None
    site: str | None
    message: str
    first_seen: Time
    last_seen: Time
    resolved_at: Time | None
    state: State
    waiver: str | None
    file: str
    line: int
    undetermined: bool
    engine: str | None = Field(
        default=None, description="The engine that tells it, where `tier` or `engine` was asked for."
    )

    @classmethod
    def below(cls, document: Mapping[str, Any]) -> Violation:
        """A violation that an engine publishes as it is sent."""
        told = {key: value for key, value in document.items() if key in cls.model_fields}
        open_: dict[str, Any] = {"last_seen": document["first_seen"], "resolved_at": None, "state": "open",
                                 "waiver": None}  # fmt: skip
        return cls.model_validate({**told, **open_})

    @classmethod
    def of(cls, record: ViolationRecord, as_of: float | None, undetermined: Collection[str]) -> Violation:
        """A violation as it is sent; an open one was last seen when its tables were last current."""
        rule = record.rule
        seen = record.first_seen if as_of is None else max(record.first_seen, as_of)
        return cls(
            id=record.id,
            policy=rule.policy,
            rule=rule.rule,
            kind=rule.kind,
            severity=rule.severity,
            mode=rule.mode,
            table=rule.table,
            columns=list(rule.columns),
            row=list(record.row),
            object=record.object,
            tenant=record.tenant,
            site=record.site,
            message=record.message,
            first_seen=stamp(record.first_seen),
            last_seen=stamp(seen if record.resolved_at is None else record.resolved_at),
            resolved_at=stamp_or_none(record.resolved_at),
            state=state_of(record),
            waiver=record.waiver,
            file=rule.file,
            line=rule.line,
            undetermined=record.resolved_at is None and rule.policy in undetermined,
        )


def state_of(record: ViolationRecord) -> State:
    """Whether it is open, waived or resolved."""
    if record.resolved_at is not None:
        return "resolved"
    return "open" if record.waiver is None else "waived"


class ViolationPage(Strict):
    """A page of violations, and whatever cannot be told at the moment."""

    items: list[Violation]
    next: str | None
    undetermined: list[Stale]
    as_of: Time | None


class Episode(Strict):
    """One time that the violation was there, from `first_seen` until `resolved_at`."""

    first_seen: Time
    resolved_at: Time | None
    resolved_by: str | None
    state: State
    waiver: str | None
    message: str

    @classmethod
    def of(cls, record: ViolationRecord) -> Episode:
        """An episode as it is sent."""
        return cls(
            first_seen=stamp(record.first_seen),
            resolved_at=stamp_or_none(record.resolved_at),
            resolved_by=record.resolved_by,
            state=state_of(record),
            waiver=record.waiver,
            message=record.message,
        )


class CountsQuery(Strict):
    """Which counts are wanted: all of them."""


class ViolationDetailQuery(Strict):
    """What to tell of a violation."""

    explain: bool = Field(default=False, description="With its proof, down to the rows of sources.")
    engine: Text | None = Field(default=None, description="The engine below that publishes it.")


class ViolationDetail(Strict):
    """A violation with its history; `explanation` is a proof of it, null unless it was asked for and it is open.

    What an engine below has as a conflict has `explanations` of its two sides instead, as `ConflictDetail` has.
    """

    violation: Violation
    episodes: list[Episode]
    explanation: dict[str, Any] | None
    explanations: list[dict[str, Any] | None] | None = None
    undetermined: list[Stale]
    as_of: Time | None


class Count(Strict):
    """The open violations of a rule at a point of presence."""

    policy: str
    rule: str
    kind: str
    severity: str
    mode: str
    site: str | None
    open: int
    waived: int

    @classmethod
    def of(cls, counted: Counted) -> Count:
        """A count as it is sent."""
        return cls(
            policy=counted.policy,
            rule=counted.rule,
            kind=counted.kind,
            severity=counted.severity,
            mode=counted.mode,
            site=counted.site,
            open=counted.open,
            waived=counted.waived,
        )


class Counts(Strict):
    """How many violations there are, by rule and point of presence."""

    items: list[Count]
    next: None
    undetermined: list[Stale]
    as_of: Time | None


class WatchQuery(Strict):
    """Where to begin."""

    after: int | None = Field(
        default=None, ge=0, le=2**62, description="Begin after this event; the header `Last-Event-ID` goes before it."
    )
