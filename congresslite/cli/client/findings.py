"""
What a server tells, as findings of this machine: with line and caret wherever the text is known here.

A server names a text by a name of its own (a policy's, `query`); whoever sent
the text says which of the texts here that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from congresslite.cli.client.errors import TOKEN, ServerError
from congresslite.cli.client.showing import moment
from congresslite.diagnostics import Diagnostic, Severity, Source, Span
from congresslite.diagnostics.suggest import listing
from congresslite.server.schemas.common import Finding, Problem, Stale

# The texts that were sent, by the names that the server has for them.
Texts = Mapping[str, Source]

_GIVE = f"`--token-file FILE`, or the variable {TOKEN}"


def refusal(problem: Problem, texts: Texts, *, known: bool) -> ServerError:
    """What a server refused; `known`: a token went with the request."""
    findings = problem.findings or [_alone(problem)]
    told = diagnostics(findings, texts)
    hint = _hint(problem.status, known)
    if hint is not None:
        told = tuple(each if each.hint else _with_hint(each, hint) for each in told)
    return ServerError(told, problem.status)


def _hint(status: int, known: bool) -> str | None:
    match status:
        case 401 if known:
            return f"see to the token: {_GIVE}"
        case 401:
            return f"give a token: {_GIVE}"
        case 403:
            return "whoever runs the server can give you a token of another role"
        case 429 | 503:
            return "try again a little later"
        case 500:
            return "look into the log of the server"
        case _:
            return None


def _with_hint(found: Diagnostic, hint: str) -> Diagnostic:
    return Diagnostic(found.code, found.message, found.span, hint, found.severity, found.place, found.notes)


def _alone(problem: Problem) -> Finding:
    return Finding(
        code=problem.code,
        severity="error",
        message=problem.detail or problem.title,
        location=problem.location,
        file=None,
        line=None,
        column=None,
        end_line=None,
        end_column=None,
        hint=problem.hint,
        notes=[f"the trace id is {problem.trace_id}"] if problem.trace_id else [],
    )


def diagnostics(findings: Iterable[Finding], texts: Texts) -> tuple[Diagnostic, ...]:
    """Findings of a server as findings of this machine."""
    return tuple(_diagnostic(each, texts) for each in findings)


def _diagnostic(found: Finding, texts: Texts) -> Diagnostic:
    span = _span(found, texts)
    place = None if span is not None else found.location
    severity = Severity.ERROR if found.severity == "error" else Severity.WARNING
    return Diagnostic(found.code, found.message, span, found.hint, severity, place, tuple(found.notes))


def _span(found: Finding, texts: Texts) -> Span | None:
    """The place of a finding in a text that is known here."""
    source = texts.get(found.file or "")
    if source is None:
        return None
    start, end = _offset(source, found.line, found.column), _offset(source, found.end_line, found.end_column)
    return None if start is None or end is None else Span(source, start, max(start, end))


def _offset(source: Source, line: int | None, column: int | None) -> int | None:
    starts = source.line_starts
    if line is None or column is None or not 1 <= line <= len(starts) or column < 1:
        return None
    return min(starts[line - 1] + column - 1, len(source.text))


def undetermined(entries: Iterable[Stale], policies: Iterable[str] | None = None) -> tuple[Diagnostic, ...]:
    """What cannot be told at the moment, of these policies or (None) of all, as findings."""
    wanted = None if policies is None else set(policies)
    return tuple(_stale(each) for each in entries if wanted is None or wanted & set(each.policies))


def _stale(entry: Stale) -> Diagnostic:
    since = f" since {moment(entry.since)}" if entry.since else ""
    seen = f"what is told is of {moment(entry.last_success)}" if entry.last_success else "nothing has been seen yet"
    health = entry.health.replace("_", " ")
    whose = f"source `{entry.source}`" if entry.engine is None else f"engine `{entry.engine}`"
    feed = f"`{entry.feed}` of {whose} is {health}{since}"
    resting = f"{listing(entry.policies)} {'finds' if len(entry.policies) == 1 else 'find'}"
    what = resting if entry.policies else "this asks about"
    # What an engine below pulls is no source of the server that was asked.
    more = f"source show {entry.source}" if entry.engine is None else "tiers"
    return Diagnostic(
        "CL594",
        f"what {what} is not known now: {feed}",
        hint=f"`congresslite {more}` tells more",
        severity=Severity.WARNING,
        place=entry.source,
        notes=(entry.why, seen),
    )
