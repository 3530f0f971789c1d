"""
Locks that one process holds while it writes to a database.

The system frees them when the process ends, however it ends: no lock is ever
left behind.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from congresslite.diagnostics import Diagnostic
from congresslite.store.errors import AwayError, TakenError

_PATIENCE_MS = 2000
_LOCK_NOT_AVAILABLE = "55P03"
# Ours among the advisory locks of a PostgreSQL database: "congress" in ASCII.
_KEY = int.from_bytes(b"congress", "big")


class WriterLock(Protocol):
    """Held by the one process that writes."""

    def before(self, where: str) -> None:
        """Take it, if it is to be had before there is a connection. Raises StoreError."""

    def within(self, connection: Connection, where: str) -> None:
        """Take it, if it belongs to a connection. Raises StoreError."""

    def release(self) -> None:
        """Give it back."""


class FileLock:
    """A lock on a file beside a SQLite database; the database's own locks last no longer than a transaction."""

    def __init__(self, database: str) -> None:
        self._path = Path(f"{database}.lock")
        self._file: IO[bytes] | None = None

    def before(self, where: str) -> None:
        """Take the lock. Raises StoreError."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._path.open("ab")
        except OSError as error:
            cause = (error.strerror or str(error)).lower()
            raise AwayError(Diagnostic("CL481", f"`{self._path}` cannot be opened: {cause}", place=where)) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise _taken(where) from None

    def within(self, connection: Connection, where: str) -> None:
        """The lock is held already."""

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes lock two files of one name."""
        if self._file is not None:
            self._file.close()
            self._file = None


class SessionLock:
    """An advisory lock that a PostgreSQL connection holds for as long as it lasts."""

    def before(self, where: str) -> None:
        """It needs a connection."""

    def within(self, connection: Connection, where: str) -> None:
        """Take the lock. Raises StoreError."""
        with patient(where), connection.begin():
            be_patient(connection)
            take_session_lock(connection)

    def release(self) -> None:
        """It went with its connection."""


def take_session_lock(connection: Connection) -> None:
    """Take the lock that one session of a PostgreSQL database has; it lasts longer than the transaction.

    Raises OperationalError if it does not come in time, see `be_patient` and `patient`.
    """
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _KEY})


def be_patient(connection: Connection) -> None:
    """Let a transaction wait a moment for each lock, and let nobody wait for long for the locks that it has."""
    # The server needs a moment to notice that a process has ended.
    connection.execute(text(f"SET LOCAL lock_timeout = {_PATIENCE_MS}"))
    # A process that is frozen within it must not hold up whoever takes its place.
    connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {2 * _PATIENCE_MS}"))


@contextmanager
def patient(where: str) -> Iterator[None]:
    """Within it, a lock that did not come in time is told as a TakenError."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise _taken(where) from None
        raise


def _taken(where: str) -> TakenError:
    hint = "stop that process, or give this one a database of its own"
    return TakenError(Diagnostic("CL484", "another process writes to this database", place=where, hint=hint))
