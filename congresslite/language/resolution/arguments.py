"""
Arguments: from terms by place, name or number to one term for each column.

Columns are numbered from 0, as in Congress. Positional terms come first; what
is left out is None, and whoever asks decides what that means (any value in a
body, a mistake in a head).
"""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.diagnostics import Diagnostic, Span
from congresslite.diagnostics.suggest import listing, near_or_listed
from congresslite.language.syntax import Argument, Atom, HeadTerm
from congresslite.schema import TableSchema


def place_arguments(
    atom: Atom, schema: TableSchema, places: Mapping[str, int], found: list[Diagnostic]
) -> list[HeadTerm | None] | None:
    """The atom's terms in column order. None, and the reasons in `found`, if they do not fit the table."""
    terms: list[HeadTerm | None] = [None] * schema.arity
    before = len(found)
    for index, argument in enumerate(atom.arguments):
        place = index if argument.column is None else _place(argument, schema, places, atom, found)
        if place is None:
            continue
        if place >= schema.arity:
            found.append(_too_many(atom, schema, argument))
            break
        if terms[place] is not None:
            found.append(_twice(atom, schema.columns[place].name, argument.span))
        terms[place] = argument.term
    return terms if len(found) == before else None


def argument_spans(atom: Atom, schema: TableSchema) -> dict[int, Span]:
    """Where the term of each place stands, for the places that the atom gives."""
    spans: dict[int, Span] = {}
    for index, argument in enumerate(atom.arguments):
        column = argument.column
        if column is None:
            spans[index] = argument.term.span
        else:
            place = column if isinstance(column, int) else schema.position(column)
            if place is not None:
                spans[place] = argument.term.span
    return spans


def _place(
    argument: Argument, schema: TableSchema, places: Mapping[str, int], atom: Atom, found: list[Diagnostic]
) -> int | None:
    column = argument.column
    names = [each.name for each in schema.columns]
    if isinstance(column, int):
        if column < schema.arity:
            return column
        message = f"`{atom.table}` has no column {column}"
        hint = f"its columns are 0 to {schema.arity - 1}: {listing(names)}" if names else "it has no columns"
        found.append(Diagnostic("CL103", message, _label(argument), hint))
        return None
    assert column is not None
    if column in places:
        return places[column]
    hint = near_or_listed(column, names, "its columns are") or "it has no columns"
    found.append(Diagnostic("CL103", f"`{atom.table}` has no column `{column}`", _label(argument), hint))
    return None


def _label(argument: Argument) -> Span:
    """The column's name or number, without the term."""
    width = len(str(argument.column))
    text = argument.span.text[:width]
    if text != str(argument.column):
        return argument.span
    return Span(argument.span.source, argument.span.start, argument.span.start + width)


def _too_many(atom: Atom, schema: TableSchema, argument: Argument) -> Diagnostic:
    columns = "1 column" if schema.arity == 1 else f"{schema.arity} columns"
    message = f"`{atom.table}` has {columns}, but {len(atom.arguments)} terms are given"
    names = listing(column.name for column in schema.columns)
    return Diagnostic("CL105", message, argument.span, f"its columns are {names}" if names else None)


def _twice(atom: Atom, column: str, span: Span) -> Diagnostic:
    message = f"column `{column}` of `{atom.table}` is given twice"
    return Diagnostic("CL107", message, span, "give each column one term, and compare the two with `=`")
