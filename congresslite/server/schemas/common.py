"""What every resource shares: strict models, bounded texts, times, findings, and how current an answer is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from congresslite.config.models import SOURCE_NAME
from congresslite.diagnostics import Diagnostic
from congresslite.live import Health, Undetermined
from congresslite.schema.times import stamp_or_none

if TYPE_CHECKING:
    from congresslite.federation.questions import Unsure


class Strict(BaseModel):
    """A model that takes no key that it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# A name of a policy or a source, which becomes the first part of tables' names.
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=SOURCE_NAME)]
# Text of others: a value that is looked for, an owner, a reason.
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Short = Annotated[str, StringConstraints(max_length=200)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Limit = Annotated[int, Field(ge=1, le=1000)]

Scalar = None | bool | int | float | str
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Severity = Literal["critical", "high", "medium", "low"]
Kind = Literal["error", "warning"]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _rfc3339(value: Any) -> Any:
    """Only a date with a time and a zone: a number could be seconds or milliseconds."""
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise ValueError("write it as `2026-05-01T12:00:00Z`")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]


class Finding(Strict):
    """Something to be told about what was asked: a code, a cause, a place, and how to mend it."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    location: str | None
    file: str | None
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    hint: str | None
    notes: list[str]

    @classmethod
    def of(cls, diagnostic: Diagnostic) -> Finding:
        """A finding as it is sent."""
        span = diagnostic.span
        return cls(
            code=diagnostic.code,
            severity=diagnostic.severity.value,
            message=diagnostic.message,
            location=diagnostic.where or None,
            file=None if span is None else span.source.name,
            line=None if span is None else span.line,
            column=None if span is None else span.column,
            end_line=None if span is None else span.end_line,
            end_column=None if span is None else span.end_column,
            hint=diagnostic.hint,
            notes=list(diagnostic.notes),
        )


def findings_of(diagnostics: Iterable[Diagnostic]) -> list[Finding]:
    """Findings as they are sent."""
    return [Finding.of(each) for each in diagnostics]


class Problem(Strict):
    """What went wrong (RFC 9457). `type` leads to the page that explains `code`; `findings` has every finding."""

    type: str
    title: str
    status: int
    detail: str | None
    code: str
    location: str | None
    hint: str | None
    findings: list[Finding]
    trace_id: str


class Stale(Strict):
    """Tables that are not current, and the policies whose answers rest on them: those are undetermined.

    `engine` is the one below that tells it, and `source` its name then; null for a source of this engine.
    """

    source: str
    engine: str | None = None
    feed: str
    health: Health
    since: Time | None
    last_success: Time | None
    why: str
    tables: list[str]
    policies: list[str]

    @classmethod
    def of(cls, each: Undetermined) -> Stale:
        """What cannot be told, as it is sent."""
        return cls(
            source=each.source,
            feed=each.feed,
            health=each.health,
            since=stamp_or_none(each.since),
            last_success=stamp_or_none(each.last_success),
            why=each.why,
            tables=list(each.tables),
            policies=list(each.policies),
        )

    @classmethod
    def below(cls, each: Unsure, policies: list[str], *, why: bool) -> Stale:
        """What an engine below cannot tell, as it is sent; `why` may name rows of others."""
        return cls(
            source=each.engine,
            engine=each.engine,
            feed=each.feed if each.source is None else f"{each.source}/{each.feed}",
            health=each.health if each.health in get_args(Health) else "stale",  # type: ignore[arg-type]  # one of them
            since=None,
            last_success=None,
            why=each.why if why else "the source cannot be read",
            tables=[],
            policies=policies,
        )
