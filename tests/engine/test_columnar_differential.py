"""Random policies on the columnar engine and the naive evaluator: all answers must be equal, at every chunk size."""

import pytest
from hypothesis import assume, given

from congresslite.diagnostics import Source
from congresslite.engine import evaluate, steps
from congresslite.language.check import check_sources
from congresslite.schema import Row, RowsTable, identity
from tests.engine.naive import evaluate_naively
from tests.engine.strategies import CATALOG, Case, cases
from tests.examples import PROGRAMS, few, many

CLOCK = "2026-03-01 08:30:00"
SHORT = few(150, suppress_health_check=PROGRAMS)
LONG = many(2_000, suppress_health_check=PROGRAMS)


def key(row: Row) -> tuple[object, ...]:
    """A row that equals another as the language compares them."""
    return tuple(identity(value) for value in row)


def compare_columnar(case: Case) -> None:
    """Every derived table has the same rows in both engines, and the columnar one has each of them once."""
    program = check_sources([Source("p.dl", case.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    expected = evaluate_naively(program, case.tables, CLOCK)
    tables = {name: RowsTable(schema, case.tables.get(name, ())) for name, schema in program.base.items()}
    database = evaluate(program, tables, clock=CLOCK)
    for name in program.tables:
        rows = database.rows(name)
        assert {key(row) for row in rows} == expected[name], name
        assert len(rows) == len(expected[name]) == database.count(name), name


@SHORT
@given(case=cases())
def test_columnar_agrees(case: Case) -> None:
    """The columnar engine gives the rows that the naive evaluator gives."""
    compare_columnar(case)


@pytest.mark.parametrize("chunk", [1, 3])
@few(50, suppress_health_check=PROGRAMS)
@given(case=cases())
def test_chunks_do_not_matter(case: Case, chunk: int) -> None:
    """However few bindings are made at a time, the answers are the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "CHUNK", chunk)
        compare_columnar(case)


@pytest.mark.long
@LONG
@given(case=cases())
def test_columnar_agrees_at_length(case: Case) -> None:
    """As the first test, on thousands of policies that differ from run to run."""
    compare_columnar(case)
