"""What tests of the columnar engine share: policies as text, tables as rows, and answers as sets of identities."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

from congresslite.diagnostics import Source
from congresslite.engine import Database, evaluate
from congresslite.language.check import check_query, check_sources
from congresslite.language.parser import parse_query
from congresslite.language.program import Program
from congresslite.schema import Catalog, Column, Row, RowsTable, Scalar, TableSchema, Type, identity

CLOCK = "2026-03-01 08:30:00"

Tables = Mapping[TableSchema, Sequence[Row]]


def table(name: str, **columns: Type) -> TableSchema:
    """A table of a source."""
    return TableSchema(name, tuple(Column(column, type_) for column, type_ in columns.items()))


def keyed(name: str, **columns: Type) -> TableSchema:
    """A table whose first column is its declared key."""
    schema = table(name, **columns)
    return TableSchema(name, schema.columns, (schema.columns[0].name,))


def checked(text: str, schemas: Iterable[TableSchema]) -> Program:
    """The program of a policy `p`."""
    found = check_sources([Source("p.dl", text)], Catalog.of(schemas))
    assert found.program is not None, found.diagnostics
    return found.program


def run(text: str, tables: Tables | None = None, memory_limit: int | None = None) -> Database:
    """A policy evaluated over tables."""
    given = {schema.name: RowsTable(schema, rows) for schema, rows in (tables or {}).items()}
    program = checked(text, tables or ())
    # A query may read tables that the policy does not.
    return evaluate(program, given, memory_limit=memory_limit, clock=CLOCK)


def ask(database: Database, text: str, schemas: Iterable[TableSchema]) -> set[tuple[Hashable, ...]]:
    """The answer to a query; asserts that no row of it repeats."""
    source = Source("query", text)
    body, _ = parse_query(source)
    assert body is not None
    asked = check_query(body, source, database.program, Catalog.of(schemas))
    assert asked.rules, asked.diagnostics
    return as_set(database.query(asked.rules, asked.tables))


def answer(database: Database, name: str) -> set[tuple[Hashable, ...]]:
    """The rows of a table of the policy `p`; asserts that none of them repeats and that the count is right."""
    rows = database.rows(f"p:{name}")
    assert len(rows) == database.count(f"p:{name}")
    return as_set(rows)


def as_set(rows: Sequence[Row]) -> set[tuple[Hashable, ...]]:
    """Rows as a set in which `true` is not 1; asserts that none repeats."""
    result = {identities(row) for row in rows}
    assert len(result) == len(rows), "a row repeats"
    return result


def identities(row: Iterable[Scalar]) -> tuple[Hashable, ...]:
    """A row in which `true` is not 1."""
    return tuple(identity(value) for value in row)
