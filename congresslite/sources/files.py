"""
Inventories: a folder of sources, each a folder of tables.

Opening one looks at names and declarations only. A table is read when somebody
asks for its schema or its rows, and a table that is known but cannot be read
is an error then, never an empty table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.schema import Catalog, ColumnValues, TableData, TableSchema
from congresslite.sources.csvfiles import CsvTable
from congresslite.sources.declared import Declaration, read_schema_file
from congresslite.sources.definitions import Definition, shipped_definition, shipped_names
from congresslite.sources.jsonfiles import JsonTable
from congresslite.sources.parquetfiles import ParquetTable
from congresslite.sources.recorded import RecordedReplies, recorded_definition
from congresslite.sources.replies import ReplyTable
from congresslite.sources.schemas import Schemas
from congresslite.sources.shapes import unreadable

SCHEMA_FILE = "_schema.yaml"
SOURCE_FILE = "_source.yaml"


class StoredTable(TableData, Protocol):
    """A table that lies in a file, and that can forget what it has read."""

    def release(self) -> None:
        """Forget the values; they are read again when they are asked for again."""


_FORMATS: dict[str, Callable[[str, Path, Declaration | None], StoredTable]] = {
    ".csv": CsvTable,
    ".json": JsonTable,
    ".ndjson": JsonTable,
    ".parquet": ParquetTable,
}


@dataclass(frozen=True, slots=True)
class MissingTable:
    """A table that is declared, but that no file holds."""

    schema: TableSchema
    folder: Path

    @property
    def num_rows(self) -> int:
        """Raises SourceError: a table that nobody gave is not an empty one."""
        raise missing(self.schema.name, self.folder)

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """Raises SourceError: a table that nobody gave is not an empty one."""
        raise missing(self.schema.name, self.folder)

    def release(self) -> None:
        """There is nothing to forget."""


def missing(name: str, folder: Path) -> SourceError:
    """The error for a table that no file of the folder holds."""
    short = name.partition(":")[2]
    hint = f"give it as `{folder / short}.csv` (.json, .ndjson, .parquet); a header alone says that it is empty"
    message = f"table `{name}` is needed, but no file holds it"
    return SourceError(Diagnostic("CL416", message, place=str(folder), hint=hint))


class Inventory:
    """The tables of a data folder. `catalog` reads a table's file only when its schema is asked for."""

    def __init__(
        self, folder: Path, tables: Mapping[str, StoredTable], sources: Iterable[str], owners: Mapping[str, str]
    ):
        self.folder = folder
        self._tables = tables
        self.catalog = Catalog(Schemas(tables, lambda name: tables[name].schema), frozenset(sources))
        self.owners = owners  # for each table that says so, the column that leads to its owner

    @property
    def tables(self) -> Mapping[str, TableData]:
        """The tables by full name, each read when its values are asked for."""
        return self._tables

    def table(self, name: str) -> TableData:
        """The table of a full name, `source:table`. Raises KeyError if there is none."""
        return self._tables[name]

    def release(self) -> None:
        """Forget the values that were read; they are read again when they are asked for again."""
        for table in self._tables.values():
            table.release()


def open_inventory(folder: Path, *, definitions: Mapping[str, Definition] | None = None) -> Inventory:
    """Open a folder of `SOURCE/TABLE.csv` (.json, .ndjson, .parquet), or of recorded replies.

    `definitions` are consulted before those that ship. Raises SourceError with everything that is wrong with names and
    declarations; what is wrong within a table is raised when the table is read.
    """
    findings: list[Diagnostic] = []
    tables: dict[str, StoredTable] = {}
    owners: dict[str, str] = {}
    sources = _source_folders(folder)
    for each in sources:
        reader = SourceReader(each.name, each, definitions or {}, findings, root=folder)
        tables.update(reader.tables())
        owners.update(reader.owners)
    if findings:
        raise SourceError(findings)
    return Inventory(folder, tables, [each.name for each in sources], owners)


def _source_folders(folder: Path) -> list[Path]:
    """The folders of sources, sorted. Raises SourceError if there are none."""
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise SourceError(Diagnostic("CL401", f"the data folder `{folder}` {what}", place=str(folder)))
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(unreadable(folder, error)) from None
    found = [each for each in inside if each.is_dir() and not each.name.startswith((".", "_"))]
    if found:
        return found
    loose = next((each for each in inside if each.suffix.lower() in _FORMATS), None)
    hint = "tables are given as `SOURCE/TABLE.csv`"
    if loose is not None:
        hint += f": move `{loose.name}` to `{folder / 'inv' / loose.name}`, for instance"
    message = f"the data folder `{folder}` holds no source"
    raise SourceError(Diagnostic("CL401", message, place=str(folder), hint=hint))


def table_files(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder that hold tables, by the tables' short names: one for each, if all is well.

    Raises SourceError for a folder that cannot be looked into.
    """
    found: dict[str, list[Path]] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in _FORMATS and not path.name.startswith((".", "_")):
                found.setdefault(path.stem, []).append(path)
    except OSError as error:
        raise SourceError(unreadable(folder, error)) from None
    return found


def stored_table(name: str, paths: Sequence[Path], declaration: Declaration | None) -> StoredTable:
    """The table in a file. Raises SourceError if there are several."""
    if len(paths) > 1:
        message = f"table `{name}` lies in two files, `{paths[0].name}` and `{paths[1].name}`"
        raise SourceError(Diagnostic("CL415", message, place=str(paths[1]), hint="remove one of them"))
    return _FORMATS[paths[0].suffix.lower()](name, paths[0], declaration)


class SourceReader:
    """Finds the tables of one source's folder; what is wrong goes to the findings.

    A definition that `_source.yaml` names by its path must lie within `root`. Once the tables are found, `definition`
    is the one whose replies the folder holds; where it holds tables, `declared` is what is declared of them.
    """

    def __init__(
        self,
        source: str,
        folder: Path,
        definitions: Mapping[str, Definition],
        findings: list[Diagnostic],
        *,
        root: Path,
    ) -> None:
        self.source = source
        self.folder = folder
        self.root = root
        self.definitions = definitions
        self.findings = findings
        self.owners: dict[str, str] = {}
        self.declared: Mapping[str, Declaration] = {}
        self.definition: Definition | None = None

    def tables(self) -> dict[str, StoredTable]:
        """The tables of the source by full name."""
        try:
            files = table_files(self.folder)
        except SourceError as error:
            self.findings.extend(error.diagnostics)
            return {}
        if (self.folder / SOURCE_FILE).exists():
            return self._recorded(files)
        self.declared = declared = self._declarations()
        tables: dict[str, StoredTable] = {}
        for short, paths in files.items():
            name = f"{self.source}:{short}"
            try:
                tables[name] = stored_table(name, paths, declared.get(short))
            except SourceError as error:
                self.findings.extend(error.diagnostics)
        for short, declaration in declared.items():
            name = f"{self.source}:{short}"
            self._note_owner(name, declaration)
            columns = tuple(declaration.columns.values())
            schema = TableSchema(name, columns, declaration.key, declaration.description)
            tables.setdefault(name, MissingTable(schema, self.folder))
        return tables

    def _note_owner(self, name: str, declaration: Declaration) -> None:
        if declaration.owner is not None:
            self.owners[name] = declaration.owner

    def _declarations(self) -> Mapping[str, Declaration]:
        """What is declared of the tables: beside them, or by the definition of the source's name."""
        beside = self.folder / SCHEMA_FILE
        if beside.exists():
            return read_schema_file(beside, self.source, self.findings)
        definition = self._definition(self.source)
        return {} if definition is None else definition.declarations

    def _definition(self, name: str) -> Definition | None:
        if name in self.definitions:
            return self.definitions[name]
        return shipped_definition(name) if name in shipped_names() else None

    def _recorded(self, files: Mapping[str, Sequence[Path]]) -> dict[str, StoredTable]:
        """The tables of a folder of replies."""
        definition = recorded_definition(
            self.folder / SOURCE_FILE, self.source, self.root, self.definitions, self.findings
        )
        if definition is None:
            return {}
        self.definition = definition
        for name, (path, *_) in files.items():
            if name not in definition.replies:
                hint = near_or_listed(name, definition.replies, "its replies are")
                message = f"`{path.name}` is no reply that the definition of `{self.source}` knows"
                self.findings.append(Diagnostic("CL428", message, place=str(path), hint=hint))
        replies = RecordedReplies(self.folder)
        tables: dict[str, StoredTable] = {}
        for short, declaration in definition.declarations.items():
            name = f"{self.source}:{short}"
            self._note_owner(name, declaration)
            mapping = definition.mappings.get(short)
            if mapping is not None and mapping.reply in definition.replies:
                tables[name] = ReplyTable(definition, short, replies)
            else:
                tables[name] = MissingTable(definition.schema(short), self.folder)
        return tables
