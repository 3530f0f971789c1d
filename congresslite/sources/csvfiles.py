"""
CSV tables: the columns that are asked for, read by Arrow in one pass and kept.

No value passes through Python on the way. Every column is read as text and
then converted as a whole, because text is what typing is decided on; what goes
wrong is looked for afterwards, in csvfaults.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.schema import Column, ColumnValues, TableSchema, Type
from congresslite.sources import csvfaults, texts
from congresslite.sources.declared import Declaration
from congresslite.sources.shapes import Shape, absent_column, unreadable

_BLOCK = 4 << 20
_LONGEST_BLOCK = (1 << 31) - 1


class CsvTable:
    """One CSV file. Its rows are read when its schema or its columns are first asked for."""

    def __init__(self, name: str, path: Path, declaration: Declaration | None) -> None:
        self.name = name
        self.path = path
        self._declaration = declaration
        self._columns: dict[str, ColumnValues] = {}
        self._types: dict[str, Type] = {}
        self._num_rows: int | None = None

    @cached_property
    def schema(self) -> TableSchema:
        """The table's columns; the types of those that nobody declared are read off the data. Raises SourceError."""
        self._read([column.name for column in self._shape.columns if column.name in self._undeclared])
        return self._shape.schema(self._types)

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        if self._num_rows is None:
            self._read(self._header[:1])
        assert self._num_rows is not None
        return self._num_rows

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns, read in one pass as far as they are not known yet. Raises SourceError."""
        missing = [name for name in names if name not in self._header]
        if missing:
            raise SourceError([absent_column(name, self.name, self.path, self._header) for name in missing])
        self._read([name for name in dict.fromkeys(names) if name not in self._columns])
        return {name: self._columns[name] for name in names}

    def release(self) -> None:
        """Forget the values; they are read again when they are asked for again."""
        self._columns.clear()

    @cached_property
    def _shape(self) -> Shape:
        return Shape.of(self.name, self.path, self._header, self._declaration)

    @cached_property
    def _undeclared(self) -> frozenset[str]:
        return frozenset(column.name for column in self._shape.columns if not column.declared)

    @cached_property
    def _declared(self) -> dict[str, Column]:
        return {column.name: column for column in self._shape.columns if column.declared}

    @cached_property
    def _header(self) -> list[str]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                header = next((fields for fields in csv.reader(file) if fields), None)
        except UnicodeDecodeError:
            raise SourceError(csvfaults.fault(self.path, 0)) from None
        except csv.Error as error:
            raise SourceError(
                Diagnostic("CL402", f"the header cannot be read: {error}", place=f"{self.path}:1")
            ) from None
        except OSError as error:
            raise SourceError(unreadable(self.path, error)) from None
        if header is None:
            hint = "the first line of a table names its columns"
            raise SourceError(Diagnostic("CL404", f"`{self.path}` is empty", place=str(self.path), hint=hint))
        return _checked(header, self.path)

    def _read(self, names: Sequence[str]) -> None:
        """Read columns, and keep them."""
        if not names:
            return
        table = self._texts(names)
        self._num_rows = table.num_rows
        findings: list[Diagnostic] = []
        for name in names:
            column = table.column(name)
            if name not in self._declared:
                self._types[name], self._columns[name] = texts.infer(column)
                continue
            type_ = self._declared[name].type
            values = texts.convert(column, type_)
            if values is None:
                findings.append(csvfaults.misfit(self.path, self._header.index(name), name, type_))
            else:
                self._columns[name] = values
        if findings:
            raise SourceError(findings)

    def _texts(self, names: Sequence[str]) -> pa.Table:
        """These columns as text, empty cells as null. Raises SourceError with the line of what is wrong."""
        try:
            quotes = _quotes(self.path)
            if quotes % 2 and (found := csvfaults.unclosed(self.path)):
                raise SourceError(found)
            return self._parsed(names, quoted=quotes > 0)
        except OSError as error:
            raise SourceError(unreadable(self.path, error)) from None
        except pa.ArrowInvalid as error:
            if "cannot infer number of columns" in str(error):
                # A header without a line end, and nothing after it.
                return pa.table({name: pa.chunked_array([], pa.string()) for name in names})
            raise SourceError(csvfaults.fault(self.path, len(self._header))) from None

    def _parsed(self, names: Sequence[str], *, quoted: bool, block: int = _BLOCK) -> pa.Table:
        try:
            return pacsv.read_csv(
                str(self.path),
                read_options=pacsv.ReadOptions(block_size=block),
                # Looking for line breaks inside of quotes costs parallelism, so only where there are quotes.
                parse_options=pacsv.ParseOptions(newlines_in_values=quoted),
                convert_options=pacsv.ConvertOptions(
                    include_columns=list(names),
                    column_types={name: pa.string() for name in names},
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            size = self.path.stat().st_size
            if "straddl" not in str(error) or block >= min(size, _LONGEST_BLOCK):
                raise
            return self._parsed(names, quoted=quoted, block=min(size, _LONGEST_BLOCK))


def _quotes(path: Path) -> int:
    """How many quotes a file holds, without keeping it in memory."""
    # Read, not mapped: a mapped file that somebody truncates meanwhile ends the process.
    with path.open("rb") as file:
        return sum(chunk.count(b'"') for chunk in iter(lambda: file.read(1 << 20), b""))


def _checked(header: list[str], path: Path) -> list[str]:
    """The names of the columns, each there once. Raises SourceError."""
    findings = []
    for place, name in enumerate(header):
        if not name.strip():
            message = f"column {place + 1} has no name"
            findings.append(Diagnostic("CL406", message, place=f"{path}:1", hint="name it in the first line"))
        elif name in header[:place]:
            message = f"two columns are named `{name}`"
            hint = near_or_listed(name, [], "")
            findings.append(Diagnostic("CL406", message, place=f"{path}:1", hint=hint or "give each its own name"))
    if findings:
        raise SourceError(findings)
    return header
