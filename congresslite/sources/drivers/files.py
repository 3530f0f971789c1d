"""
The driver `files`: a folder of tables, or of recorded replies, that is looked at again when it changes.

The rule to keep: what is read is one whole file as it was at one moment. A file
that changes while it is read is read again, and one that was written to just
now is left alone for a moment first. Which tables there are, and their columns,
is settled when they are first asked for: a file that goes is an error from then
on, one that comes is a table only after the source was opened anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from congresslite.config.units import Seconds
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import ColumnsTable, TableSchema
from congresslite.sources.declared import Declaration
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Deadline, Feed, Pull, Wake
from congresslite.sources.files import MissingTable, SourceReader, StoredTable, missing, stored_table, table_files
from congresslite.sources.folderwatch import FolderWatch, Stamp, stamp
from congresslite.sources.recorded import RecordedReplies
from congresslite.sources.replies import ReplyTable
from congresslite.sources.schemas import Schemas

_TRIES = 10  # of reading a file that changes
_FIRST_LOOK = 60.0  # seconds for reading the columns of a table that nobody declared
Read = TypeVar("Read")


class Settings(BaseModel):
    """What the driver wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    folder: Path = Field(description="The folder of this source: TABLE.csv (.json, .ndjson, .parquet) or replies.")
    settle: Seconds = Field(default=0.3, ge=0, le=60, description="For how many seconds a file must not have changed.")
    look_every: Seconds = Field(
        default=2.0, gt=0, description="The seconds between two looks at files that nothing tells of."
    )


def open_driver(source: str, settings: Settings, definition: Definition | None) -> FilesDriver:
    """A driver that has not looked into its folder yet."""
    definitions = {} if definition is None else {source: definition.named(source)}
    return FilesDriver(source, settings, definitions)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the folder held when the source was opened, by short names."""

    tables: Mapping[str, StoredTable]
    feeds: Mapping[str, tuple[str, ...]]
    declared: Mapping[str, Declaration]
    owners: Mapping[str, str]
    recorded: Definition | None


class FilesDriver:
    """Reads the tables of one folder."""

    def __init__(self, source: str, settings: Settings, definitions: Mapping[str, Definition]) -> None:
        self._source = source
        self._folder = settings.folder
        self._settings = settings
        self._definitions = definitions
        self._known: dict[str, TableSchema] = {}

    @property
    def schemas(self) -> Mapping[str, TableSchema]:
        """The tables that there were when somebody first asked. Raises SourceError."""
        return Schemas(self._opened.tables, self._schema)

    @property
    def owners(self) -> Mapping[str, str]:
        """The columns that lead to owners. Raises SourceError."""
        return self._opened.owners

    @property
    def feeds(self) -> Sequence[Feed]:
        """A feed for each table, or for each reply. Raises SourceError."""
        held = self._opened.tables
        return tuple(
            Feed(name, tables, mapped=isinstance(held[tables[0]], ReplyTable))
            for name, tables in self._opened.feeds.items()
        )

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        """All rows of the tables of a file. Raises SourceError."""
        tables = self._opened.feeds[feed]
        recorded = self._opened.recorded
        if recorded is not None and isinstance(self._opened.tables[tables[0]], ReplyTable):
            return self._steady(feed, deadline, lambda _: self._replies(recorded, tables))
        schema = self._schema(feed)
        return {feed: self._steady(feed, deadline, lambda paths: self._whole(schema, paths))}

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> None:
        """None: a file is read whole."""

    def watch(self, wake: Wake) -> FolderWatch:
        """Tell of files that change. Raises SourceError."""
        settle, look_every = self._settings.settle, self._settings.look_every
        return FolderWatch(self._folder, self._stamps, wake, settle=settle, look_every=look_every)

    def close(self) -> None:
        """There is nothing to give back."""

    # -- which tables there are --------------------------------------------------------------------

    @cached_property
    def _opened(self) -> _Opened:
        """What the folder holds, looked at once. Raises SourceError."""
        if not self._folder.is_dir():
            what = "is no folder" if self._folder.exists() else "does not exist"
            message = f"the folder `{self._folder}` {what}"
            raise SourceError(Diagnostic("CL401", message, place=str(self._folder)))
        findings: list[Diagnostic] = []
        reader = SourceReader(self._source, self._folder, self._definitions, findings, root=self._folder)
        tables = {_short(name): table for name, table in reader.tables().items()}
        if findings:
            raise SourceError(findings)
        feeds: dict[str, tuple[str, ...]] = {}
        for name, table in tables.items():
            feed = name
            if reader.definition is not None and isinstance(table, ReplyTable):
                feed = reader.definition.mappings[name].reply
            feeds[feed] = (*feeds.get(feed, ()), name)
        owners = {_short(name): column for name, column in reader.owners.items()}
        return _Opened(tables, feeds, reader.declared, owners, reader.definition)

    def _schema(self, name: str) -> TableSchema:
        """The schema of a table: declared, or else read off its file, once."""
        table = self._opened.tables[name]
        if isinstance(table, ReplyTable | MissingTable):
            return table.schema
        if name not in self._known:
            full, declaration = f"{self._source}:{name}", self._opened.declared.get(name)
            deadline = Deadline.after(_FIRST_LOOK)
            self._known[name] = self._steady(
                name, deadline, lambda paths: self._stored(full, paths, declaration).schema
            )
        return self._known[name]

    # -- reading -----------------------------------------------------------------------------------

    def _replies(self, recorded: Definition, tables: Sequence[str]) -> Pull:
        """The tables of one recorded reply."""
        replies = RecordedReplies(self._folder)
        return {table: ReplyTable(recorded, table, replies).whole() for table in tables}

    def _stored(self, name: str, paths: Sequence[Path], declaration: Declaration | None) -> StoredTable:
        if not paths:
            raise missing(name, self._folder)
        return stored_table(name, paths, declaration)

    def _whole(self, schema: TableSchema, paths: Sequence[Path]) -> ColumnsTable:
        """The rows of a file, in the columns that its table has, each read as it was at first."""
        columns = {column.name: replace(column, declared=True) for column in schema.columns}
        table = self._stored(schema.name, paths, Declaration(columns, schema.key, whole=True))
        short = _short(schema.name)
        findings = [
            Diagnostic("CL540", f"table `{short}` has no column `{each.name}`, but its file does", place=str(paths[0]),
                       hint="open the source anew to take the column in")
            for each in table.schema.columns if each.name not in columns
        ]  # fmt: skip
        if findings:
            raise SourceError(findings)
        values = table.columns(list(columns))
        return ColumnsTable(schema, table.num_rows, values)

    def _steady(self, feed: str, deadline: Deadline, read: Callable[[Sequence[Path]], Read]) -> Read:
        """What `read` makes of a feed's files, none of which changed meanwhile. Raises SourceError."""
        for _ in range(_TRIES):
            paths = self._paths(feed)
            before = [stamp(path) for path in paths]
            if wait := self._unsettled(before):
                time.sleep(deadline.left(wait))
                continue
            deadline.left()
            try:
                found = read(paths)
            except SourceError:
                # What is wrong with half a file is no matter.
                if self._same(feed, paths, before):
                    raise
            else:
                if self._same(feed, paths, before):
                    return found
        message = f"`{feed}` changed whenever it was read"
        hint = "write a new file under another name, such as `.new`, and rename it"
        raise SourceError(Diagnostic("CL443", message, place=str(self._folder), hint=hint))

    def _same(self, feed: str, paths: Sequence[Path], stamps: Sequence[Stamp | None]) -> bool:
        return self._paths(feed) == paths and [stamp(path) for path in paths] == stamps

    def _unsettled(self, stamps: Sequence[Stamp | None]) -> float:
        """The seconds after which a file is quiet for long enough; 0 if it is."""
        quiet = time.time() - max((each.modified for each in stamps if each is not None), default=0) / 1e9
        # A time to come is that of another machine's clock.
        return self._settings.settle - quiet if 0 <= quiet < self._settings.settle else 0.0

    def _paths(self, feed: str) -> list[Path]:
        """The files of a feed. Raises SourceError for one that lies elsewhere."""
        paths = table_files(self._folder).get(feed, [])
        for path in paths:
            if not path.resolve().is_relative_to(self._folder.resolve()):
                message = f"`{path.name}` is a link that leads out of the folder"
                raise SourceError(Diagnostic("CL542", message, place=str(path), hint="put the file itself there"))
        return paths

    def _stamps(self) -> dict[str, tuple[Stamp | None, ...]]:
        """The stamps of the files of each feed."""
        try:
            files = table_files(self._folder)
        except SourceError:
            files = {}
        return {feed: tuple(map(stamp, files.get(feed, ()))) for feed in self._opened.feeds}


def _short(name: str) -> str:
    return name.partition(":")[2]
