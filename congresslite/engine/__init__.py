"""Plans and tables to derived tables: columnar evaluation in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from congresslite.engine.database import Database, Progress
from congresslite.engine.limits import Limits, default_memory_limit
from congresslite.language.program import Program
from congresslite.schema import TableData

__all__ = ["Database", "Limits", "Progress", "evaluate", "open_database"]


def open_database(
    program: Program, tables: Mapping[str, TableData], *, memory_limit: int | None = None, clock: str | None = None
) -> Database:
    """The database of a program, nothing read or evaluated yet.

    `tables` has the base tables by full name; `memory_limit` is in bytes; `clock` is the time that `now` gives,
    `YYYY-MM-DD HH:MM:SS`, by default that of the call in UTC.
    """
    limit = default_memory_limit() if memory_limit is None else memory_limit
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S") if clock is None else clock
    return Database(program, tables, Limits(limit, now))


def evaluate(
    program: Program, tables: Mapping[str, TableData], *, memory_limit: int | None = None, clock: str | None = None
) -> Database:
    """Read the base tables and derive all others. Raises SourceError or EvaluationError."""
    database = open_database(program, tables, memory_limit=memory_limit, clock=clock)
    database.load()
    database.evaluate()
    return database
