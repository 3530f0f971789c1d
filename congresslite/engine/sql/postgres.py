"""
PostgreSQL as a connection.

An evaluation has a schema of its own on the server, with the functions and
tables in it, and drops it in the end. Whoever may create a schema may evaluate.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from congresslite.engine.sql.connection import failed, missing
from congresslite.plan.sql import POSTGRESQL, Dialect
from congresslite.plan.sql.functions import POSTGRESQL_FUNCTIONS, now_function
from congresslite.schema import ColumnValues

if TYPE_CHECKING:
    import psycopg

# Arrow columns are read piece by piece; how many rows at a time.
_CHUNK = 1 << 16


class PostgreSqlConnection:
    """A schema of its own on a PostgreSQL server."""

    dialect: Dialect = POSTGRESQL

    def __init__(self, address: str, clock: str) -> None:
        """`address` is a connection string or URL. Raises EvaluationError if psycopg or the server is missing."""
        try:
            import psycopg  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise missing("PostgreSQL", "psycopg", "postgresql") from error
        self._error: type[Exception] = psycopg.Error
        self._schema = f"congresslite_{secrets.token_hex(8)}"
        try:
            self._connection: psycopg.Connection[Any] = psycopg.connect(
                # A statement may mean another table when it comes again, so none is kept prepared.
                address,
                autocommit=True,
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            raise failed(self.dialect.title, error) from error
        settings = (
            f"CREATE SCHEMA {self._schema}",
            f"SET search_path = {self._schema}",
            "SET extra_float_digits = 1",  # a float is written so that it is read back
            "SET client_min_messages = warning",
            "SET jit = off",
            "SET synchronous_commit = off",
        )
        for statement in (*settings, *POSTGRESQL_FUNCTIONS, now_function(clock, macro=False)):
            self.execute(statement)

    def execute(self, sql: str) -> int:  # noqa: D102
        try:
            return max(0, self._connection.execute(sql.encode()).rowcount)
        except (self._error, UnicodeError) as error:
            raise failed(self.dialect.title, error) from error

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:  # noqa: D102
        try:
            return self._connection.execute(sql.encode()).fetchall()
        except (self._error, UnicodeError) as error:
            raise failed(self.dialect.title, error) from error

    def stage(self, table: str, columns: Mapping[str, ColumnValues], num_rows: int) -> None:  # noqa: D102
        given = columns or {"holds": pa.chunked_array([pa.array([True] * num_rows, pa.bool_())])}
        named = ", ".join(f"{name} {_type(column)}" for name, column in given.items())
        self.execute(f"CREATE TEMPORARY TABLE {table} ({named})")
        try:
            with self._connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in zip(*map(_values, given.values()), strict=True):
                    copy.write_row(row)
        except (self._error, UnicodeError) as error:
            raise failed(self.dialect.title, error) from error

    def settle(self, table: str) -> None:  # noqa: D102
        self.execute(f"ANALYZE {table}")

    def close(self) -> None:  # noqa: D102
        if not self._connection.closed:
            self.execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE")
            self._connection.close()


def _type(column: ColumnValues) -> str:
    if isinstance(column, list) or pa.types.is_null(column.type):
        return "text"
    if pa.types.is_integer(column.type):
        return "bigint"
    if pa.types.is_floating(column.type):
        return "float8"
    return "boolean" if pa.types.is_boolean(column.type) else "text"


def _values(column: ColumnValues) -> Iterator[Any]:
    if isinstance(column, list):
        yield from column
        return
    for start in range(0, len(column), _CHUNK):
        yield from column.slice(start, _CHUNK).to_pylist()
