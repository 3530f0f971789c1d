"""
A line to a PostgreSQL database that never waits for long, beside those that write and read.

Whatever is late here is as good as lost: a renewal that comes after its lease
has ended helps nobody. So every step has a time-out, and what failed is begun
anew by the next who asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from congresslite.diagnostics import Diagnostic
from congresslite.store.database import cause_of, checked_url
from congresslite.store.errors import AwayError


class Link:
    """One connection in which each statement is a transaction. For one thread at a time."""

    def __init__(self, url: str, patience: float, purpose: str) -> None:
        self._url = checked_url(url)
        self.where = self._url.render_as_string(hide_password=True)
        self._milliseconds = max(1, int(patience * 1000))
        self._connection: Connection | None = None
        self._engine = create_engine(
            self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True,
            connect_args={
                "connect_timeout": max(2, math.ceil(patience)),
                "tcp_user_timeout": self._milliseconds,
                "application_name": f"congresslite {purpose}",
            },
        )  # fmt: skip

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """The connection, made anew if it was lost. Raises AwayError."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
                # Not as an option of the connection: the URL may have options of its own.
                self._connection.execute(text(f"SET statement_timeout = {self._milliseconds}"))
            yield self._connection
        except SQLAlchemyError as error:
            self.close()
            message = f"the database cannot be asked: {cause_of(error, self._url)}"
            raise AwayError(Diagnostic("CL481", message, place=self.where)) from None

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()
