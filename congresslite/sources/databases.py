"""
Asking a database: one query, all its rows, in a transaction that can only read.

The rule to keep: a database is never changed, and never waited for beyond the
deadline. The query is looked at before it is sent, the transaction is read-only
where the database has such a thing, and the database itself stops a query that
takes too long; rows are fetched in portions, and too many of them are an error.
Nothing that is told of a database holds its password.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, ExceptionContext, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.visible import visible
from congresslite.sources.driver import Deadline
from congresslite.sources.sqlvalues import plain

PORTION = 5000  # rows that are fetched at a time
_LONGEST = 300  # characters of what a database says
_GRACE = 1.0  # seconds by which the database itself may be late in stopping a query
_STEPS = 10_000  # of SQLite's machine, between two looks at the clock

_HIDDEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \$(\w*)\$.*?\$\1\$ | --[^\n]* | /\*(?!!).*?\*/""",
    re.DOTALL | re.VERBOSE,
)
_CHANGES = re.compile(r"\b(?:insert|update|delete|merge|into)\b|/\*!", re.IGNORECASE)
_BEGINS = re.compile(r"[\s(]*(?:select|with)\b", re.IGNORECASE)


def fault_of(query: str) -> str | None:
    """What keeps a text from being one query that only reads; None if nothing does.

    This tells an honest mistake early. What holds is the transaction, which cannot change anything.
    """
    # Texts, quoted names and comments may say what they like.
    bare = _HIDDEN.sub(" ", query).strip().rstrip(";")
    if not _BEGINS.match(bare):
        return "a query starts with `SELECT` or `WITH`"
    if ";" in bare:
        return "there is more than one statement"
    if word := _CHANGES.search(bare):
        return f"`{word[0]}` is no part of a query that only reads"
    return None


@dataclass(slots=True)
class Answer:
    """The columns that a query gave, in order, each with a value for each row."""

    names: tuple[str, ...]
    columns: list[list[Any]]
    num_rows: int = 0


class Database:
    """One database, connected to anew for each query. One thread at a time asks it."""

    def __init__(self, url: str, password: str | None, connect_timeout: float) -> None:
        """Nothing is connected yet. Raises SourceError for an address that leads to no database."""
        self._url = _parsed(url, password)
        self.place = _shown(self._url)
        self._connect_timeout = connect_timeout
        self._deadline = Deadline.after(0)
        try:
            self._engine = create_engine(_read_only(self._url), poolclass=NullPool)
        except (NoSuchModuleError, ModuleNotFoundError):
            message = f"nothing that speaks `{self._url.drivername}` is installed"
            raise SourceError(Diagnostic("CL538", message, place=self.place, hint=_INSTALL)) from None
        except (ArgumentError, TypeError, ValueError):
            raise SourceError(_malformed(self.place)) from None
        event.listen(self._engine, "do_connect", self._limit)
        event.listen(self._engine, "handle_error", _let_go)
        self._kind = _KINDS.get(self._engine.dialect.name, _Kind())

    def ask(self, query: str, deadline: Deadline, most: int) -> Answer:
        """All rows of a query, at most so many. Raises SourceError."""
        self._deadline = deadline
        with self._connected(deadline) as connection:
            return self._read(connection, query, deadline, most)

    def close(self) -> None:
        """Give back what is left of connections."""
        self._engine.dispose()

    def _limit(self, _dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        """Bound how long connecting takes, and every answer where the driver can."""
        limits = _LIMITS.get(self._engine.dialect.driver)
        if limits is not None:
            left = self._deadline.left()
            parameters.update(limits(min(left, self._connect_timeout), left + _GRACE))

    @contextmanager
    def _connected(self, deadline: Deadline) -> Iterator[Connection]:
        """A connection that can only read and is cut at the deadline."""
        if self._url.get_backend_name() == "sqlite" and not (file := Path(self._url.database or "")).is_file():
            message = f"there is no database file `{self._url.database or ''}`"
            hint = None if file.is_absolute() else f"it was looked for in `{Path.cwd()}`: write its full path"
            raise SourceError(Diagnostic("CL538", message, place=self.place, hint=hint))
        try:
            connection = self._engine.connect().execution_options(**self._kind.options)
        except (SQLAlchemyError, OSError) as error:
            deadline.left()
            message = f"the database cannot be reached: {self._said(error)}"
            raise SourceError(Diagnostic("CL538", message, place=self.place)) from None
        cut = Timer(deadline.left() + _GRACE, _cut, (connection,))
        cut.daemon = True
        cut.start()
        try:
            yield connection
        finally:
            cut.cancel()
            connection.close()

    def _read(self, connection: Connection, query: str, deadline: Deadline, most: int) -> Answer:
        try:
            self._kind.prepare(connection, deadline, most)
            # As it is written: a colon or a percent sign in it means nothing to us.
            options = {"no_parameters": True, "stream_results": True}
            with connection.exec_driver_sql(query, execution_options=options) as result:
                names = tuple(result.keys())
                answer = Answer(names, [[] for _ in names])
                for portion in result.partitions(PORTION):
                    deadline.left()
                    answer.num_rows += len(portion)
                    if answer.num_rows > most:
                        raise SourceError(self._too_many(most))
                    for held, values in zip(answer.columns, zip(*portion, strict=True), strict=True):
                        held.extend(plain(values))
            return answer
        except (SQLAlchemyError, OSError, ValueError, OverflowError) as error:
            deadline.left()
            message = f"the query failed: {self._said(error)}"
            raise SourceError(Diagnostic("CL539", message, place=self.place)) from None

    def _too_many(self, most: int) -> Diagnostic:
        hint = "raise `max_rows`, or let the query ask for less"
        return Diagnostic("CL541", f"the query gives more than {most} rows", place=self.place, hint=hint)

    def _said(self, error: Exception) -> str:
        """The first line of what the database or its driver says, harmless and without the password."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        # MySQL's drivers give a number and a text.
        texts = [each for each in cause.args if isinstance(each, str)] or [str(cause)]
        line = next((line.strip() for line in texts[-1].splitlines() if line.strip()), type(cause).__name__)
        if self._url.password:
            line = line.replace(str(self._url.password), "***")
        shown = visible(line)
        return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


_INSTALL = "`pip install 'congresslite[sql]'` brings PostgreSQL and MariaDB; other databases need their own driver"


def _parsed(url: str, password: str | None) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SourceError(_malformed("url")) from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif parsed.drivername in ("mysql", "mariadb"):
        parsed = parsed.set(drivername=f"{parsed.drivername}+pymysql")
    return parsed if password is None else parsed.set(password=password)


def _malformed(place: str) -> Diagnostic:
    hint = "write it as `postgresql://user@host/database`, `mariadb://…` or `sqlite:////path/to/file`"
    return Diagnostic("CL538", "the address of the database is malformed", place=place, hint=hint)


def _shown(url: URL) -> str:
    """An address without user, password and options, any of which may be secret."""
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


def _read_only(url: URL) -> URL:
    """The address that cannot be written to, where that is a matter of the address: a file of SQLite."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return url
    return url.set(database=f"file:{quote(url.database)}", query={**url.query, "mode": "ro", "uri": "true"})


def _cut(connection: Connection) -> None:
    """Wake a thread that waits for a database that says nothing any more, not even that the time is over."""
    driver = connection.connection.driver_connection
    number = getattr(getattr(driver, "pgconn", None), "socket", None)
    if number is not None:
        with socket.socket(fileno=os.dup(number)) as wire:
            wire.shutdown(socket.SHUT_RDWR)


def _let_go(context: ExceptionContext) -> None:
    """Close the cursor of a broken connection, which SQLAlchemy leaves to whoever collects garbage."""
    if context.is_disconnect and context.execution_context is not None:
        with suppress(Exception):
            context.execution_context.cursor.close()


def _nothing(_connection: Connection, _deadline: Deadline, _most: int) -> None:
    """Most databases have neither read-only transactions nor a way to bound a query."""


def _postgresql(connection: Connection, deadline: Deadline, _most: int) -> None:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {_milliseconds(deadline)}")


def _mariadb(connection: Connection, deadline: Deadline, most: int) -> None:
    connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
    # Its protocol cannot stop in the middle: all that it would send must be fetched before a connection is closed.
    connection.exec_driver_sql(f"SET SESSION sql_select_limit = {most + 1}")
    if getattr(connection.dialect, "is_mariadb", False):
        connection.exec_driver_sql(f"SET SESSION max_statement_time = {_milliseconds(deadline) / 1000}")
    else:
        connection.exec_driver_sql(f"SET SESSION max_execution_time = {_milliseconds(deadline)}")


def _sqlite(connection: Connection, deadline: Deadline, _most: int) -> None:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: int(time.monotonic() >= deadline.at), _STEPS)


def _milliseconds(deadline: Deadline) -> int:
    return ceil(deadline.left() * 1000)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind of database needs so that a connection can only read and a query ends."""

    prepare: Callable[[Connection, Deadline, int], None] = _nothing
    options: Mapping[str, Any] = field(default_factory=dict)


_KINDS = {
    "postgresql": _Kind(_postgresql, {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}),
    "mysql": _Kind(_mariadb, {"isolation_level": "REPEATABLE READ"}),
    "mariadb": _Kind(_mariadb, {"isolation_level": "REPEATABLE READ"}),
    "sqlite": _Kind(_sqlite),
}

# What drivers call the seconds that connecting and that an answer may take.
_LIMITS: dict[str, Callable[[float, float], dict[str, Any]]] = {
    "psycopg": lambda connect, _: {"connect_timeout": max(2, ceil(connect))},
    "psycopg2": lambda connect, _: {"connect_timeout": max(2, ceil(connect))},
    "pymysql": lambda connect, answer: {"connect_timeout": ceil(connect), "read_timeout": answer},
    "mysqldb": lambda connect, answer: {"connect_timeout": ceil(connect), "read_timeout": ceil(answer)},
    "pysqlite": lambda _, answer: {"timeout": answer},
}
