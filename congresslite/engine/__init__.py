"""Plans and tables to derived tables: columnar evaluation in memory."""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.engine.database import Database
from congresslite.engine.limits import Limits
from congresslite.engine.snapshot import Snapshot
from congresslite.engine.transition import Progress
from congresslite.language.program import Program
from congresslite.schema import TableData

__all__ = ["Database", "Limits", "Progress", "Snapshot", "evaluate", "open_database"]


def open_database(program: Program, tables: Mapping[str, TableData], limits: Limits | None = None) -> Database:
    """The database of a program, nothing read or evaluated yet. `tables` has the base tables by full name."""
    return Database(program, tables, limits or Limits.of())


def evaluate(
    program: Program,
    tables: Mapping[str, TableData],
    *,
    memory_limit: int | None = None,
    max_rounds: int | None = None,
    clock: str | None = None,
) -> Database:
    """Read the base tables and derive all others; see `Limits.of`. Raises SourceError or EvaluationError."""
    database = open_database(program, tables, Limits.of(memory_limit, max_rounds, clock))
    database.load()
    database.evaluate()
    return database
