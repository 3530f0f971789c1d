"""Waivers, the audit, and who is asking."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from congresslite.schema.times import stamp
from congresslite.server.schemas.common import Limit, Short, Strict, Text, Time
from congresslite.store.records import AuditRecord, WaiverRecord

Needed = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"\S")]


class WaiverIn(Strict):
    """An accepted violation: that of an id, or those of a policy and perhaps of one rule or object of it."""

    owner: Needed
    reason: Needed
    ticket: Short = ""
    expires: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="A date, until whose end (UTC) it holds, or a time with a zone."
    )
    violation: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    policy: Text | None = None
    rule: Text | None = None
    object: Text | None = None

    @model_validator(mode="after")
    def _about_something(self) -> WaiverIn:
        if (self.violation is None) == (self.policy is None):
            raise ValueError("a waiver is either for a `violation` or for a `policy`")
        return self

    def record(self) -> WaiverRecord:
        """The same as the estate takes it; its id and author are not known yet."""
        return WaiverRecord(id="", **self.model_dump())


class Waiver(Strict):
    """A waiver. `holds` is false once it lapsed."""

    id: str
    owner: str
    reason: str
    ticket: str
    expires: str
    violation: str | None
    policy: str | None
    rule: str | None
    object: str | None
    created_at: Time
    created_by: str
    holds: bool

    @classmethod
    def of(cls, record: WaiverRecord, *, holds: bool) -> Waiver:
        """A waiver as it is sent."""
        return cls(
            id=record.id,
            owner=record.owner,
            reason=record.reason,
            ticket=record.ticket,
            expires=record.expires,
            violation=record.violation,
            policy=record.policy,
            rule=record.rule,
            object=record.object,
            created_at=stamp(record.created_at),
            created_by=record.created_by,
            holds=holds,
        )


class WaiverList(Strict):
    """All waivers, those that lapsed too."""

    items: list[Waiver]
    next: None


class AuditQuery(Strict):
    """Which part of the audit."""

    limit: Limit = 100
    cursor: int | None = Field(default=None, ge=1, le=2**62, description="`next` of the page before.")


class AuditEntry(Strict):
    """Who changed what, when, and with what outcome."""

    seq: int
    at: Time
    actor: str
    role: str
    action: str
    target: str
    outcome: str
    detail: dict[str, Any]
    address: str
    request: str

    @classmethod
    def of(cls, record: AuditRecord) -> AuditEntry:
        """An entry as it is sent."""
        return cls(
            seq=record.seq,
            at=stamp(record.at),
            actor=record.actor,
            role=record.role,
            action=record.action,
            target=record.target,
            outcome=record.outcome,
            detail=dict(record.detail),
            address=record.address,
            request=record.request,
        )


class AuditPage(Strict):
    """A page of the audit, the latest first."""

    items: list[AuditEntry]
    next: str | None


class Whoami(Strict):
    """Who is asking. `tenant` is null for whoever sees the objects of all."""

    name: str
    role: Literal["viewer", "author", "operator", "admin"]
    tenant: str | None
    address: str
