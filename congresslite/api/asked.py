"""
One row that somebody asks about, written as an atom: `nfv:error("vm1", "h7")`.

It is checked as any query is, with its variables left open, so that unknown
tables, columns and wrong types are told as a query tells them, at their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from congresslite.api.snapshot import Snapshot
from congresslite.diagnostics import PolicyError, Source
from congresslite.engine.explanation import ANY, Anything, Pattern
from congresslite.language.parser import parse_query
from congresslite.language.syntax import Anonymous, Atom, Constant, Variable
from congresslite.schema import Row, Scalar, canonical, order_key


class NotARowError(ValueError):
    """A text that is a query, perhaps, but names no row of a table; says what is wrong."""


@dataclass(frozen=True, slots=True)
class AskedAtom:
    """An atom, and its text with `_` for each variable: as long as its name was, so that every place stays."""

    atom: Atom
    masked: str


@dataclass(frozen=True, slots=True)
class AskedRow:
    """A table's full name, its columns, what each is to hold, and the rows that match, in the order of their values."""

    table: str
    columns: tuple[str, ...]
    pattern: Pattern
    rows: Sequence[Row]


def read_atom(text: str) -> AskedAtom:
    """The atom that a text is. Raises PolicyError for what cannot be read, NotARowError for what is no single row."""
    body, found = parse_query(Source("query", text))
    if body is None:
        raise PolicyError(found)
    atom = body[0] if len(body) == 1 else None
    if not isinstance(atom, Atom):
        raise NotARowError("this is no row of a table")
    terms = [argument.term for argument in atom.arguments]
    names = [term.name for term in terms if isinstance(term, Variable)]
    if not all(isinstance(term, Constant | Variable | Anonymous) for term in terms) or len(set(names)) < len(names):
        raise NotARowError("this is no row of a table")
    return AskedAtom(atom, _without_variables(text, terms))


def asked_row(snapshot: Snapshot, asked: AskedAtom) -> AskedRow:
    """The row that an atom names, and the rows there are. Raises PolicyError, NotARowError for a builtin."""
    answer = snapshot.query(asked.masked)
    rows = sorted(answer.rows, key=lambda row: [order_key(value) for value in row])
    return AskedRow(_full_name(snapshot, asked.atom), answer.columns, _pattern(asked.atom, answer.columns), rows)


def _without_variables(text: str, terms: Sequence[object]) -> str:
    for term in terms:
        if isinstance(term, Variable):
            width = term.span.end - term.span.start
            text = f"{text[: term.span.start]}{'_'.ljust(width)}{text[term.span.end :]}"
    return text


def _full_name(snapshot: Snapshot, atom: Atom) -> str:
    name = str(atom.table)
    if atom.table.qualifier is None:
        own = [table for table in snapshot.tables() if table.endswith(f":{name}")]
        name = own[0] if len(own) == 1 else name
    if ":" not in name or atom.table.qualifier == "builtin":
        raise NotARowError(f"`{name}` is a builtin, and has no rows to explain")
    return name


def _pattern(atom: Atom, columns: tuple[str, ...]) -> Pattern:
    pattern: list[Scalar | Anything] = [ANY] * len(columns)
    for place, argument in enumerate(atom.arguments):
        column = argument.column
        if isinstance(argument.term, Constant):
            at = place if column is None else column if isinstance(column, int) else columns.index(column)
            pattern[at] = canonical(argument.term.value)
    return tuple(pattern)
