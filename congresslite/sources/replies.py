"""
Tables of a reply: what a system answered in JSON, as the tables that its definition makes of it.

Where the reply comes from, a file of a folder or a service that was asked just
now, is the business of `Replies`; what is wrong with it is told alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import ColumnsTable, ColumnValues, TableSchema
from congresslite.sources import columns as typed
from congresslite.sources.definitions import Definition
from congresslite.sources.mapping import BadPathError, elements, values


class Replies(Protocol):
    """The replies of a source, by name."""

    def place(self, reply: str) -> str:
        """Where a reply comes from, for people."""

    def get(self, reply: str) -> Any:
        """A reply. Raises SourceError if there is none, or if it cannot be read."""

    def release(self) -> None:
        """Forget what was read."""


class ReplyTable:
    """One table of a source that answers in JSON."""

    def __init__(self, definition: Definition, table: str, replies: Replies) -> None:
        self.schema: TableSchema = definition.schema(table)
        self._mapping = definition.mappings[table]
        self._replies = replies
        self._columns: dict[str, ColumnValues] = {}

    @cached_property
    def num_rows(self) -> int:
        """How many rows there are."""
        return len(self._rows())

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """The values of these columns. Raises SourceError, naming reply, row and column of what does not fit."""
        missing = [name for name in names if name not in self._columns]
        if missing:
            self._read(missing)
        return {name: self._columns[name] for name in names}

    def whole(self) -> ColumnsTable:
        """All rows with all columns, whatever becomes of the reply. Raises SourceError."""
        return ColumnsTable(self.schema, self.num_rows, self.columns([each.name for each in self.schema.columns]))

    def release(self) -> None:
        """Forget the values; they are read again when they are asked for again."""
        self._columns.clear()
        self._replies.release()

    def _rows(self) -> list[Any]:
        reply = self._replies.get(self._mapping.reply)
        try:
            return elements(self._mapping, reply)
        except BadPathError as error:
            raise self._error("CL434", str(error)) from None

    def _read(self, names: Sequence[str]) -> None:
        rows = self._rows()
        paths = {column.name: column for column in self._mapping.columns}
        types = {column.name: column.type for column in self.schema.columns}
        findings: list[Diagnostic] = []
        for name in names:
            try:
                self._columns[name] = typed.column(values(paths[name], rows), types[name])
            except BadPathError as error:
                findings.extend(self._error("CL434", f"column `{name}`: {error}").diagnostics)
            except typed.MisfitError as misfit:
                message = f"row {misfit.row + 1}, column `{name}`: {misfit.message}"
                findings.extend(self._error(misfit.code, message, misfit.hint).diagnostics)
        if findings:
            raise SourceError(findings)

    def _error(self, code: str, message: str, hint: str | None = None) -> SourceError:
        short = self.schema.name.partition(":")[2]
        told = f"reply `{self._mapping.reply}`, table `{short}`: {message}"
        return SourceError(Diagnostic(code, told, place=self._replies.place(self._mapping.reply), hint=hint))
