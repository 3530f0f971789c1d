"""What tests of the database engines share: one connection for many programs, and answers held to the naive ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hypothesis import assume, event

from congresslite.diagnostics import EvaluationError, Source
from congresslite.engine.sql import SqlAnswers
from congresslite.engine.sql.connection import Connection
from congresslite.language.check import check_query, check_sources
from congresslite.language.parser import parse_query
from congresslite.language.program import Program
from congresslite.schema import Catalog, Row, RowsTable, TableData, TableSchema
from tests.engine.columnar import CLOCK, as_set, checked
from tests.engine.naive import evaluate_naively
from tests.engine.strategies import CATALOG, Case
from tests.engine.test_programs import Golden, distinct
from tests.examples import HISTORIES, few, many

ROUNDS = 1_000
SHORT = few(60, suppress_health_check=HISTORIES)
LONG = many(800, suppress_health_check=HISTORIES)

Evaluate = Callable[[Program, Mapping[str, TableData]], SqlAnswers]


def evaluator(connection: Connection) -> Evaluate:
    """Evaluates programs, one after the other, in one database that is emptied before each."""

    def evaluate(program: Program, tables: Mapping[str, TableData]) -> SqlAnswers:
        present = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        for (name,) in connection.fetch(present):
            quoted = str(name).replace('"', '""')
            connection.execute(f'DROP TABLE "{quoted}"')
        answers = SqlAnswers(program, tables, connection, max_rounds=ROUNDS)
        answers.load()
        answers.evaluate()
        return answers

    return evaluate


def run(evaluate: Evaluate, text: str, tables: Mapping[TableSchema, Sequence[Row]] | None = None) -> SqlAnswers:
    """A policy `p` evaluated over tables."""
    given = {schema.name: RowsTable(schema, rows) for schema, rows in (tables or {}).items()}
    return evaluate(checked(text, tables or ()), given)


def ask(answers: SqlAnswers, program: Program, text: str, schemas: Iterable[TableSchema]) -> list[Row]:
    """The answer to a query."""
    source = Source("query", text)
    body, _ = parse_query(source)
    assert body is not None
    asked = check_query(body, source, program, Catalog.of(schemas))
    assert asked.rules, asked.diagnostics
    return answers.query(asked.rules, asked.tables)


def compare(case: Case, evaluate: Evaluate) -> None:
    """A random policy: every table as the naive evaluator has it, or refused for a builtin that cannot be said."""
    found = check_sources([Source("p.dl", case.text)], CATALOG)
    assume(found.program is not None)
    program = found.program
    assert program is not None
    expected = evaluate_naively(program, case.tables, CLOCK)
    tables = {name: RowsTable(schema, case.tables.get(name, ())) for name, schema in program.base.items()}
    try:
        answers = evaluate(program, tables)
    except EvaluationError as error:
        assert {each.code for each in error.diagnostics} == {"CL520"}
        event("refused")
        return
    for name in program.tables:
        rows = answers.rows(name)
        assert as_set(rows) == expected[name], name
        assert answers.count(name) == len(rows), name


def compare_golden(case: Golden, evaluate: Evaluate) -> None:
    """A golden program: its tables, its queries in any order, and whole base tables before and after them."""
    answers = evaluate(case.program, case.tables())
    for table, rows in case.expected.items():
        assert as_set(answers.rows(table)) == as_set(rows), table
        assert answers.count(table) == len(rows), table
    for text, rows in [*case.queries, *reversed(case.queries)]:
        asked = case.asked(text)
        assert as_set(answers.query(asked.rules, asked.tables)) == as_set(rows), text
    for table, rows in case.rows.items():
        assert answers.count(table) == len(distinct(rows)), table
        assert as_set(answers.rows(table)) == as_set(distinct(rows)), table
    for table, rows in case.expected.items():
        assert as_set(answers.rows(table)) == as_set(rows), "queries change nothing"
