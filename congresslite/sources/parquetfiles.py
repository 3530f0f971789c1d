"""
Parquet tables: typed columns, of which only those that are asked for are read.

A type that the language does not have (a date, a decimal, a list) is an error
when a rule reads the column, not before: a file of a data lake has many
columns that no rule cares for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import Column, ColumnValues, TableSchema, Type
from congresslite.sources.declared import Declaration
from congresslite.sources.shapes import Shape, absent_column, unreadable

_ARROW = {Type.STR: pa.string(), Type.INT: pa.int64(), Type.FLOAT: pa.float64(), Type.BOOL: pa.bool_()}


class ParquetTable:
    """One Parquet file. The schema is in its footer; columns are read when they are asked for."""

    def __init__(self, name: str, path: Path, declaration: Declaration | None) -> None:
        self.name = name
        self.path = path
        self._declaration = declaration
        self._columns: dict[str, ColumnValues] = {}

    @cached_property
    def schema(self) -> TableSchema:
        """The table's columns, from the file's own schema. Raises SourceError."""
        return self._shape.schema({field.name: _type_of(field.type) or Type.ANY for field in self._fields})

    @cached_property
    def num_rows(self) -> int:
        """How many rows there are."""
        with self._open() as file:
            return int(file.metadata.num_rows)

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns. Raises SourceError."""
        missing = [name for name in dict.fromkeys(names) if name not in self._columns]
        if missing:
            self._read(missing)
        return {name: self._columns[name] for name in names}

    def release(self) -> None:
        """Forget the values; they are read again when they are asked for again."""
        self._columns.clear()

    @cached_property
    def _fields(self) -> pa.Schema:
        with self._open() as file:
            return file.schema_arrow

    @cached_property
    def _shape(self) -> Shape:
        return Shape.of(self.name, self.path, self._fields.names, self._declaration)

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(self._corrupt(error)) from None

    def _corrupt(self, error: Exception) -> Diagnostic:
        if isinstance(error, OSError) and error.errno is not None:
            return unreadable(self.path, error)
        message = f"`{self.path}` is no sound Parquet file"
        return Diagnostic("CL413", message, place=str(self.path), hint="was it written to its end?")

    def _read(self, names: Sequence[str]) -> None:
        found = self._fields.names
        absent = [absent_column(name, self.name, self.path, found) for name in names if name not in found]
        if absent:
            raise SourceError(absent)
        try:
            with self._open() as file:
                table = file.read(columns=list(names))
        except (pa.ArrowException, OSError) as error:
            raise SourceError(self._corrupt(error)) from None
        declared = {column.name: column for column in self._shape.columns if column.declared}
        findings: list[Diagnostic] = []
        for name in names:
            values = self._converted(table.column(name), declared.get(name))
            if isinstance(values, str):
                hint = "write it as a string or a number" if "type" in values else None
                findings.append(Diagnostic("CL414", f"column `{name}`: {values}", place=str(self.path), hint=hint))
            else:
                self._columns[name] = values
        if findings:
            raise SourceError(findings)

    def _converted(self, column: pa.ChunkedArray, declared: Column | None) -> ColumnValues | str:
        """The values in the engine's types, or what is wrong with them."""
        if pa.types.is_null(column.type):
            return column
        own = _type_of(column.type)
        if own is None:
            return f"values of type {column.type}, which the language does not have"
        wanted = own if declared is None or declared.type is Type.ANY else declared.type
        if own is not wanted and not (own is Type.INT and wanted is Type.FLOAT):
            return f"values of type {own}, where the column is declared {wanted}"
        try:
            values = column.cast(_ARROW[own])
        except pa.ArrowInvalid:
            return "an integer that does not fit in 64 bits"
        if own is Type.FLOAT and pc.all(pc.is_finite(values), min_count=0).as_py() is not True:
            return "an infinity, or NaN, which the language does not have"
        # Integers stay integers in a column of floats: the language compares them by value, and no digit is lost.
        return values


def _type_of(arrow: pa.DataType) -> Type | None:
    """The language's type for one of Arrow's."""
    if pa.types.is_dictionary(arrow):
        return _type_of(arrow.value_type)
    tests = (
        (pa.types.is_string, Type.STR),
        (pa.types.is_large_string, Type.STR),
        (pa.types.is_string_view, Type.STR),
        (pa.types.is_integer, Type.INT),
        (pa.types.is_floating, Type.FLOAT),
        (pa.types.is_boolean, Type.BOOL),
        (pa.types.is_null, Type.ANY),
    )
    return next((type_ for test, type_ in tests if test(arrow)), None)
