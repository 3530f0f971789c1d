"""
Schemas: which columns a table has, of what types, and what must hold for its rows.

A schema is declared (a source definition, a `table` statement, `_schema.yaml`)
or read off the data; only declared keys may change how an answer is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from congresslite.schema.values import Scalar


class Type(StrEnum):
    """The type of a column or a term; null is a value of each of them."""

    ANY = "any"
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"

    @property
    def is_number(self) -> bool:
        """Whether values of this type can be calculated with."""
        return self in (Type.INT, Type.FLOAT)


def join_types(left: Type, right: Type) -> Type:
    """The type of a column that takes values of both: their own if they agree, else `any`."""
    return left if left is right else Type.ANY


def comparable(left: Type, right: Type) -> bool:
    """Whether a value of one type can ever equal one of the other (null aside)."""
    return left is right or Type.ANY in (left, right) or (left.is_number and right.is_number)


@dataclass(frozen=True, slots=True)
class Range:
    """A domain of numbers, both ends included; None leaves an end open."""

    low: int | float | None
    high: int | float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A domain of listed values."""

    values: tuple[Scalar, ...]


Domain = Range | Choice


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: each value of the column, null aside, stands in `column` of `table`."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `declared` is False where the type is only read off the data."""

    name: str
    type: Type = Type.ANY
    references: Reference | None = None
    domain: Domain | None = None
    declared: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table under its full name, `source:table` or `policy:table`."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    description: str = ""

    @property
    def arity(self) -> int:
        """How many columns the table has."""
        return len(self.columns)

    def position(self, column: str) -> int | None:
        """The place of a column, counted from 0, or None if there is none of that name."""
        for index, each in enumerate(self.columns):
            if each.name == column:
                return index
        return None


@dataclass(frozen=True)
class Catalog(Mapping[str, TableSchema]):
    """The tables of all sources, by full name; `sources` also holds those known to have no table yet."""

    tables: Mapping[str, TableSchema] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()

    @staticmethod
    def of(schemas: Iterable[TableSchema], sources: Iterable[str] = ()) -> Catalog:
        """A catalog of these tables; their sources are known by their names."""
        tables = {schema.name: schema for schema in schemas}
        named = {name.partition(":")[0] for name in tables}
        return Catalog(tables, frozenset(named | set(sources)))

    def __getitem__(self, name: str) -> TableSchema:
        return self.tables[name]

    def __contains__(self, name: object) -> bool:
        # Asked of `tables`, which may have to read a file to answer more than that.
        return name in self.tables

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)
