"""Which literal would bind a variable: the most telling one that the tables in sight offer."""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.language.program import Literal, Match, NoMatch, Var
from congresslite.language.resolution.draft import Draft, DraftRule
from congresslite.language.resolution.strata import reads
from congresslite.schema import TableSchema


def binder(draft: Draft, rule: DraftRule, name: str) -> str:
    """A hint that names a literal which would bind the variable."""
    if not rule.body:
        return f'a fact holds constants: write `"{name}"` for the string, or add a body that binds `{name}`'
    for table, column in _candidates(draft, rule, name):
        return f"add a positive literal that binds it, such as `{table}({column}={name})`"
    return f"add a positive literal that binds it, such as `{name} = …`"


def _candidates(draft: Draft, rule: DraftRule, name: str) -> Iterator[tuple[str, str]]:
    """Tables and columns that could give the variable its values, the best first."""
    negated = [(schema, literal) for schema, literal in _read(draft, rule.body) if isinstance(literal, NoMatch)]
    positive = [schema for schema, literal in _read(draft, rule.body) if isinstance(literal, Match)]
    for schema, literal in negated:
        for column, term in zip(schema.columns, literal.terms, strict=True):
            if term == Var(name) and column.references is not None:
                yield column.references.table, column.references.column
    everywhere = _tables_read(draft)
    for schema in (*positive, *everywhere):
        if schema.position(name) is not None:
            yield schema.name, name
    for schema, literal in negated:
        for column, term in zip(schema.columns, literal.terms, strict=True):
            if term == Var(name):
                yield schema.name, column.name
    for schema, each in _read(draft, rule.body):
        for column, term in zip(schema.columns, each.terms, strict=True):
            if isinstance(term, Var) and term.anonymous:
                yield schema.name, column.name
    for schema in (*positive, *everywhere):
        if schema.columns:
            yield schema.name, schema.columns[0].name


def _tables_read(draft: Draft) -> list[TableSchema]:
    """The tables that some rule reads. Others stay unread: to know their columns may take reading a file whole."""
    names = {literal.table for each in draft.rules for literal in reads(each.body)}
    schemas = [draft.scope.schema(name) for name in sorted(names) if name]
    return [schema for schema in schemas if schema is not None]


def _read(draft: Draft, body: tuple[Literal, ...]) -> Iterator[tuple[TableSchema, Match | NoMatch]]:
    for literal in reads(body):
        schema = draft.scope.schema(literal.table)
        if schema is not None and len(schema.columns) == len(literal.terms):
            yield schema, literal
