"""What the evaluator needs of a database: few methods, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from congresslite.diagnostics import Diagnostic, EvaluationError
from congresslite.plan.sql import Dialect, Statement
from congresslite.schema import ColumnValues


class Connection(Protocol):
    """A database of one evaluation, empty but for the functions; `close` leaves nothing behind.

    Every method raises EvaluationError for what the database refuses.
    """

    dialect: Dialect

    def execute(self, sql: str) -> int:
        """Run a statement; gives how many rows it made or changed, if it did."""

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    def stage(self, table: str, columns: Mapping[str, ColumnValues], num_rows: int) -> None:
        """Make a table of these columns as they are; lists hold texts.

        Without any, it has a column `holds` that is true in each row.
        """

    def settle(self, table: str) -> None:
        """Take note of the rows of a table that is complete."""

    def close(self) -> None:
        """End it."""


def failed(title: str, error: Exception) -> EvaluationError:
    """The error for what a database says of a statement."""
    lines: Sequence[str] = str(error).strip().splitlines() or [type(error).__name__]
    return EvaluationError(
        Diagnostic(
            "CL522",
            f"{title} failed: {lines[0]}",
            hint="evaluate with the default engine, or see `congresslite explain CL522`",
        )
    )


def missing(title: str, package: str, extra: str) -> EvaluationError:
    """The error for a package that is not installed."""
    return EvaluationError(
        Diagnostic(
            "CL521",
            f"evaluation by {title} needs the package {package}, which is not installed",
            hint=f"run `pip install 'congresslite[{extra}]'`",
        )
    )


def run(connection: Connection, statement: Statement) -> int:
    """Run a statement; an error of the database is told at the place of its rule. Gives how many rows it made."""
    try:
        return connection.execute(statement.sql)
    except EvaluationError as error:
        span = statement.rules[0].span if statement.rules else None
        raise EvaluationError(replace(each, span=each.span or span) for each in error.diagnostics) from error
