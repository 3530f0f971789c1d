"""
Answers as JSON: dictionaries, lists and scalars only.

A proof may be ten thousand rows high, and its parts may be shared, so its
document is flat: a list of steps that refer to each other by number, the row
that was asked about first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from congresslite.engine.explanation.lookup import Anything, Pattern
from congresslite.engine.explanation.proofs import (
    Absent,
    Attempt,
    Branch,
    Entry,
    Failure,
    Found,
    Held,
    Near,
    Proof,
    WhyNot,
)
from congresslite.language.program import CheckedRule
from congresslite.schema import Row

Document = dict[str, Any]


def as_json(answer: Proof | WhyNot) -> Document:
    """An answer as a document that `json` can write."""
    return _why_not(answer) if isinstance(answer, WhyNot) else _proof(answer)


def _proof(root: Proof) -> Document:
    numbers = {proof: number for number, proof in enumerate(in_order(root))}
    steps = [{"step": number, **_step(proof, numbers)} for proof, number in numbers.items()]
    return {"table": root.table, "row": _row(root.columns, root.row), "height": root.height, "steps": steps}


def in_order(root: Proof) -> list[Proof]:
    """Every proof that a proof rests on, itself first, each once, before those that it rests on in written order."""
    found: dict[Proof, None] = {}
    todo = [root]
    while todo:
        proof = todo.pop()
        if proof not in found:
            found[proof] = None
            todo += reversed(proof.premises())
    return list(found)


def _step(proof: Proof, numbers: Mapping[Proof, int]) -> Document:
    step: Document = {
        "table": proof.table,
        "row": _row(proof.columns, proof.row),
        "height": proof.height,
        "complete": proof.complete,
        "from": proof.origin,
    }
    if proof.rule is not None:
        step["rule"] = _rule(proof.rule)
    if proof.origin == "rule":
        step["bindings"] = dict(proof.bindings)
    if proof.total is not None:
        step["total"] = proof.total
        step["group"] = [
            {"bindings": dict(member.bindings), "body": _body(member.body, numbers)} for member in proof.group
        ]
    elif proof.origin == "rule":
        step["body"] = _body(proof.body, numbers)
    return step


def _body(body: Sequence[Entry], numbers: Mapping[Proof, int]) -> list[Document]:
    return [_entry(entry, numbers) for entry in body]


def _entry(entry: Entry, numbers: Mapping[Proof, int]) -> Document:
    match entry:
        case Proof():
            return {"step": numbers[entry]}
        case Branch(number, of, body):
            return {"branch": number, "of": of, "body": _body(body, numbers)}
        case _:
            return _plain(entry)


def _plain(entry: Found | Absent | Held) -> Document:
    match entry:
        case Found(table, columns, row):
            return {"found": table, "row": _row(columns, row)}
        case Absent(table, pattern):
            return {"absent": table, "row": dict(pattern)}
        case Held(text, values):
            return {"holds": text, "with_values": values}
        case _:
            assert_never(entry)


def _rule(rule: CheckedRule) -> Document:
    return {"policy": rule.policy, "id": rule.identity, "file": rule.span.source.name, "line": rule.span.line}


def _row(columns: Sequence[str], row: Row | Pattern) -> Document:
    """A row by its columns' names; what may be anything is left out."""
    pairs = zip(columns, row, strict=False)  # one that has too many columns has no names for them
    return {column: value for column, value in pairs if not isinstance(value, Anything)}


def _why_not(answer: WhyNot) -> Document:
    document: Document = {
        "table": answer.table,
        "row": _row(answer.columns, answer.row),
        "attempts": [_attempt(each) for each in answer.attempts],
        "mismatches": [{"rule": _rule(each.rule), "reason": each.reason} for each in answer.mismatches],
    }
    if answer.note is not None:
        document |= {"note": answer.note, "near": _near(answer.near)}
    return document


def _attempt(attempt: Attempt) -> Document:
    return {
        "rule": _rule(attempt.rule),
        "bindings": dict(attempt.bindings),
        "held": [_plain(each) for each in attempt.held],
        "failed": _failure(attempt.failed),
    }


def _failure(failure: Failure) -> Document:
    document: Document = {
        "reason": failure.reason,
        "literal": failure.text,
        "with_values": failure.with_values,
    }
    match failure.reason:
        case "missing" | "present" | "aggregate":
            document |= {"table": failure.table, "near": _near(failure.near)}
        case "untrue" | "undefined":
            document["values"] = dict(failure.values)
        case "or":
            document["branches"] = [_attempt(each) for each in failure.branches]
    return document


def _near(rows: Sequence[Near]) -> list[Document]:
    return [{"row": _row(each.columns, each.row), "agrees": list(each.agrees)} for each in rows]
