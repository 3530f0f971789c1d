"""
Explanations of a server, read back from their documents: the inverse of `as_json`.

A document is a list of steps that refer to each other by number. Each step is
higher than those that it rests on, so in the order of their heights every part
is there before it is needed, however high the proof is and whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from congresslite.cli.client.errors import ServerError
from congresslite.cli.client.values import told_rule
from congresslite.cli.placing import line_span
from congresslite.diagnostics import Diagnostic
from congresslite.engine.explanation import (
    Absent,
    Attempt,
    Branch,
    Entry,
    Failure,
    Found,
    Grouped,
    Held,
    Mismatch,
    Near,
    Proof,
    WhyNot,
)
from congresslite.language.program import CheckedRule
from congresslite.schema import Scalar

Document = Mapping[str, Any]
Notes = Mapping[Proof, str]

_HIDDEN = "not yours to see"


def proof_of(document: Document) -> tuple[Proof, Notes]:
    """The proof of a document, and what the server says of single rows: their age, or that they are hidden.

    Raises ServerError for what is no proof.
    """
    with _understood():
        steps: Sequence[Document] = document["steps"]
        made: dict[int, Proof] = {}
        notes: dict[Proof, str] = {}
        for number in sorted(range(len(steps)), key=lambda at: int(steps[at]["height"])):
            proof = made[number] = _proof(steps[number], made)
            if note := _note(steps[number]):
                notes[proof] = note
        return made[0], notes


def why_not_of(document: Document) -> WhyNot:
    """What a document says of a row that is not there. Raises ServerError for what says nothing of that."""
    with _understood():
        row = _row(document["row"])
        return WhyNot(
            str(document["table"]),
            tuple(row.values()),
            tuple(row),
            tuple(_attempt(each) for each in document["attempts"]),
            tuple(Mismatch(_rule(each["rule"]), str(each["reason"])) for each in document["mismatches"]),
            _near(document.get("near", ())),
            document.get("note"),
        )


@contextmanager
def _understood() -> Iterator[None]:
    """Within it, what a document lacks is the fault of whoever sent it."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        hint = "is the server much older or newer?"
        raise ServerError(Diagnostic("CL592", "the server's explanation is not understood here", hint=hint)) from None


def _proof(step: Document, made: Mapping[int, Proof]) -> Proof:
    row = _row(step["row"])
    return Proof(
        str(step["table"]),
        tuple(row.values()),
        tuple(row),
        int(step["height"]),
        step["from"],
        _rule(step["rule"]) if "rule" in step else None,
        _row(step.get("bindings", {})),
        tuple(_entry(each, made) for each in step.get("body", ())),
        tuple(
            Grouped(_row(each["bindings"]), tuple(_entry(entry, made) for entry in each["body"]))
            for each in step.get("group", ())
        ),
        step.get("total"),
        bool(step.get("complete", True)),
    )


def _note(step: Document) -> str:
    if step.get("redacted"):
        return _HIDDEN
    as_of = step.get("as_of")
    return "" if as_of is None else f"as of {datetime.fromisoformat(as_of).astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def _entry(entry: Document, made: Mapping[int, Proof]) -> Entry:
    if "step" in entry:
        return made[entry["step"]]
    if "branch" in entry:
        return Branch(int(entry["branch"]), int(entry["of"]), tuple(_entry(each, made) for each in entry["body"]))
    return _absent_or_held(entry)


def _absent_or_held(entry: Document) -> Absent | Held:
    if "absent" in entry:
        return Absent(str(entry["absent"]), _row(entry["row"]))
    return Held(str(entry["holds"]), str(entry["with_values"]))


def _attempt(attempt: Document) -> Attempt:
    rule = _rule(attempt["rule"])
    held = tuple(_held(each) for each in attempt["held"])
    return Attempt(rule, (), _row(attempt["bindings"]), held, _failure(attempt["failed"]))


def _held(entry: Document) -> Found | Absent | Held:
    if "found" in entry:
        row = _row(entry["row"])
        return Found(str(entry["found"]), tuple(row), tuple(row.values()))
    return _absent_or_held(entry)


def _failure(failed: Document) -> Failure:
    return Failure(
        None,
        failed["reason"],
        str(failed["literal"]),
        str(failed["with_values"]),
        failed.get("table"),
        _near(failed.get("near", ())),
        _row(failed.get("values", {})),
        tuple(_attempt(each) for each in failed.get("branches", ())),
    )


def _near(rows: Sequence[Document]) -> tuple[Near, ...]:
    made = [(_row(each["row"]), tuple(map(str, each["agrees"]))) for each in rows]
    return tuple(Near(tuple(row), tuple(row.values()), agrees) for row, agrees in made)


def _row(row: Mapping[str, Any]) -> dict[str, Scalar]:
    """Values by column. Raises TypeError if one of them is none that the language has."""
    if not all(value is None or isinstance(value, bool | int | float | str) for value in row.values()):
        raise TypeError(row)
    return dict(row)


def _rule(rule: Document) -> CheckedRule:
    span = line_span(str(rule["file"]), int(rule["line"]))
    return told_rule(str(rule["policy"]), "", str(rule["id"]), span=span)
