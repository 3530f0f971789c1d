"""What a database answers, behind the same methods as the columnar engine's."""

# ruff: noqa: S608 - every name is quoted, and every text a literal
from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import RLock
from typing import Any

from congresslite.engine.sql.connection import Connection, run
from congresslite.engine.sql.duck import DuckDbConnection
from congresslite.engine.sql.loading import Loader, needs
from congresslite.engine.sql.loops import run_loop
from congresslite.engine.sql.postgres import PostgreSqlConnection
from congresslite.language.program import CheckedRule, Program
from congresslite.plan import RulePlan, build_plan, plan_rule
from congresslite.plan.sql import Create, Layout, Loop, Printer, facts_schema, print_program
from congresslite.plan.sql.kinds import Kind, decode
from congresslite.schema import Column, Row, Scalar, TableData, TableSchema, Type, as_float


class SqlAnswers:
    """The tables of a program, evaluated by a database."""

    def __init__(
        self, program: Program, tables: Mapping[str, TableData], connection: Connection, *, max_rounds: int
    ) -> None:
        self._program, self._sources, self._connection = program, tables, connection
        self._max_rounds = max_rounds
        self._layout = Layout()
        self._loader = Loader(connection, self._layout)
        # A connection does one thing at a time.
        self._lock = RLock()

    def load(self) -> None:
        """Read what the rules need of the base tables. Raises SourceError or EvaluationError."""
        read = needs(build_plan(self._program).conjunctions(), self._program.base)
        with self._lock:
            for name, schema in self._program.base.items():
                if name not in read:
                    self._layout.add(schema)
            self._loader.require(self._sources, read)
            for name, facts in self._program.facts.items():
                if facts:
                    self._loader.facts(facts_schema(self._program.tables[name]), facts)

    def evaluate(self) -> None:
        """Derive every table. Raises EvaluationError for what the database cannot say, or does not do."""
        with self._lock:
            script = print_program(self._program, self._connection.dialect, self._layout)
            for step in script.steps:
                if isinstance(step, Loop):
                    run_loop(step, self._connection, self._max_rounds)
                    made: tuple[str, ...] = step.tables
                else:
                    self._create(step)
                    made = (step.table,)
                for table in made:
                    self._connection.settle(self._layout[table].name)

    def count(self, table: str) -> int:
        """How many rows a table has; for `error` and `warning`, rows of each rule. Raises KeyError."""
        with self._lock:
            return sum(self._count(part) for part in self._program.answers.get(table, (table,)))

    def rows(self, table: str) -> list[Row]:
        """The rows of a table. Raises KeyError if there is none of that name."""
        with self._lock:
            return [row for part in self._program.answers.get(table, (table,)) for row in self._part(part)]

    def query(self, rules: Sequence[CheckedRule], tables: Mapping[str, TableSchema]) -> list[Row]:
        """The rows that the last of these rules derives over the finished tables.

        The rules are no part of the program; each may read what those before it derive. `tables` are their schemas.
        """
        with self._lock:
            plans = [plan_rule(rule) for rule in rules]
            asked = list(dict.fromkeys(rule.table for rule in rules))
            derived = {*self._program.tables, *asked}
            base = {name: each.schema for name, each in self._sources.items() if name not in derived}
            read = needs(((plan, branch) for plan in plans for branch in plan.branches), base)
            self._loader.require(self._sources, read)
            try:
                for table in asked:
                    mine = [plan for plan in plans if plan.rule.table == table]
                    self._derive(_schema(mine[0], tables), mine)
                return self._decoded(_schema(plans[-1], tables))
            finally:
                for table in asked:
                    self._connection.execute(f"DROP TABLE IF EXISTS {self._layout.identifier(table)}")

    def skipped(self) -> Mapping[str, int]:
        """Nothing: a database does not count what it skips."""
        return {}

    def close(self) -> None:
        """End the evaluation; nothing can be asked any more."""
        with self._lock:
            self._connection.close()

    def _derive(self, schema: TableSchema, plans: Sequence[RulePlan]) -> None:
        """Make a table that no part of the program reads."""
        self._layout.add(schema)
        self._create(Printer(self._connection.dialect, self._layout).create(schema.name, plans))

    def _create(self, step: Create) -> None:
        for statement in step.statements:
            run(self._connection, statement)

    def _count(self, name: str) -> int:
        self._present(name)
        ((count,),) = self._connection.fetch(f"SELECT count(*) FROM {self._layout[name].name}")
        return int(count)

    def _part(self, name: str) -> list[Row]:
        self._present(name)
        return self._decoded(self._program.tables.get(name) or self._sources[name].schema)

    def _present(self, name: str) -> None:
        """Have all columns of a base table, so that its rows are a set. Raises KeyError for an unknown table."""
        if name not in self._program.tables:
            self._loader.require(self._sources, {name: range(self._sources[name].schema.arity)})

    def _decoded(self, schema: TableSchema) -> list[Row]:
        stored = self._layout[schema.name]
        if not stored.columns:
            return [()] * len(self._connection.fetch(f"SELECT * FROM {stored.name}"))
        names = ", ".join(column.name for column in stored.columns)
        rows = self._connection.fetch(f"SELECT {names} FROM {stored.name}")
        columns = list(zip(*rows, strict=True))
        made = [
            _values(values, each.kind, column)
            for values, each, column in zip(columns, stored.columns, schema.columns, strict=False)
        ]
        return list(zip(*made, strict=True))


def duckdb_answers(
    program: Program,
    tables: Mapping[str, TableData],
    *,
    clock: str,
    max_rounds: int,
    memory: int | None = None,
    threads: int | None = None,
) -> SqlAnswers:
    """The answers of DuckDB, nothing loaded or evaluated yet.

    `clock` is what `now` gives, `memory` in bytes is what DuckDB may take before it writes to disk. Raises
    EvaluationError if DuckDB is not installed.
    """
    return SqlAnswers(program, tables, DuckDbConnection(clock, memory, threads), max_rounds=max_rounds)


def postgresql_answers(
    program: Program, tables: Mapping[str, TableData], address: str, *, clock: str, max_rounds: int
) -> SqlAnswers:
    """The answers of a PostgreSQL server at `address`, nothing loaded or evaluated yet.

    Raises EvaluationError if psycopg is not installed or the server does not answer.
    """
    return SqlAnswers(program, tables, PostgreSqlConnection(address, clock), max_rounds=max_rounds)


def _schema(plan: RulePlan, tables: Mapping[str, TableSchema]) -> TableSchema:
    name = plan.rule.table
    unknown = TableSchema(name, tuple(Column(f"c{place + 1}") for place in range(len(plan.rule.head))))
    return tables.get(name, unknown)


def _values(values: Sequence[Any], kind: Kind, column: Column) -> list[Scalar]:
    """A column as the language has it; a column of floats has floats, though 2.0 is kept as 2."""
    if kind is not Kind.VALUE:
        return list(values)
    decoded = [decode(text) for text in values]
    return list(map(as_float, decoded)) if column.type is Type.FLOAT else decoded
