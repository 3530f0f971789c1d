"""
Explanations as people read them: a tree of rows for *why*, a short list for each rule for *why not*.

A tree names the columns that the rule looks at; the row that was asked for is
shown whole. Lines are made one after the other, with a stack of their own: a
proof may be ten thousand rows high.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from congresslite.cli.terminal import number
from congresslite.diagnostics.visible import visible
from congresslite.engine.explanation import (
    Absent,
    Anything,
    Attempt,
    Branch,
    Entry,
    Failure,
    Found,
    Grouped,
    Held,
    Near,
    Pattern,
    Proof,
    WhyNot,
)
from congresslite.language.printing import value_text
from congresslite.language.program import CheckedRule, Either, Literal, Match, Var
from congresslite.schema import Scalar


@dataclass(frozen=True, slots=True)
class _Node:
    """What stands on one line, and the literal of the rule that it belongs to."""

    entry: Entry | Grouped | str
    literal: Literal | None = None


def proof_lines(root: Proof, depth: int, notes: Mapping[Proof, str] | None = None) -> Iterator[Text]:
    """The tree of a proof, `depth` levels of it (0: all). What is shown already is not unfolded again.

    `notes` say more of single rows. Of a rule whose body is not known, whole rows are shown.
    """
    shown: set[Proof] = set()
    todo: list[tuple[_Node, str, str, int]] = [(_Node(root), "", "", 0)]
    while todo:
        node, first, rest, level = todo.pop()
        children = _children(node)
        note = ""
        if isinstance(node.entry, Proof) and children:
            note = "  (as above)" if node.entry in shown else ""
            if not note and depth and level >= depth:
                note = f"  … {number(node.entry.height, 'more level')}"
            children = [] if note else children
            shown.add(node.entry)
        if notes and isinstance(node.entry, Proof) and node.entry in notes:
            note = f"  {visible(notes[node.entry])}{note}"
        yield _line(node, first, note)
        for place, child in reversed(list(enumerate(children))):
            last = place == len(children) - 1
            todo.append((child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), level + 1))


def _children(node: _Node) -> list[_Node]:
    match node.entry:
        case Proof(rule=CheckedRule() as rule) as proof if proof.total is not None:
            # One entry alone needs no line above it to hold it together.
            members = [_entries(each.body, rule.body) for each in proof.group]
            nodes = [
                found[0] if len(found) == 1 else _Node(each, None)
                for each, found in zip(proof.group, members, strict=True)
            ]
            more = proof.total - len(proof.group)
            return [*nodes, _Node(f"… {number(more, 'more binding')}")] if more else nodes
        case Proof(rule=CheckedRule() as rule) as proof:
            return _entries(proof.body, rule.body)
        case Branch(taken, _, body):
            return _entries(body, node.literal.branches[taken] if isinstance(node.literal, Either) else ())
        case Grouped(_, body):
            return [_Node(each) for each in body]
        case _:
            return []


def _entries(body: Sequence[Entry], literals: Sequence[Literal]) -> list[_Node]:
    if not literals:  # they are not known
        return [_Node(entry) for entry in body]
    return [_Node(entry, literal) for entry, literal in zip(body, literals, strict=True)]


def _line(node: _Node, prefix: str, note: str) -> Text:
    line = Text(prefix, "dim")
    match node.entry:
        case Proof() as proof:
            line.append(visible(_proof_text(proof, node.literal)), "bold" if not prefix else "")
            line.append(visible(_origin(proof)), "dim")
        case Absent(table, pattern):
            line.append(visible(f"not {table}({_pairs(pattern)})"))
        case Held(text, values):
            line.append(visible(values))
            line.append(visible("" if text == values else f"  ({text})"), "dim")
        case Branch(taken, of):
            line.append(f"branch {taken + 1} of {of}", "dim")
        case Grouped(bindings):
            line.append(visible(_pairs(bindings)))
        case str() as text:
            line.append(text, "dim")
    line.append(note, "dim")
    return line


def _proof_text(proof: Proof, literal: Literal | None) -> str:
    """A row with the columns that the literal looks at, or with all that the proof has."""
    values = dict(zip(proof.columns, proof.row, strict=True))
    # Which columns the literal looks at can only be told of a row that has all of them.
    if isinstance(literal, Match) and len(literal.terms) == len(proof.columns):
        looked_at = [not (isinstance(term, Var) and term.anonymous) for term in literal.terms]
        names = [name for name, wanted in zip(proof.columns, looked_at, strict=True) if wanted]
        if names:
            values = {name: values[name] for name in names}
    return f"{proof.table}({_pairs(values)})"


def _origin(proof: Proof) -> str:
    if proof.rule is None:
        return "" if proof.origin == "source" else "  a fact"
    over = (
        "" if proof.total is None else f", over {number(proof.total, 'binding')}{'' if proof.complete else ' or more'}"
    )
    return f"  by {rule_label(proof.rule)}{over}" if proof.origin == "rule" else f"  a fact, {_place(proof.rule)}"


def rule_label(rule: CheckedRule) -> str:
    """A rule as a person finds it: its id, if it has one, and its place."""
    named = len(rule.identity) <= 32 and not any(character.isspace() for character in rule.identity)
    return f"{rule.identity} ({_place(rule)})" if named else _place(rule)


def _place(rule: CheckedRule) -> str:
    return f"{rule.span.source.name}:{rule.span.line}"


def _pairs(values: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{name}={value_text(value)}" for name, value in values.items())


# -- why not -----------------------------------------------------------------------------------------


def why_not_lines(answer: WhyNot) -> Iterator[Text]:
    """What each rule lacks."""
    yield Text(visible(f"{answer.table}({_pattern(answer.columns, answer.row)}) is not there"), "bold")
    if answer.note is not None:
        yield _told("note", answer.note, "")
        yield from _near_lines(answer.table, "nearest", answer.near, "")
    for attempt in answer.attempts:
        yield Text("")
        yield Text(visible(f"rule {rule_label(attempt.rule)}"), "dim")
        yield from _attempt_lines(attempt, "")
    for mismatch in answer.mismatches:
        yield Text("")
        yield Text(visible(f"rule {rule_label(mismatch.rule)}"), "dim")
        yield _told("no", mismatch.reason, "")


def _pattern(columns: Sequence[str], row: Pattern) -> str:
    if len(columns) != len(row):  # a row that no rule has so many columns for
        return ", ".join("_" if isinstance(value, Anything) else value_text(value) for value in row)
    return _pairs({name: value for name, value in zip(columns, row, strict=True) if not isinstance(value, Anything)})


def _attempt_lines(attempt: Attempt, indent: str) -> Iterator[Text]:
    for entry in attempt.held:
        yield _told("holds", _entry_text(entry), indent)
    failed = attempt.failed
    line = _told("fails", failed.with_values, indent, "bold red")
    if failed.text != failed.with_values:
        line.append(visible(f"  ({failed.text})"), "dim")
    yield line
    yield from _failure_lines(failed, indent)


def _failure_lines(failed: Failure, indent: str) -> Iterator[Text]:
    table = failed.table or ""
    match failed.reason:
        case "missing":
            yield from _near_lines(table, "nearest", failed.near, indent)
        case "present":
            yield from _near_lines(table, "there", failed.near, indent)
        case "aggregate":
            yield from _near_lines(table, "instead", failed.near, indent)
        case "undefined":
            yield _told("since", "of a null, a wrong type or a result that is no number, it holds neither way", indent)
        case "untrue":
            pass
        case "or":
            for place, branch in enumerate(failed.branches, start=1):
                yield _told(f"branch {place}", "", indent)
                yield from _attempt_lines(branch, f"{indent}  ")


def _near_lines(table: str, label: str, rows: Sequence[Near], indent: str) -> Iterator[Text]:
    for each in rows:
        yield _told(label, f"{table}({_pairs(dict(zip(each.columns, each.row, strict=True)))})", indent)
    if not rows and label != "there":
        nothing = {"nearest": "nothing: no row agrees in any column", "instead": "nothing: the aggregate has no value"}
        yield _told(label, nothing[label], indent)


def _entry_text(entry: Found | Absent | Held) -> str:
    match entry:
        case Found(table, columns, row):
            return f"{table}({_pairs(dict(zip(columns, row, strict=True)))})"
        case Absent(table, pattern):
            return f"not {table}({_pairs(pattern)})"
        case Held(_, values):
            return values


def _told(label: str, text: str, indent: str, style: str = "") -> Text:
    line = Text(f"{indent}  {label:<9}", "dim")
    line.append(visible(text), style)
    return line
