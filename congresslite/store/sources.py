"""
Sources that were configured over REST. Their settings are encrypted; a removed one keeps its number of versions.

What was pulled of a source, or pushed to it, goes with the source; whoever replaces one says whether it stays.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update

from congresslite.store.database import Database
from congresslite.store.errors import VersionError
from congresslite.store.records import SourceRecord
from congresslite.store.secrets import Secrets
from congresslite.store.tables import FEEDS, PUSHED_BASES, PUSHED_CHANGES, SOURCES

_COLUMNS = SOURCES.c


class Sources:
    """The sources of a store."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self._secrets = secrets

    def put(
        self,
        name: str,
        settings: dict[str, Any],
        *,
        at: float,
        by: str,
        expected: int | None = None,
        keep: bool = False,
    ) -> SourceRecord:
        """Add or replace a source, whose rows stay what they are with `keep`.

        Raises VersionError as `Policies.add` does, StoreError without a key.
        """
        encrypted = self._secrets.encrypt(f"source `{name}`", settings)
        version = self._write(name, encrypted, at, by, expected, keep=keep)
        return SourceRecord(name, settings, version, at, by)

    def remove(self, name: str, *, at: float, by: str, expected: int | None = None) -> None:
        """Remove a source and its settings. Raises KeyError, VersionError."""
        with self._database.read() as connection:
            here = select(_COLUMNS.name).where(_COLUMNS.name == name, _COLUMNS.settings.is_not(None))
            if connection.execute(here).first() is None:
                raise KeyError(name)
        self._write(name, None, at, by, expected)

    def all(self) -> tuple[SourceRecord, ...]:
        """The sources by name. Raises StoreError if the key does not open their settings."""
        with self._database.read() as connection:
            rows = connection.execute(select(SOURCES).where(_COLUMNS.settings.is_not(None))).all()
        found = (
            SourceRecord(
                row.name, self._secrets.decrypt(f"source `{row.name}`", row.settings), row.version,
                row.created_at, row.created_by,
            )
            for row in rows
        )  # fmt: skip
        return tuple(sorted(found, key=lambda source: source.name))

    def _write(
        self, name: str, encrypted: bytes | None, at: float, by: str, expected: int | None, *, keep: bool = False
    ) -> int:
        values = {"settings": encrypted, "created_at": at, "created_by": by}
        with self._database.write() as connection:
            for table in () if keep else (FEEDS, PUSHED_BASES, PUSHED_CHANGES):
                connection.execute(delete(table).where(table.c.source == name))
            current = connection.execute(select(SOURCES).where(_COLUMNS.name == name)).first()
            number = 0 if current is None or current.settings is None else current.version
            if expected is not None and expected != number:
                raise VersionError(f"source `{name}`", number)
            if current is None:
                connection.execute(insert(SOURCES).values(name=name, version=1, **values))
                return 1
            version = int(current.version) + 1
            connection.execute(update(SOURCES).where(_COLUMNS.name == name).values(version=version, **values))
            return version
