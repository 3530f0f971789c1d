"""
Layouts: what the tables look like in the database, which every statement has to know.

Whether a column can hold null decides which comparison joins it, so the layout
of a derived table follows from that of the tables it is derived from. Without
rows at hand, every column of a source's table may hold null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from congresslite.plan.sql.kinds import Kind, kind_of
from congresslite.plan.sql.names import Names, unique
from congresslite.schema import TableSchema


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One column: its identifier, and how its values are kept."""

    name: str
    kind: Kind
    nullable: bool


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One table: its identifier and its columns. A table without columns has one of its own, `HOLDS`."""

    name: str
    columns: tuple[StoredColumn, ...]


HOLDS = '"holds"'


class Layout:
    """The tables of one database by their full names; each is added before it is read."""

    def __init__(self) -> None:
        self._names = Names()
        self._tables: dict[str, StoredTable] = {}

    def __getitem__(self, table: str) -> StoredTable:
        return self._tables[table]

    def get(self, table: str) -> StoredTable | None:
        """A table, or None if it is not there."""
        return self._tables.get(table)

    def identifier(self, name: str) -> str:
        """An identifier that no other table of the database has."""
        return self._names.of(name)

    def add(self, schema: TableSchema, nullable: Iterable[bool] | None = None) -> StoredTable:
        """Lay out a table; `nullable` says which columns may hold null (default: all that have a native kind)."""
        names = unique(column.name for column in schema.columns)
        kinds = [kind_of(column.type) for column in schema.columns]
        may = [True] * len(kinds) if nullable is None else list(nullable)
        columns = tuple(
            StoredColumn(name, kind, null and kind is not Kind.VALUE)
            for name, kind, null in zip(names, kinds, may, strict=True)
        )
        self._tables[schema.name] = StoredTable(self.identifier(schema.name), columns)
        return self._tables[schema.name]

    def widen(self, table: str, nullable: Sequence[bool]) -> bool:
        """Note columns that may hold null after all; returns whether that was new."""
        old = self._tables[table]
        columns = tuple(
            replace(column, nullable=column.nullable or (null and column.kind is not Kind.VALUE))
            for column, null in zip(old.columns, nullable, strict=True)
        )
        self._tables[table] = replace(old, columns=columns)
        return columns != old.columns
