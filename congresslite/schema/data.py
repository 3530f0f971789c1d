"""
Rows on their way from a source to an engine, column by column.

A table hands out only the columns that somebody needs, when they are needed:
most columns of an estate are read by no rule, and making dictionaries of them
would cost more than the evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import pyarrow as pa

from congresslite.schema.tables import TableSchema, Type
from congresslite.schema.values import Row, Scalar, canonical

# An Arrow column of type string, int64, double, bool or null; values of mixed types come as a plain list.
ColumnValues: TypeAlias = "pa.ChunkedArray | list[Scalar]"


class TableData(Protocol):
    """The rows of one base table. They may repeat: whoever needs a set makes one."""

    @property
    def schema(self) -> TableSchema:
        """The table's name, columns and what is declared of them."""

    @property
    def num_rows(self) -> int:
        """How many rows there are, repeated ones included."""

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns, all of `num_rows` length. Raises SourceError if they cannot be read."""


@dataclass(frozen=True, slots=True)
class ColumnsTable:
    """A table whose columns are all in memory, so that it stays as it is whatever becomes of its source."""

    schema: TableSchema
    num_rows: int
    values: Mapping[str, ColumnValues] = field(repr=False)

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns."""
        return {name: self.values[name] for name in names}


_ARROW = {Type.STR: pa.string(), Type.INT: pa.int64(), Type.FLOAT: pa.float64(), Type.BOOL: pa.bool_()}


_EXACT = 2**53


class RowsTable:
    """A table made of Python rows: for tests, facts and small sources."""

    def __init__(self, schema: TableSchema, rows: Iterable[Row]) -> None:
        self.schema = schema
        self._rows = [tuple(canonical(value) for value in row) for row in rows]

    @property
    def num_rows(self) -> int:
        """How many rows there are, repeated ones included."""
        return len(self._rows)

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns."""
        result: dict[str, ColumnValues] = {}
        for name in names:
            position = self.schema.position(name)
            assert position is not None, f"{self.schema.name} has no column {name}"
            values: list[Scalar] = [row[position] for row in self._rows]
            arrow = _ARROW.get(self.schema.columns[position].type)
            if arrow == pa.float64() and any(isinstance(value, int) and abs(value) > _EXACT for value in values):
                arrow = None  # Arrow takes no integer for a float that might not be exact
            result[name] = values if arrow is None else pa.chunked_array([pa.array(values, arrow)])
        return result
