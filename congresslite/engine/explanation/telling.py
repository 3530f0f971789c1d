"""
Telling: values of the program as values for people.

Rows are shown as the engine shows them, a column of floats as floats, those of
sources with the columns that are known; and variables by the names that people
gave them: those without one do not show.
"""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.engine.explanation.outline import Outline
from congresslite.engine.explanation.proofs import Absent, Held
from congresslite.engine.explanation.texts import literal_text
from congresslite.language.program import CheckedRule, Const, Literal, NoMatch
from congresslite.schema import Row, Scalar, TableSchema, Type, as_float


def shown(schema: TableSchema, values: Mapping[int, Scalar]) -> tuple[tuple[str, ...], Row]:
    """A row, of which these places are known, as the engine shows it: the names of its columns, and the values."""
    columns = [schema.columns[place] for place in values]
    row = (
        as_float(value) if column.type is Type.FLOAT else value
        for column, value in zip(columns, values.values(), strict=True)
    )
    return tuple(column.name for column in columns), tuple(row)


def named(rule: CheckedRule, bindings: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The values of the variables that people gave a name."""
    return {
        name: as_float(value) if rule.types.get(name) is Type.FLOAT else value
        for name, value in bindings.items()
        if name[0] not in "#$"
    }


def absent(outline: Outline, literal: NoMatch, bindings: Mapping[str, Scalar]) -> Absent:
    """A negated atom under some bindings."""
    name, columns = outline.naming(literal.table)
    pattern: dict[str, Scalar] = {}
    for column, term in zip(columns, literal.terms, strict=True):
        if isinstance(term, Const):
            pattern[column] = term.value
        elif not term.anonymous:
            pattern[column] = bindings[term.name]
    return Absent(name, pattern)


def held(outline: Outline, literal: Literal, bindings: Mapping[str, Scalar]) -> Held:
    """A literal that holds, as the rule has it and with the values put in."""
    return Held(literal_text(literal, outline.naming), literal_text(literal, outline.naming, bindings))
