"""
Recorded replies: a folder with what a system answered, read as the tables of its definition.

`_source.yaml` names the definition; `REPLY.json` is the reply of that name, as
it came. A reply that is not there is missed only when a rule needs a table of
it, and then it is an error: a table that nobody recorded is not an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from congresslite.diagnostics import Diagnostic, SourceError, Span
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.schema import ColumnValues, TableSchema
from congresslite.sources import columns as typed
from congresslite.sources.definitions import Definition, load_definition, shipped_definition, shipped_names
from congresslite.sources.jsontexts import parse, read_utf8
from congresslite.sources.mapping import BadPathError, elements, values
from congresslite.sources.yamltree import YamlFile

SETTINGS_KEYS = ("definition", "null_as")


class Replies:
    """The replies of one folder, each parsed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parsed: dict[str, Any] = {}

    def path(self, reply: str) -> Path:
        """The file that holds a reply."""
        return self.folder / f"{reply}.json"

    def get(self, reply: str) -> Any:
        """A reply. Raises SourceError if it cannot be read."""
        if reply not in self._parsed:
            self._parsed[reply] = parse(read_utf8(self.path(reply)), self.path(reply))
        return self._parsed[reply]

    def release(self) -> None:
        """Forget what was read."""
        self._parsed.clear()


class ReplyTable:
    """One table of a recorded source."""

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

    def release(self) -> None:
        """Forget the values; they are read again when they are asked for again."""
        self._columns.clear()
        self._replies.release()

    def _rows(self) -> list[Any]:
        path = self._replies.path(self._mapping.reply)
        if not path.exists():
            short = self.schema.name.partition(":")[2]
            message = f"reply `{self._mapping.reply}`, which table `{short}` comes from, is not there"
            raise SourceError(Diagnostic("CL416", message, place=str(path), hint=f"record it as `{path}`"))
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
        where = str(self._replies.path(self._mapping.reply))
        told = f"reply `{self._mapping.reply}`, table `{short}`: {message}"
        return SourceError(Diagnostic(code, told, place=where, hint=hint))


def recorded_definition(
    path: Path, source: str, root: Path, own: Mapping[str, Definition], findings: list[Diagnostic]
) -> Definition | None:
    """The definition that a `_source.yaml` names, for a source of this name; None with findings if there is none.

    A definition named by a path must lie within `root`, the data folder; `own` are consulted before those that ship.
    """
    file = YamlFile(path, findings)
    item = file.root()
    if item is None:
        return None
    fields = file.fields(item, "a `_source.yaml`", SETTINGS_KEYS, ("definition",))
    name = file.text(fields["definition"], "`definition`") if "definition" in fields else None
    null_as = file.text(fields["null_as"], "`null_as`") if "null_as" in fields else None
    if name is None:
        return None
    definition = _found(name, fields["definition"].span, file, root, own)
    if definition is None:
        return None
    definition = definition.named(source)
    return definition if null_as is None else definition.spelled(null_as)


def _found(name: str, span: Span, file: YamlFile, root: Path, own: Mapping[str, Definition]) -> Definition | None:
    """The definition that a name or a path means; None with findings if there is none."""
    if "/" not in name and not name.endswith((".yaml", ".yml")):
        if name in own:
            return own[name]
        if name in shipped_names():
            return shipped_definition(name)
        known = sorted({*own, *shipped_names()})
        file.tell("CL429", f"there is no definition `{name}`", span, near_or_listed(name, known, "there are"))
        return None
    target = file.path.parent / name
    if not target.resolve().is_relative_to(root.resolve()):
        file.tell("CL429", f"`{name}` lies outside of the data folder", span, f"put it into `{root}`")
        return None
    try:
        return load_definition(target)
    except SourceError as error:
        file.findings.extend(error.diagnostics)
        return None
