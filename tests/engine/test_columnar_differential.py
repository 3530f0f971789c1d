"""Random policies on the columnar engine and the naive evaluator: all answers must be equal, at every chunk size."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from naive import evaluate_naively
from strategies import CATALOG, Case, cases

from congresslite.diagnostics import Source
from congresslite.engine import evaluate, steps
from congresslite.language.check import check_sources
from congresslite.language.program import Program
from congresslite.schema import RowsTable, identity

CLOCK = "2026-03-01 08:30:00"
COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
}
SHORT = settings(max_examples=400, derandomize=True, database=None, **COMMON)
LONG = settings(max_examples=10_000, print_blob=True, **COMMON)


def program_of(case: Case) -> Program:
    checked = check_sources([Source("p.dl", case.text)], CATALOG)
    assume(checked.program is not None)
    assert checked.program is not None
    return checked.program


def key(row):
    return tuple(identity(value) for value in row)


def compare_columnar(case):
    """Every derived table has the same rows in both engines, and the columnar one has each of them once."""
    program = program_of(case)
    expected = evaluate_naively(program, case.tables, CLOCK)
    tables = {name: RowsTable(schema, case.tables.get(name, ())) for name, schema in program.base.items()}
    database = evaluate(program, tables, clock=CLOCK)
    for name in program.tables:
        rows = database.rows(name)
        assert {key(row) for row in rows} == expected[name], (name, case)
        assert len(rows) == len(expected[name]) == database.count(name), (name, case)


@SHORT
@given(case=cases())
def test_columnar_agrees(case):
    """The columnar engine gives the rows that the naive evaluator gives."""
    compare_columnar(case)


@pytest.mark.parametrize("chunk", [1, 3])
@settings(SHORT, max_examples=150)
@given(case=cases())
def test_chunks_do_not_matter(case, chunk):
    """However few bindings are made at a time, the answers are the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "CHUNK", chunk)
        compare_columnar(case)


@pytest.mark.long
@LONG
@given(case=cases())
def test_columnar_agrees_at_length(case):
    """As above, ten thousand times."""
    compare_columnar(case)
