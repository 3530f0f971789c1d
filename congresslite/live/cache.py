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
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from congresslite.schema import ColumnValues, Scalar, TableData, TableSchema


class ArrowTable:
    """The rows of a table as an Arrow file held them; columns of mixed values are JSON texts there."""

    def __init__(self, schema: TableSchema, rows: pa.Table) -> None:
        self.schema = schema
        self._rows = rows

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
        try:
            with self.path(schema.name, edition).open("rb") as file:
                table = pa.ipc.open_file(file).read_all()
        except (OSError, pa.ArrowException):
            return None
        about = table.schema.metadata or {}
        if about.get(b"schema") != _fingerprint(schema):
            return None
        try:
            return ArrowTable(schema, table), float(about[b"as_of"])
        except (KeyError, ValueError):
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
    about = {b"schema": _fingerprint(rows.schema), b"as_of": repr(as_of).encode()}
    if not fields:  # Arrow knows no table of rows without columns
        fields, columns = [pa.field("", pa.null())], [pa.nulls(rows.num_rows)]
    return pa.table(columns, schema=pa.schema(fields, metadata=about))


def _fingerprint(schema: TableSchema) -> bytes:
    return json.dumps([[column.name, column.type.value] for column in schema.columns]).encode()


def _sync(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
