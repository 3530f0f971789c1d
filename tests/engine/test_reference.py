"""The reference engine: what it answers where pyDatalog alone would not, and what it says when it cannot."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from congresslite.diagnostics import EvaluationError, Source
from congresslite.engine.reference import ReferenceProcess, evaluate_reference
from congresslite.language.check import check_sources
from congresslite.language.program import Program
from congresslite.schema import Row, identity
from tests.engine.naive import evaluate_naively
from tests.engine.strategies import CATALOG

CLOCK = "2026-03-01 08:30:00"


@pytest.fixture(scope="module")
def reference() -> Iterator[ReferenceProcess]:
    """One process for all tests of this file."""
    with ReferenceProcess() as process:
        yield process


def program_of(text: str) -> Program:
    """The checked program of a policy named `p`."""
    checked = check_sources([Source("p.dl", text)], CATALOG)
    assert checked.program is not None, checked.diagnostics
    return checked.program


def as_set(rows: Iterable[Row]) -> set[tuple[Any, ...]]:
    """Rows that compare as the language compares them."""
    return {tuple(identity(value) for value in row) for row in rows}


Q = {"s:q": [(1, True), (1.0, 1), ("True", None), (None, 2), (1.5, "a")]}
EDGES = {"s:e": [(1, 2), (2, 3), (3, 1), (3, 4), (5, 6)]}


@pytest.mark.parametrize(
    ("text", "tables", "expected"),
    [
        pytest.param("t(y) :- s:q(1, y).", Q, [(True,), (1,)], id="1 and 1.0 are one, true is another"),
        pytest.param("t(x) :- s:q(x, y), y = 1.", Q, [(1,)], id="true is not 1"),
        pytest.param("t(x) :- s:q(x, null).", Q, [("True",)], id="a string that reads like a value"),
        pytest.param("t(x, y) :- s:q(x, y), x < 2.", Q, [(1, True), (1, 1), (1.5, "a")], id="null is not ordered"),
        pytest.param("t(x) :- s:q(x, _), not x < 2.", Q, [], id="nor is it under a negation"),
        pytest.param("t(z) :- s:q(x, _), z = x + 1.", Q, [(2,), (2.5,)], id="null + 1 is no row"),
        pytest.param("t(x) :- s:q(x, _), not s:q(_, x).", Q, [("True",), (1.5,)], id="each `_` is its own"),
        pytest.param("t(x, z) :- s:e(x, y), s:e(y, z).", EDGES, [(1, 3), (2, 1), (2, 4), (3, 2)], id="a self-join"),
        pytest.param(
            "t(x, y) :- s:e(x, y). t(x, z) :- t(x, y), t(y, z).",
            {"s:e": [(1, 2), (2, 3)]},
            [(1, 2), (2, 3), (1, 3)],
            id="non-linear recursion",
        ),
        pytest.param(
            "t(x) :- s:e(x, _), not r(x). r(x) :- s:e(x, y), s:e(y, x). r(x) :- r(y), s:e(y, x).",
            {"s:e": [(1, 2), (2, 1), (2, 3), (3, 3), (4, 4), (5, 1)]},
            [(5,)],
            id="negation of a recursive table",
        ),
        pytest.param("t(x) :- not s:e(x, _), x = y + 1, s:e(y, _), x > 2.", EDGES, [(4,), (6,)], id="any order"),
        pytest.param("t() :- s:e(1, _). t() :- s:e(9, _).", EDGES, [()], id="no columns"),
        pytest.param("t(x) :- u(), s:e(x, _). u() :- s:e(9, _).", EDGES, [], id="no columns and no row"),
        pytest.param("t(1). t(y) :- t(x), x < 4, y = x + 1.", {}, [(1,), (2,), (3,), (4,)], id="facts, arithmetic"),
        pytest.param("t(x) :- s:e(x, y), (y = 2) or (s:e(y, 1)).", EDGES, [(1,), (2,)], id="disjunction"),
        pytest.param("t(x, count(y)) :- s:e(x, y).", EDGES, [(1, 1), (2, 1), (3, 2), (5, 1)], id="count"),
        pytest.param("t(sum(x)) :- s:e(x, _).", EDGES, [(14,)], id="a sum over all bindings, `_` included"),
        pytest.param("t(max(x)) :- s:e(x, _), x > 9.", EDGES, [], id="an empty group has no row"),
        pytest.param(
            "t(count(x)) :- s:e(x, y), (y = 2) or (s:e(y, z)).", EDGES, [(5,)], id="bindings of several branches"
        ),
        pytest.param(
            "t(i, w) :- s:f(x, _), split(x, ' ', i, w).", {"s:f": [("a b", True)]}, [(1, "a"), (2, "b")], id="split"
        ),
        pytest.param(
            "t(x) :- s:f(x, _), not len(x, 1).",
            {"s:f": [("ab", None), ("a", None), (None, True)]},
            [("ab",)],
            id="a negated builtin",
        ),
        pytest.param("t(x) :- now(x).", {}, [(CLOCK,)], id="the clock of the evaluation"),
        pytest.param(
            "t(x) :- s:q(x, _), x != '__import__(\"os\")'.",
            {"s:q": [("__import__('os').abort()", 1)]},
            [("__import__('os').abort()",)],
            id="text is never executed",
        ),
    ],
)
def test_answers(reference, text, tables, expected):
    """PyDatalog gives the language's answer, once values and aggregates are taken care of; so does the naive one."""
    program = program_of(text)
    found = reference.evaluate(program, tables, timeout_s=30, clock=CLOCK)
    assert as_set(found["p:t"]) == as_set(expected)
    assert len(found["p:t"]) == len(expected)
    assert evaluate_naively(program, tables, CLOCK)["p:t"] == as_set(expected)


def test_no_verdict_in_time(reference):
    """An evaluation that takes too long is no verdict, never an empty table, and the next one works."""
    program = program_of("t(x) :- s:e(x, _).")
    with pytest.raises(EvaluationError) as caught:
        reference.evaluate(program, EDGES, timeout_s=0, clock=CLOCK)
    assert [each.code for each in caught.value.diagnostics] == ["CL510"]
    assert len(reference.evaluate(program, EDGES, timeout_s=30, clock=CLOCK)["p:t"]) == 4


def test_a_process_that_dies_is_told(reference, monkeypatch):
    """A process that ends without an answer is an error of its own, and the next evaluation works."""
    program = program_of("t(x) :- s:e(x, _).")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with ReferenceProcess() as broken, pytest.raises(EvaluationError) as caught:
        broken.evaluate(program, EDGES, timeout_s=30, clock=CLOCK)
    assert [each.code for each in caught.value.diagnostics] == ["CL512"]


def test_without_pydatalog(monkeypatch):
    """Who has not installed pyDatalog is told what to install."""
    monkeypatch.setattr("congresslite.engine.reference.process.find_spec", lambda _: None)
    with pytest.raises(EvaluationError, match=r"pip install 'congresslite\[reference\]'") as caught:
        evaluate_reference(program_of("t(x) :- s:e(x, _)."), EDGES, timeout_s=30, clock=CLOCK)
    assert [each.code for each in caught.value.diagnostics] == ["CL511"]


def test_one_evaluation():
    """A single evaluation starts its process and leaves none behind."""
    found = evaluate_reference(program_of("t(x) :- s:e(x, 2)."), EDGES, timeout_s=30, clock=CLOCK)
    assert found["p:t"] == [(1,)]
