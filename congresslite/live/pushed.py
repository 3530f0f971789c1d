"""
Pushed rows: tables that others fill, and that nobody can ask for again.

What was acknowledged is on disk: a table's base, an Arrow file that is written
whole, and the changes since, a row for each key in the store. A batch that
brings what is there already changes nothing, so a sender that is not sure may
send again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from congresslite.api import Snapshot
from congresslite.diagnostics import SourceError
from congresslite.live.cache import TableCache
from congresslite.live.core import Core
from congresslite.live.intake import check_keys
from congresslite.live.refitting import fits, key_columns, keyed, lost, refitted
from congresslite.live.values import Pushed
from congresslite.schema import Delta, Replacement, Row, RowsTable, Scalar, TableData, TableSchema, row_identity
from congresslite.store.errors import StoreError
from congresslite.store.store import Store

log = structlog.get_logger("congresslite.pushed")

Key = tuple[Scalar, ...]
# Keys with their rows as JSON; None for a row that went.
Entries = list[tuple[str, str | None]]

# With so many changes since its base, and a share of its rows, a table gets a new base.
_MANY, _SHARE = 50_000, 5


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on disk of a table: its base, and the latest row of each key that changed since (None: it went).

    On disk it may be as the definition was before: then (`outdated`) a base is to be written as it is now, before
    anything changes.
    """

    base: TableData
    changes: Sequence[tuple[Key, Row | None]]
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class RowChange:
    """Rows of a pushed table that come, and keys of rows that go."""

    schema: TableSchema
    upserts: Sequence[Row]
    deletes: Sequence[Key]


class PushedTables:
    """The pushed tables of all sources. Its methods are called under the core's lock, or before anything runs."""

    def __init__(self, core: Core | None, store: Store, bases: TableCache) -> None:
        self._core, self._store, self._bases = core, store, bases
        self._since: dict[str, int] = {}
        self._editions: dict[str, str] = {}  # the bases that there are, by table

    def attach(self, core: Core) -> None:
        """Work on this core."""
        self._core = core

    def load(self, source: str, schema: TableSchema, *, drop: bool = False) -> Kept:
        """What is on disk of a table, read by the names of its columns if its definition is another by now.

        If its base is lost, or if the rows do not fit, they are let go (`drop`) or SourceError (CL575) is raised.
        """
        try:
            return self._loaded(source, schema)
        except SourceError as error:
            if not drop:
                raise
            log.warning("pushed rows are let go", table=schema.name, why=error.diagnostics[0].message)
            return Kept(RowsTable(schema, []), (), outdated=True)

    def _loaded(self, source: str, schema: TableSchema) -> Kept:
        edition, entries = self._store.pushed.load(source, schema.name.partition(":")[2])
        written = None
        if edition:
            self._editions[schema.name] = edition
            written = self._bases.written(schema.name, edition)
            if written is None:
                raise SourceError(lost(schema.name, str(self._bases.path(schema.name, edition))))
        self._since[schema.name] = len(entries)
        if written is None:
            return Kept(refitted(schema, None, entries), (), outdated=not keyed(schema, entries))
        if not fits(schema, written, entries):
            return Kept(refitted(schema, written, entries), (), outdated=True)
        base = written.rows.under(schema)
        return Kept(base, [_entry(schema, key, row) for key, row in entries], outdated=not written.keyed)

    def settle(self, kept: Iterable[Kept]) -> None:
        """Write what is outdated on disk as the engine has it."""
        for schema in (each.base.schema for each in kept if each.outdated):
            self.rewrite(RowsTable(schema, self._working().snapshot().rows(schema.name)))

    def rewrite(self, rows: TableData) -> None:
        """Let a table hold these rows on disk."""
        self._rebase(rows.schema.name.partition(":")[0], rows.schema, rows)

    def lacking(self, kept: Iterable[Kept]) -> dict[str, Delta]:
        """What the engine, which has the bases, lacks: the changes since, by table."""
        snapshot = self._working().snapshot()
        found = {each.base.schema.name: restored(snapshot, each.base.schema, each) for each in kept}
        return {name: delta for name, delta in found.items() if delta}

    def change(self, source: str, changes: Sequence[RowChange]) -> Pushed:
        """Take rows that come, in place of those of the same keys, and rows that go: all of them, or none.

        Of one key, the last row counts. A key that goes may have fewer columns than its table's key: then every row
        goes whose key begins so, unless it comes anew.
        """
        core = self._working()
        with core.lock:
            snapshot = core.snapshot()
            deltas: dict[str, Delta] = {}
            entries: dict[str, Entries] = {}
            same = 0
            for change in changes:
                schema = change.schema
                wanted = _by_key(schema, change.upserts, _whole_keys(snapshot, schema, change.deletes))
                deltas[schema.name], entries[schema.name] = difference(snapshot, schema, wanted)
                same += len(wanted) - len(entries[schema.name])
            changed = {name: delta for name, delta in deltas.items() if delta}
            if changed:
                core.apply(changed, durable=lambda: self._append(source, entries))
                for change in changes:
                    self._rebase_if_long(source, change.schema)
            came = sum(len(delta.insert) for delta in changed.values())
            return Pushed(came, sum(len(delta.delete) for delta in changed.values()), same)

    def _append(self, source: str, entries: Mapping[str, Entries]) -> None:
        for name, changed in entries.items():
            self._store.pushed.append(source, name.partition(":")[2], changed)
            self._since[name] = self._since.get(name, 0) + len(changed)

    def replace(self, source: str, schema: TableSchema, rows: TableData) -> Pushed:
        """Take rows in place of all that the table holds. Raises SourceError if two of them share a key."""
        core = self._working()
        change = Replacement(rows)
        check_keys({schema.name: change})
        with core.lock:
            before = core.snapshot()
            # The base is there before the table changes: should the change fail, the old one is written again.
            self._rebase(source, schema, rows)
            try:
                changes = core.apply({schema.name: change})
            except BaseException:
                self._rebase(source, schema, RowsTable(schema, before.rows(schema.name)))
                raise
            came, went = changes.size(schema.name)
            return Pushed(came, went, core.snapshot().select(schema.name, limit=0)[1] - came)

    def forget(self, tables: Iterable[str]) -> None:
        """Remove the files of tables that the store knows no more."""
        for table in tables:
            self._since.pop(table, None)
            edition = self._editions.pop(table, None)
            if edition is not None:
                # A file that stays in a database that is away just now is one that nothing leads to.
                with suppress(StoreError):
                    self._bases.remove(table, edition)

    def _working(self) -> Core:
        assert self._core is not None, "there is no core yet"
        return self._core

    def _rebase_if_long(self, source: str, schema: TableSchema) -> None:
        since = self._since.get(schema.name, 0)
        snapshot = self._working().snapshot()
        if since > _MANY and since * _SHARE > snapshot.select(schema.name, limit=0)[1]:
            self._rebase(source, schema, RowsTable(schema, snapshot.rows(schema.name)))

    def _rebase(self, source: str, schema: TableSchema, rows: TableData) -> None:
        short = schema.name.partition(":")[2]
        old, _ = self._store.pushed.load(source, short)
        edition = f"@{time.time_ns()}"
        self._bases.write(rows, time.time(), edition)
        self._store.pushed.rebase(source, short, edition)
        self._since[schema.name], self._editions[schema.name] = 0, edition
        if old:
            self._bases.remove(schema.name, old)


def restored(snapshot: Snapshot, schema: TableSchema, kept: Kept) -> Delta:
    """What the changes since its base make of a table that holds its base."""
    return difference(snapshot, schema, {row_identity(key): (key, row) for key, row in kept.changes})[0]


Wanted = Mapping[tuple[object, ...], tuple[Key, Row | None]]


def _whole_keys(snapshot: Snapshot, schema: TableSchema, keys: Sequence[Key]) -> list[Key]:
    """The keys, those that are short as the keys of the rows that they begin."""
    names = key_columns(schema)
    short = [key for key in keys if len(key) < len(names)]
    found = [key for key in keys if len(key) == len(names)]
    for width in sorted({len(key) for key in short}):
        asked = [key for key in short if len(key) == width]
        for rows in snapshot.matching(schema.name, names[:width], asked):
            found += [_key(schema, row) for row in rows]
    return found


def _by_key(schema: TableSchema, upserts: Sequence[Row], deletes: Sequence[Key]) -> Wanted:
    """The row that each key is to have; those that come win over those that go."""
    wanted: dict[tuple[object, ...], tuple[Key, Row | None]] = {row_identity(key): (key, None) for key in deletes}
    for row in upserts:
        key = _key(schema, row)
        wanted[row_identity(key)] = key, row
    return wanted


def difference(snapshot: Snapshot, schema: TableSchema, wanted: Wanted) -> tuple[Delta, Entries]:
    """The rows that come and go so that each key has its row, and the entries that say so on disk."""
    insert: list[Row] = []
    delete: list[Row] = []
    entries: Entries = []
    names = key_columns(schema)
    present = snapshot.matching(schema.name, names, [key for key, _ in wanted.values()])
    for (key, row), held in zip(wanted.values(), present, strict=True):
        same = row is not None and any(row_identity(each) == row_identity(row) for each in held)
        stale = [each for each in held if row is None or row_identity(each) != row_identity(row)]
        if row is not None and not same:
            insert.append(row)
        delete += stale
        if stale or (row is not None and not same):
            entries.append((json.dumps(key), None if row is None else _text(schema, row)))
    return Delta(insert, delete), entries


def _key(schema: TableSchema, row: Row) -> Key:
    return tuple(row[schema.position(name) or 0] for name in key_columns(schema))


def _text(schema: TableSchema, row: Row) -> str:
    return json.dumps({column.name: value for column, value in zip(schema.columns, row, strict=True)})


def _entry(schema: TableSchema, key: str, row: str | None) -> tuple[Key, Row | None]:
    """An entry as values; a column that the table did not have then is null."""
    values = None if row is None else json.loads(row)
    read = None if values is None else tuple(values.get(column.name) for column in schema.columns)
    return tuple(json.loads(key)), read
