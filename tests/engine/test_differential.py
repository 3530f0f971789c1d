"""Random policies, each given to engines and checks that share as little as possible: none may contradict another."""

from collections.abc import Iterable, Iterator, Mapping

import pytest
from hypothesis import assume, event, given

from congresslite.diagnostics import Diagnostic, EvaluationError, Source
from congresslite.engine import evaluate
from congresslite.engine.reference import ReferenceProcess
from congresslite.language.check import check_sources
from congresslite.language.program import Program
from congresslite.schema import Row, RowsTable, identity
from tests.engine.naive import Tables, evaluate_naively, solve
from tests.engine.strategies import CATALOG, Case, cases
from tests.examples import PROGRAMS, few, many

CLOCK = "2026-03-01 08:30:00"
SHORT = few(100, suppress_health_check=PROGRAMS)
LONG = many(1_000, suppress_health_check=PROGRAMS)


@pytest.fixture(scope="module")
def reference() -> Iterator[ReferenceProcess]:
    """One process for all policies; it starts anew after one that had no verdict."""
    with ReferenceProcess() as process:
        yield process


def checked(case: Case) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The checked program and its warnings; nobody can differ on a policy that does not pass the checks."""
    found = check_sources([Source("p.dl", case.text)], CATALOG)
    assume(found.program is not None)
    assert found.program is not None
    return found.program, found.diagnostics


def as_sets(tables: Mapping[str, Iterable[Row]]) -> Tables:
    """Tables that compare as the language compares them."""
    return {name: {tuple(identity(value) for value in row) for row in rows} for name, rows in tables.items()}


def compare_reference(reference: ReferenceProcess, case: Case) -> None:
    """Both engines and the naive evaluator; no verdict in time is counted, but is no agreement."""
    program, _ = checked(case)
    expected = evaluate_naively(program, case.tables, CLOCK)
    tables = {name: RowsTable(schema, case.tables.get(name, ())) for name, schema in program.base.items()}
    database = evaluate(program, tables, clock=CLOCK)
    assert as_sets({name: database.rows(name) for name in program.tables}) == expected
    try:
        found = reference.evaluate(program, case.tables, timeout_s=3, clock=CLOCK)
    except EvaluationError as error:
        assert [each.code for each in error.diagnostics] == ["CL510"]
        event("no verdict")
        return
    assert as_sets(found) == expected


def confirm_contradictions(case: Case) -> None:
    """What the checks say can never fire has no binding in the naive evaluator."""
    program, diagnostics = checked(case)
    base: Tables = {name: set() for name in program.base}
    tables = base | as_sets(case.tables) | evaluate_naively(program, case.tables, CLOCK)
    for span in [each.span for each in diagnostics if each.code == "CL242" and "this rule" in each.message]:
        for rule in program.rules:
            if span is not None and rule.span.start <= span.start and span.end <= rule.span.end:
                event("a rule that can never fire")
                assert not list(solve(list(rule.body), {}, tables, CLOCK))


@SHORT
@given(case=cases())
def test_reference_agrees(reference: ReferenceProcess, case: Case) -> None:
    """Both engines give what the language's description, read literally, gives; the reference engine or no verdict."""
    compare_reference(reference, case)


@SHORT
@given(case=cases())
def test_what_can_never_fire_never_fires(case: Case) -> None:
    """A rule that the checks say can never fire never fires."""
    confirm_contradictions(case)


@pytest.mark.long
@LONG
@given(case=cases())
def test_all_agree_at_length(reference: ReferenceProcess, case: Case) -> None:
    """As the tests above, on a thousand policies that differ from run to run."""
    compare_reference(reference, case)
    confirm_contradictions(case)
