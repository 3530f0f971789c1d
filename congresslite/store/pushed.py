"""
Rows that others pushed, so that none that was acknowledged is ever lost.

A table has a base, a file that holds its rows as they once were, and the rows
that came or went since, each by its key: the last one counts. When there are
many, whoever keeps the file writes a new one and makes it the base.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import delete, select, union

from congresslite.store.database import Database
from congresslite.store.tables import PUSHED_BASES, PUSHED_CHANGES
from congresslite.store.upsert import upsert

_BASES, _CHANGES = PUSHED_BASES.c, PUSHED_CHANGES.c


class Pushed:
    """The pushed rows of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, source: str, table: str, changes: Sequence[tuple[str, str | None]]) -> None:
        """Write rows by their keys, durably; None for a row that goes. The last one of a key counts."""
        rows = [
            {"source": source, "table": table, "digest": _digest(key), "key": key, "row": row}
            for key, row in dict(changes).items()
        ]
        if rows:
            with self._database.write() as connection:
                upsert(connection, PUSHED_CHANGES, rows)

    def rebase(self, source: str, table: str, base: str | None) -> None:
        """Let a table be what a file holds (None: nothing), without any change since."""
        with self._database.write() as connection:
            upsert(connection, PUSHED_BASES, [{"source": source, "table": table, "base": base}])
            connection.execute(delete(PUSHED_CHANGES).where(_CHANGES.source == source, _CHANGES.table == table))

    def load(self, source: str, table: str) -> tuple[str | None, list[tuple[str, str | None]]]:
        """The base of a table (None: no rows), and what changed since, each key once."""
        base = select(_BASES.base).where(_BASES.source == source, _BASES.table == table)
        changes = select(_CHANGES.key, _CHANGES.row).where(_CHANGES.source == source, _CHANGES.table == table)
        with self._database.read() as connection:
            return connection.scalar(base), [(key, row) for key, row in connection.execute(changes)]

    def tables(self, source: str) -> tuple[str, ...]:
        """The tables of a source that something was pushed to, by name."""
        based = select(_BASES.table).where(_BASES.source == source)
        changed = select(_CHANGES.table).where(_CHANGES.source == source)
        with self._database.read() as connection:
            return tuple(sorted(connection.scalars(union(based, changed))))


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
