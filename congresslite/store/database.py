"""
The database: one connection that writes, and a pool of those that read.

The rule to keep: nobody who reads waits for whoever writes. On SQLite that is
the write-ahead log, on PostgreSQL its versions of rows. One process writes to
a database: the lock is taken with the writing connection and lost with it, so
that a connection that broke is replaced only if no other process took over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from congresslite.diagnostics import Diagnostic
from congresslite.store.errors import AwayError, StoreError
from congresslite.store.locks import FileLock, SessionLock, WriterLock

_BUSY_SECONDS = 30
_CONNECT_SECONDS = 10
_READERS = 20
_PROBE_EVERY = 1.0
# What a database refuses for as long as it is asked the same.
_OURS = (DataError, IntegrityError, ProgrammingError)
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # What is acknowledged outlives a loss of power too, not only the end of the process.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # A batch touches a thousand pages of indexes: written back to the file only after some, most of them go once.
    "PRAGMA wal_autocheckpoint=16000",
    "PRAGMA journal_size_limit=134217728",
    "PRAGMA cache_size=-16384",
)
_WRITER_CACHE = "PRAGMA cache_size=-131072"  # there is one of it, and it needs the pages of all indexes


class Database:
    """A database that is open. Safe for any thread; writers take turns."""

    def __init__(self, url: str, lock: WriterLock | None = None) -> None:
        """Open the database of a URL; `lock` is taken by whoever writes, in place of the usual one."""
        self.url = checked_url(url)
        self.where = self.url.render_as_string(hide_password=True)
        self._engine = _engine(self.url)
        self._readers = self._engine
        if not self.sqlite:
            self._readers = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._turn = threading.RLock()
        usual = FileLock(self.url.database or "") if self.sqlite else SessionLock()
        self._lock: WriterLock = usual if lock is None else lock
        self._writer: Connection | None = None
        self._failing = False
        self._probing = threading.Lock()
        self._next_probe = 0.0

    def __repr__(self) -> str:
        return f"Database({self.where!r})"

    @property
    def sqlite(self) -> bool:
        """Whether it is SQLite; else it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    def answers(self) -> bool:
        """Whether it does what it is asked, as of when it was last asked something.

        If that failed it is asked anew, but not for everybody who wants to know.
        """
        if self._failing and time.monotonic() >= self._next_probe and self._probing.acquire(blocking=False):
            try:
                with suppress(StoreError), self.read() as connection:
                    connection.execute(text("SELECT 1"))
                self._next_probe = time.monotonic() + _PROBE_EVERY
            finally:
                self._probing.release()
        return not self._failing

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent state of the database, to be left soon. Raises StoreError."""
        with self._told(), self._connected(self._readers) as connection:
            yield connection
        self._failing = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when it is left; an exception undoes it. Raises StoreError."""
        with self._told(), self._turn:
            connection = self._writing()
            try:
                with connection.begin():
                    yield connection
            finally:
                if connection.invalidated:
                    self._release()
        self._failing = False

    def close(self) -> None:
        """Give back the connections and the lock."""
        with self._turn:
            self._release()
            self._engine.dispose()

    def _writing(self) -> Connection:
        if self._writer is None:
            self._lock.before(self.where)
            try:
                self._writer = self._connected(self._engine).execution_options(writes=True)
                if self.sqlite:
                    self._writer.exec_driver_sql(_WRITER_CACHE)
                    self._writer.rollback()
                self._lock.within(self._writer, self.where)
            except BaseException:
                self._release()
                raise
        return self._writer

    def _release(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            if not writer.invalidated:
                writer.detach()  # closed for good, so that the server frees its lock
            writer.close()
        self._lock.release()

    def _connected(self, engine: Engine) -> Connection:
        try:
            return engine.connect()
        except DBAPIError as error:
            foreign = "not a database" in str(error.orig)
            what = "this is no database of congresslite" if foreign else "the database cannot be reached"
            message = f"{what}: {cause_of(error, self.url)}"
            if foreign:
                raise StoreError(Diagnostic("CL482", message, place=self.where)) from None
            raise self._noted(Diagnostic("CL481", message, place=self.where)) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what a driver raises into a finding."""
        try:
            yield
        except SQLAlchemyError as error:
            finding = Diagnostic("CL488", f"the database failed: {cause_of(error, self.url)}", place=self.where)
            raise (StoreError(finding) if isinstance(error, _OURS) else self._noted(finding)) from None

    def _noted(self, finding: Diagnostic) -> AwayError:
        self._failing = True
        return AwayError(finding)


def cause_of(error: SQLAlchemyError, url: URL) -> str:
    """What a driver says, on one line and without the password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    cause = next(iter(said.splitlines()), type(error).__name__)
    return cause.replace(str(url.password), "***") if url.password else cause


def checked_url(url: str) -> URL:
    """A URL that we can use. Raises StoreError, without the URL if it may hold a password."""
    hint = "write `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`"
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(Diagnostic("CL480", "this is no URL of a database", hint=hint)) from None
    place = made.render_as_string(hide_password=True)
    if made.drivername in ("sqlite", "sqlite+pysqlite"):
        if made.database in (None, "", ":memory:") or made.query:
            message = "SQLite is to keep state in a file, and no file is named"
            raise StoreError(Diagnostic("CL480", message, place=place, hint=hint))
        return made.set(drivername="sqlite+pysqlite")
    if made.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return made.set(drivername="postgresql+psycopg")
    message = f"`{made.drivername}` is no kind of database that state can be kept in"
    raise StoreError(Diagnostic("CL480", message, place=place, hint=hint))


def _engine(url: URL) -> Engine:
    # Parameters are never told: settings of sources are among them.
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url, pool_size=_READERS, max_overflow=_READERS, pool_pre_ping=True, hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "congresslite"},
        )  # fmt: skip
    engine = create_engine(
        url, pool_size=_READERS, max_overflow=_READERS, hide_parameters=True,
        connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def prepare(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Python's own module would begin only at the first write, and a reader would see two states.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
