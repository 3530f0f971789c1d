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

from congresslite.api import Snapshot
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.live.cache import TableCache
from congresslite.live.core import Core
from congresslite.live.intake import check_keys
from congresslite.live.values import Pushed
from congresslite.schema import Delta, Replacement, Row, RowsTable, Scalar, TableData, TableSchema, identity
from congresslite.store.errors import StoreError
from congresslite.store.store import Store

Key = tuple[Scalar, ...]
# Keys with their rows as JSON; None for a row that went.
Entries = list[tuple[str, str | None]]

# With so many changes since its base, and a share of its rows, a table gets a new base.
_MANY, _SHARE = 50_000, 5


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on disk of a table: its base, and the latest row of each key that changed since (None: it went)."""

    base: TableData
    changes: Sequence[tuple[Key, Row | None]]


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

    def load(self, source: str, schema: TableSchema) -> Kept:
        """What is on disk of a table. Raises SourceError (CL575) if its base is lost."""
        short = schema.name.partition(":")[2]
        edition, entries = self._store.pushed.load(source, short)
        base: TableData = RowsTable(schema, [])
        if edition:
            found = self._bases.read(schema, edition)
            if found is None:
                raise SourceError(_lost(schema.name, str(self._bases.path(schema.name, edition))))
            base = found[0]
            self._editions[schema.name] = edition
        self._since[schema.name] = len(entries)
        return Kept(base, [_entry(schema, key, row) for key, row in entries])

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
    return difference(snapshot, schema, {_identity(key): (key, row) for key, row in kept.changes})[0]


Wanted = Mapping[tuple[object, ...], tuple[Key, Row | None]]


def _whole_keys(snapshot: Snapshot, schema: TableSchema, keys: Sequence[Key]) -> list[Key]:
    """The keys, those that are short as the keys of the rows that they begin."""
    names = _key_columns(schema)
    short = [key for key in keys if len(key) < len(names)]
    found = [key for key in keys if len(key) == len(names)]
    for width in sorted({len(key) for key in short}):
        asked = [key for key in short if len(key) == width]
        for rows in snapshot.matching(schema.name, names[:width], asked):
            found += [_key(schema, row) for row in rows]
    return found


def _by_key(schema: TableSchema, upserts: Sequence[Row], deletes: Sequence[Key]) -> Wanted:
    """The row that each key is to have; those that come win over those that go."""
    wanted: dict[tuple[object, ...], tuple[Key, Row | None]] = {_identity(key): (key, None) for key in deletes}
    for row in upserts:
        key = _key(schema, row)
        wanted[_identity(key)] = key, row
    return wanted


def difference(snapshot: Snapshot, schema: TableSchema, wanted: Wanted) -> tuple[Delta, Entries]:
    """The rows that come and go so that each key has its row, and the entries that say so on disk."""
    insert: list[Row] = []
    delete: list[Row] = []
    entries: Entries = []
    names = _key_columns(schema)
    present = snapshot.matching(schema.name, names, [key for key, _ in wanted.values()])
    for (key, row), held in zip(wanted.values(), present, strict=True):
        same = row is not None and any(_identity(each) == _identity(row) for each in held)
        stale = [each for each in held if row is None or _identity(each) != _identity(row)]
        if row is not None and not same:
            insert.append(row)
        delete += stale
        if stale or (row is not None and not same):
            entries.append((json.dumps(key), None if row is None else _text(schema, row)))
    return Delta(insert, delete), entries


def _key_columns(schema: TableSchema) -> tuple[str, ...]:
    """The columns that name a row: its declared key, or else all of them."""
    return schema.key or tuple(column.name for column in schema.columns)


def _key(schema: TableSchema, row: Row) -> Key:
    return tuple(row[schema.position(name) or 0] for name in _key_columns(schema))


def _identity(values: Sequence[Scalar]) -> tuple[object, ...]:
    return tuple(map(identity, values))


def _text(schema: TableSchema, row: Row) -> str:
    return json.dumps({column.name: value for column, value in zip(schema.columns, row, strict=True)})


def _entry(schema: TableSchema, key: str, row: str | None) -> tuple[Key, Row | None]:
    """An entry as values; a column that the table did not have then is null."""
    values = None if row is None else json.loads(row)
    read = None if values is None else tuple(values.get(column.name) for column in schema.columns)
    return tuple(json.loads(key)), read


def _lost(table: str, path: str) -> Diagnostic:
    return Diagnostic(
        "CL575",
        f"the pushed rows of `{table}` cannot be read: their base is lost, damaged, or of other columns",
        None,
        "restore the file from a backup, or remove the source and let its rows be pushed anew",
        place=path,
    )
