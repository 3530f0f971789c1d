"""Waivers as they were granted. What they mean is said in `congresslite.policy.waivers` alone."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from congresslite.store.database import Database
from congresslite.store.records import WaiverRecord
from congresslite.store.tables import WAIVERS


class Waivers:
    """The waivers of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, waiver: WaiverRecord) -> None:
        """Write a waiver with an id of its own."""
        values = {column.name: getattr(waiver, column.name) for column in WAIVERS.columns}
        with self._database.write() as connection:
            connection.execute(insert(WAIVERS).values(values))

    def remove(self, id: str) -> None:
        """Remove a waiver. Raises KeyError."""
        with self._database.write() as connection:
            if not connection.execute(delete(WAIVERS).where(WAIVERS.c.id == id)).rowcount:
                raise KeyError(id)

    def all(self) -> tuple[WaiverRecord, ...]:
        """All waivers, in the order in which they were granted."""
        with self._database.read() as connection:
            found = [WaiverRecord(**row) for row in connection.execute(select(WAIVERS)).mappings()]
        return tuple(sorted(found, key=lambda waiver: (waiver.created_at, waiver.id)))
