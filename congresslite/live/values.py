"""
Values of the running estate: what it tells of its sources, tables and changes.

Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.schema import Row, TableSchema

# Why a feed is not current that nobody has pulled yet.
NOT_PULLED = "it has not been pulled yet"

# Who says what a source is: the configuration, whoever used the API, or nobody, since the engine fills it by itself.
Managed = Literal["file", "api", "engine"]
Health = Literal["fresh", "stale", "pending", "lazy", "held_back"]


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How current the tables of a feed are.

    *fresh*: the last pull went well and is not overdue. *pending*: not pulled yet, and nothing is held. *stale*: the
    last pulls failed, or none came in time; what is held is of `last_success`. *held_back*: a pull brought nothing
    where there were rows, and an operator is to confirm it. *lazy*: no rule reads it, so it is not pulled.
    """

    name: str
    tables: tuple[str, ...]  # full names
    health: Health
    last_success: float | None
    last_attempt: float | None
    since: float | None  # when it became stale or was held back
    findings: tuple[Diagnostic, ...]  # why
    next_pull: float | None
    pulled: bool = True  # others push to it otherwise, and it is always current


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source, with the worst of its feeds' healths."""

    name: str
    driver: str
    managed: Managed
    health: Health
    feeds: tuple[FeedStatus, ...]
    watching: bool  # it tells of changes by itself
    watch_fault: str | None


@dataclass(frozen=True, slots=True)
class Undetermined:
    """Policies whose answers rest on a table that is not current: what is told of them is as of `last_success`."""

    source: str
    feed: str
    health: Health
    since: float | None
    last_success: float | None
    why: str
    tables: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What is not current of the tables that were named, and of when their rows are (None: they were never pulled).

    Which policies rest on a feed is not told here, but of the estate as a whole.
    """

    undetermined: tuple[Undetermined, ...] = ()
    ages: tuple[float | None, ...] = ()


NOTHING_NAMED = Looked()


def oldest(ages: Sequence[float | None]) -> float | None:
    """Of when the oldest is of what an answer rests on, now if on nothing; None if some of it was never pulled."""
    known = [age for age in ages if age is not None]
    return min(known, default=time.time()) if len(known) == len(ages) else None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks or changes something. `tenant` is None for whoever may see the objects of all."""

    name: str
    role: Literal["viewer", "author", "operator", "admin"]
    tenant: str | None = None
    address: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many open violations there are of one rule at one point of presence (None: not known)."""

    policy: str
    rule: str
    kind: str
    severity: str
    mode: str
    site: str | None
    open: int
    waived: int


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table that can be looked at. `source` is the source or the policy that it belongs to."""

    schema: TableSchema
    derived: bool
    rows: int | None  # None where it was not pulled yet, and for a tenant, who sees his own only
    as_of: float | None  # of when the oldest thing is that it rests on
    health: Health


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table, and the offset of those that follow; None at the end."""

    columns: tuple[str, ...]
    rows: list[Row]
    next: int | None
    total: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of pushed rows; they are durable and applied when it is returned."""

    inserted: int
    deleted: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Event:
    """One batch of changes, as it is sent to those who watch. `number` counts batches that changed a violation.

    `kind` is "violations" (with what opened and what was resolved), "reload" (too much changed to be told one by one:
    list anew) or "sources" (the freshness of sources changed).
    """

    number: int
    kind: Literal["violations", "reload", "sources"]
    data: str  # JSON on one line


class RefusedCheckError(CongressliteError):
    """A check that is not applied: it rejects what it is about, or would find something else now."""


class NotYoursError(Exception):
    """The caller may not see or change this."""


class ConflictError(Exception):
    """What was to be changed is not as the caller thinks (its etag), or is managed by a file; `hint` says the mend."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
