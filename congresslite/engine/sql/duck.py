"""
DuckDB as a connection.

The database lives in memory and in a folder of its own for what memory does not
hold, which goes when the evaluation is closed. Everything in it can be derived
again, so nothing is written for its own sake.
"""

# ruff: noqa: S608 - every name is quoted, and every text a literal
from __future__ import annotations

import shutil
import weakref
from collections.abc import Mapping
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from congresslite.engine.sql.connection import failed, missing
from congresslite.engine.sql.functions import functions
from congresslite.plan.sql import DUCKDB, Dialect
from congresslite.plan.sql.functions import DUCKDB_FUNCTIONS, now_function
from congresslite.schema import ColumnValues

if TYPE_CHECKING:
    import duckdb

# DuckDB needs some memory to work with, however little is allowed.
_LEAST_MEMORY = 64 << 20


class DuckDbConnection:
    """A DuckDB database of its own."""

    dialect: Dialect = DUCKDB

    def __init__(self, clock: str, memory: int | None = None, threads: int | None = None) -> None:
        """`clock` is what `now` gives, `memory` in bytes. Raises EvaluationError if DuckDB is not installed."""
        try:
            import duckdb  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise missing("DuckDB", "duckdb", "duckdb") from error
        self._error: type[Exception] = duckdb.Error
        folder = mkdtemp(prefix="congresslite-")
        # Whoever forgets to close an evaluation leaves no files behind all the same.
        self._clean = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        config: dict[str, Any] = {
            "temp_directory": folder,
            "preserve_insertion_order": "false",
            "max_expression_depth": "100000",
            # Policies are data: they load no code and read no files.
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if memory is not None:
            config["memory_limit"] = f"{max(memory, _LEAST_MEMORY)}B"
        if threads is not None:
            config["threads"] = str(threads)
        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(":memory:", config=config)
        for function in functions(clock):
            self._connection.create_function(  # type: ignore[call-overload]  # its stubs know no types of Arrow
                function.name,
                function.batch(),
                list(function.parameters),
                function.returns,
                type="arrow",
                null_handling="special",
            )
        for statement in (*DUCKDB_FUNCTIONS, now_function(clock, macro=True)):
            self._connection.execute(statement)

    def execute(self, sql: str) -> int:  # noqa: D102
        try:
            done = self._connection.execute(sql).fetchone()
        except (self._error, UnicodeError) as error:
            raise failed(self.dialect.title, error) from error
        return int(done[0]) if done and isinstance(done[0], int) else 0

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:  # noqa: D102
        try:
            return self._connection.execute(sql).fetchall()
        except (self._error, UnicodeError) as error:
            raise failed(self.dialect.title, error) from error

    def stage(self, table: str, columns: Mapping[str, ColumnValues], num_rows: int) -> None:  # noqa: D102
        try:
            arrays = {
                name: pa.array(column, pa.string()) if isinstance(column, list) else column
                for name, column in columns.items()
            }
            given = pa.table(arrays) if arrays else pa.table({"holds": pa.array([True] * num_rows, pa.bool_())})
            self._connection.register("given", given)
            self._connection.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
            self._connection.unregister("given")
        except (self._error, UnicodeError, pa.ArrowException) as error:
            raise failed(self.dialect.title, error) from error

    def settle(self, table: str) -> None:
        """Nothing: DuckDB keeps its own statistics."""

    def close(self) -> None:  # noqa: D102
        self._connection.close()
        self._clean()
