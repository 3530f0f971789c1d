"""
The cache: what was last pulled, on disk, so that a restart answers at once.

One Arrow file a table, replaced whole and only when it is complete; it says of
which schema it is and of when. A file that cannot be read, or of another
schema, is as good as none: the table is pulled again.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from congresslite.schema import Column, ColumnValues, Scalar, TableData, TableSchema, Type


class ArrowTable:
    """The rows of a table as an Arrow file held them; columns of mixed values are JSON texts there."""

    def __init__(self, schema: TableSchema, rows: pa.Table) -> None:
        self.schema = schema
        self._rows = rows

    def under(self, schema: TableSchema) -> ArrowTable:
        """The same rows under another schema of the same columns."""
        return ArrowTable(schema, self._rows)

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return int(self._rows.num_rows)

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns."""
        return {name: self._column(name) for name in names}

    def _column(self, name: str) -> ColumnValues:
        column = self._rows.column(name)
        if (self._rows.schema.field(name).metadata or {}).get(b"json") != b"1":
            return column
        values: list[Scalar] = [json.loads(text) for text in column.to_pylist()]
        return values


@dataclass(frozen=True, slots=True)
class Written:
    """A table as it was written, whatever its definition says by now."""

    rows: ArrowTable
    as_of: float
    keyed: bool  # whether the file says what the key was

    def like(self, schema: TableSchema) -> bool:
        """Whether its columns are those of a schema."""
        return _fingerprint(self.rows.schema) == _fingerprint(schema)


class TableCache:
    """The Arrow files of one folder, a file for each table by its full name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, table: str, edition: str = "") -> Path:
        """The file of a table, of which there may be several editions; no name leads anywhere else."""
        return self._folder / f"{quote(table + edition, safe='')}.arrow"

    def write(self, rows: TableData, as_of: float, edition: str = "") -> None:
        """Write a table, durable when it returns."""
        table = _table(rows, as_of)
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self.path(rows.schema.name, edition)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
                writer.close()
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync(self._folder)

    def read(self, schema: TableSchema, edition: str = "") -> tuple[ArrowTable, float] | None:
        """The rows of a table and when they were pulled; None if there are none of this schema."""
        found = self.written(schema.name, edition)
        return (found.rows.under(schema), found.as_of) if found is not None and found.like(schema) else None

    def written(self, table: str, edition: str = "") -> Written | None:
        """A table as it was written; None if there is none that can be read."""
        try:
            with self.path(table, edition).open("rb") as file:
                rows = pa.ipc.open_file(file).read_all()
            about = rows.schema.metadata or {}
            columns = tuple(Column(name, Type(type_)) for name, type_ in json.loads(about[b"schema"]))
            schema = TableSchema(table, columns, tuple(json.loads(about.get(b"key", b"[]"))))
            return Written(ArrowTable(schema, rows), float(about[b"as_of"]), b"key" in about)
        except (OSError, pa.ArrowException, KeyError, ValueError):
            return None

    def remove(self, table: str, edition: str = "") -> None:
        """Forget a table."""
        self.path(table, edition).unlink(missing_ok=True)


def _table(rows: TableData, as_of: float) -> pa.Table:
    names = [column.name for column in rows.schema.columns]
    values = rows.columns(names)
    columns: list[Any] = []
    fields = []
    for column in rows.schema.columns:
        found = values[column.name]
        if isinstance(found, list):
            found = pa.chunked_array([pa.array([json.dumps(value) for value in found], pa.string())])
            fields.append(pa.field(column.name, pa.string(), metadata={"json": "1"}))
        else:
            fields.append(pa.field(column.name, found.type))
        columns.append(found)
    about = {b"schema": _fingerprint(rows.schema), b"as_of": repr(as_of).encode(), **_key(rows.schema)}
    if not fields:  # Arrow knows no table of rows without columns
        fields, columns = [pa.field("", pa.null())], [pa.nulls(rows.num_rows)]
    return pa.table(columns, schema=pa.schema(fields, metadata=about))


def _fingerprint(schema: TableSchema) -> bytes:
    return json.dumps([[column.name, column.type.value] for column in schema.columns]).encode()


def _key(schema: TableSchema) -> dict[bytes, bytes]:
    return {b"key": json.dumps(schema.key).encode()}


def _sync(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
