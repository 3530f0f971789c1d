"""
JSON tables: a list of objects, or one object a line (`.ndjson`), whose keys are the columns.

A key that an object lacks is null there. Types are read off the values, unless
they are declared; a column of two kinds of value, or of lists, is an error,
because no rule could compare what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import ColumnValues, TableSchema, Type
from congresslite.sources import columns as typed
from congresslite.sources.declared import Declaration
from congresslite.sources.jsontexts import line_of_element, parse, read_utf8
from congresslite.sources.shapes import Shape, absent_column

Objects = Sequence[Mapping[str, object]]


class JsonTable:
    """One JSON or ndjson file. It is read whole when its schema or its rows are first asked for."""

    def __init__(self, name: str, path: Path, declaration: Declaration | None) -> None:
        self.name = name
        self.path = path
        self._declaration = declaration
        self._columns: dict[str, ColumnValues] = {}

    @property
    def schema(self) -> TableSchema:
        """The table's columns, in the order of the declaration and then of the file. Raises SourceError."""
        return self._read[0]

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return self._read[1]

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns. Raises SourceError."""
        assert self._read  # reads the file, the first time
        if any(name not in self._columns for name in names):
            self._load()
        return {name: self._columns[name] for name in names}

    def release(self) -> None:
        """Forget the values; they are read again when they are asked for again."""
        self._columns.clear()

    @cached_property
    def _read(self) -> tuple[TableSchema, int]:
        return self._load()

    def _load(self) -> tuple[TableSchema, int]:
        """Read the file, keep the columns, and give the schema and the number of rows."""
        rows, line_of = _read_lines(self.path) if self.path.suffix.lower() == ".ndjson" else _read_list(self.path)
        found = list(dict.fromkeys(name for row in rows for name in row))
        shape = Shape.of(self.name, self.path, found, self._declaration, sparse=True)
        whole = self._declaration is not None and self._declaration.whole
        types: dict[str, Type] = {}
        findings: list[Diagnostic] = []
        for column in shape.columns:
            if whole and rows and column.declared and column.name not in found and column.name in shape.key:
                findings.append(absent_column(column.name, self.name, self.path, found))
                continue
            values = [row.get(column.name) for row in rows]
            try:
                if column.declared:
                    self._columns[column.name] = typed.column(values, column.type)
                else:
                    types[column.name], self._columns[column.name] = typed.infer(values)
            except typed.MisfitError as misfit:
                message = f"row {misfit.row + 1}, column `{column.name}`: {misfit.message}"
                place = f"{self.path}:{line_of(misfit.row)}"
                findings.append(Diagnostic(misfit.code, message, place=place, hint=misfit.hint))
        if findings:
            raise SourceError(findings)
        return shape.schema(types), len(rows)


def _read_list(path: Path) -> tuple[Objects, Callable[[int], int]]:
    """The objects of a `.json` file, and how to find the line of each."""
    text = read_utf8(path)
    value = parse(text, path)
    if not isinstance(value, list):
        hint = "a table is a list of objects; replies of a system need a source definition (`_source.yaml`)"
        message = f"a list is expected, not {typed.shown(value) if value is not None else 'null'}"
        raise SourceError(Diagnostic("CL409", message, place=f"{path}:1", hint=hint))
    for index, each in enumerate(value):
        if not isinstance(each, dict):
            raise SourceError(_no_object(each, index, f"{path}:{line_of_element(text, index)}"))
    return value, lambda index: line_of_element(text, index)


def _read_lines(path: Path) -> tuple[Objects, Callable[[int], int]]:
    """The objects of a `.ndjson` file, blank lines left out, and how to find the line of each."""
    rows: list[Mapping[str, object]] = []
    lines: list[int] = []
    for number, line in enumerate(read_utf8(path).split("\n"), 1):
        if line.strip():
            value = parse(line, path, number)
            if not isinstance(value, dict):
                raise SourceError(_no_object(value, len(rows), f"{path}:{number}"))
            rows.append(value)
            lines.append(number)
    return rows, lines.__getitem__


def _no_object(value: object, index: int, place: str) -> Diagnostic:
    shown = "null" if value is None else typed.shown(value)
    message = f"row {index + 1} is {shown}, where an object is expected"
    return Diagnostic("CL409", message, place=place, hint='write each row as `{"column": value}`')
