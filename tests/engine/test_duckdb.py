"""The DuckDB engine: a second opinion on every program, and what it does where DuckDB alone would do something else."""

from __future__ import annotations

import builtins
import gc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from congresslite.diagnostics import EvaluationError
from congresslite.engine.sql import duckdb_answers
from congresslite.engine.sql.duck import DuckDbConnection
from congresslite.language.builtins import BUILTINS
from congresslite.schema import Row, RowsTable, TableSchema, Type
from tests.engine.columnar import CLOCK, as_set, checked, table
from tests.engine.databases import LONG, SHORT, Evaluate, ask, compare, compare_golden, evaluator, run
from tests.engine.strategies import Case, cases
from tests.engine.test_programs import NAMES, golden

A = table("s:a", x=Type.ANY)
E = table("s:e", x=Type.INT, y=Type.INT)
F = table("s:f", x=Type.FLOAT)
T = table("s:t", x=Type.STR)
BIG, LEAST = 2**53 + 1, -(2**63)


@pytest.fixture(scope="module")
def evaluate() -> Iterator[Evaluate]:
    """One database for all programs of the module: what a program makes is dropped before the next."""
    connection = DuckDbConnection(CLOCK, threads=1)
    yield evaluator(connection)
    connection.close()


@pytest.mark.parametrize("name", NAMES)
def test_golden(evaluate: Evaluate, name: str) -> None:
    """Golden programs have the rows and answers that stand beside them."""
    compare_golden(golden(name), evaluate)


@SHORT
@given(case=cases())
def test_agrees(evaluate: Evaluate, case: Case) -> None:
    """DuckDB gives what the language's description, read literally, gives; it refuses nothing."""
    compare(case, evaluate)


@pytest.mark.long
@LONG
@given(case=cases())
def test_agrees_at_length(evaluate: Evaluate, case: Case) -> None:
    """As the test above, on hundreds of policies that differ from run to run."""
    compare(case, evaluate)


# What the random policies hit seldom: rules, tables, and the rows of `p:r`.
VALUES: dict[str, tuple[str, Mapping[Any, list[Row]], list[Row]]] = {
    "no float is an integer that it rounds to": (
        "r(x) :- s:a(x), s:f(x).",
        {A: [(BIG,), (2**53,)], F: [(float(2**53),)]},
        [(2**53,)],
    ),
    "true is not 1": ("r(x) :- s:a(x), s:e(x, _).", {A: [(True,), (1,)], E: [(1, 1)]}, [(1,)]),
    "null is null": ("r(x) :- s:a(x), s:e(x, _).", {A: [(None,)], E: [(None, 1)]}, [(None,)]),
    "overflow": ("r(z) :- s:e(x, y), z = x * y.", {E: [(2**62, 2), (3, 4), (LEAST, -1)]}, [(12,)]),
    "a quotient rounded once": ("r(z) :- s:e(x, y), z = x / y.", {E: [(BIG, 3)]}, [((2**53 + 1) / 3,)]),
    "a remainder with the divisor's sign": (
        "r(x, z) :- s:e(x, y), z = x % y.",
        {E: [(-7, 3), (7, -3), (6, 3), (1, 0)]},
        [(-7, 2), (7, -2), (6, 0)],
    ),
    "floats that are integers calculate as integers": (
        "r(z) :- s:f(x), z = x * x.",
        {F: [(2.0**30 + 1,), (0.5,), (1e20,), (1e300,)]},
        [((2**30 + 1) ** 2,), (0.25,), (1e20 * 1e20,)],
    ),
    "an exact sum": ("r(sum(x)) :- s:f(x).", {F: [(1e100,), (1.0,), (-1e100,)]}, [(1,)]),
    "ordered by code point": (
        'r(x) :- s:t(x), x < "a".',
        {T: [("Z",), ("a",), ("é",), ("\U0001f600",), ("",)]},
        [("Z",), ("",)],
    ),
    "no text but one with a null character": (
        'r(x, n) :- s:t(x), contains(x, "\\x00"), len(x, n).',
        {T: [("a\0b",), ("ab",)]},
        [("a\0b", 3)],
    ),
    "names that differ in case": ("r(x, X) :- s:e(x, X). R(x) :- r(x, _).", {E: [(1, 2)]}, [(1, 2)]),
    "tables without columns": ("q() :- s:e(1, _). r(x) :- s:e(x, _), q().", {E: [(1, 2)]}, [(1,)]),
}


@pytest.mark.parametrize(("text", "tables", "expected"), VALUES.values(), ids=VALUES)
def test_values(evaluate: Evaluate, text: str, tables: Mapping[Any, list[Row]], expected: list[Row]) -> None:
    """Values are those of the language, also where DuckDB's own are others."""
    assert as_set(run(evaluate, text, tables).rows("p:r")) == as_set(expected)


def test_every_builtin_can_be_called(evaluate: Evaluate) -> None:
    """DuckDB refuses no builtin, positive or negated."""
    rules = []
    for builtin in BUILTINS.values():
        inputs = [f"x{place}" for place in range(len(builtin.inputs))]
        outputs = [f"y{place}" for place in range(len(builtin.outputs))]
        bound = [f"s:a({name})" for name in inputs] or ["s:a(_)"]
        call = f"builtin:{builtin.name}({', '.join([*inputs, *outputs])})"
        no_call = f"not builtin:{builtin.name}({', '.join([*inputs, *('_' for _ in outputs)])})"
        rules.append(f"r.{builtin.name}({', '.join(outputs)}) :- {', '.join([*bound, call])}.")
        rules.append(f"n.{builtin.name}() :- {', '.join([*bound, no_call])}.")
    answers = run(evaluate, "\n".join(rules), {A: [("2026-03-01 08:30:00",)]})
    assert answers.rows("p:r.now") == [(CLOCK,)]
    assert answers.rows("p:r.unpack_time") == [(8, 30, 0)]


def test_float_columns_show_floats(evaluate: Evaluate) -> None:
    """A column of floats is answered in floats, as by the default engine."""
    answers = run(evaluate, "r(x) :- s:f(x).", {F: [(2.0,), (0.5,)]})
    assert sorted(map(repr, answers.rows("p:r"))) == ["(0.5,)", "(2.0,)"]
    assert sorted(map(repr, answers.rows("s:f"))) == ["(0.5,)", "(2.0,)"]


RECURSIONS = {
    "native": "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), s:e(y, z).",
    "twice its own": "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), r(y, z).",
    "two rules": "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), s:e(y, z). r(x, z) :- s:e(x, y), r(y, z).",
    "mutual": "r(x, y) :- s:e(x, y). r(x, z) :- q(x, y), s:e(y, z). q(x, y) :- r(x, y).",
    "with negation below": "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), s:e(y, z), not s:a(z).",
}


@pytest.mark.parametrize("text", RECURSIONS.values(), ids=RECURSIONS)
def test_recursion(evaluate: Evaluate, text: str) -> None:
    """What is reached does not depend on how the recursion is run."""
    edges: list[Row] = [(i, i + 1) for i in range(12)]
    answers = run(evaluate, text, {E: edges, A: []})
    assert as_set(answers.rows("p:r")) == {(x, y) for x in range(13) for y in range(x + 1, 13)}


LARGE = {
    "alternatives": ("r(x) :- " + ", ".join(["(s:e(x, _)) or (s:e(_, x))"] * 7) + ".", [(1,), (2,)]),
    "alternatives that are counted": ("r(count(x)) :- " + ", ".join(["(s:e(x, _)) or (s:e(_, x))"] * 7) + ".", [(2,)]),
    "rules": ("\n".join(f"r(x) :- s:e(x, {number})." for number in range(300)), [(1,)]),
    "a body": ("r(x0) :- " + ", ".join(f"s:e(x{i}, x{i + 1})" for i in range(0, 60, 2)) + ".", [(1,)]),
    "an expression": ("r(y) :- s:e(x, _), y = " + "(1 + x % " * 40 + "3" + ")" * 40 + ".", [(2,)]),
    "values of values": (
        "r(x20) :- s:e(x0, _), " + ", ".join(f"x{i + 1} = x{i} + x{i}" for i in range(20)) + ".",
        [(2**20,)],
    ),
}


@pytest.mark.parametrize(("text", "expected"), LARGE.values(), ids=LARGE)
def test_large_rules(evaluate: Evaluate, text: str, expected: list[Row]) -> None:
    """What is long in a policy does not become something that grows with its square, or faster."""
    assert as_set(run(evaluate, text, {E: [(1, 2)]}).rows("p:r")) == as_set(expected)


def test_endless_recursion(evaluate: Evaluate) -> None:
    """A rule that makes values without end is stopped, with an error that names it."""
    with pytest.raises(EvaluationError) as caught:
        run(evaluate, "c(0).\nc(y) :- c(x), y = x + 1.")
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.span)) == ("CL502", "p.dl:2:1")


def test_queries_read_more(evaluate: Evaluate) -> None:
    """A query may read columns, and whole tables, that no rule reads; the answers stay as they were."""
    tables: dict[TableSchema, list[Row]] = {E: [(1, 2), (1, 3)], T: [("a",)]}
    program = checked("r(x) :- s:e(x, _).", tables)
    answers = evaluate(program, {schema.name: RowsTable(schema, rows) for schema, rows in tables.items()})
    assert as_set(ask(answers, program, "p:r(x), s:e(x, y), y > 2", tables)) == {(1, 3)}
    assert as_set(ask(answers, program, "s:t(x)", tables)) == {("a",)}
    assert answers.rows("p:r") == [(1,)]
    assert answers.skipped() == {}


def test_text_that_is_no_unicode(evaluate: Evaluate) -> None:
    """Half of a surrogate pair, which a JSON file may hold, is refused with a finding."""
    with pytest.raises(EvaluationError) as caught:
        run(evaluate, "r(x) :- s:a(x).", {A: [("\ud800",)]})
    assert [each.code for each in caught.value.diagnostics] == ["CL520"]


def test_error_names_the_rule(evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of DuckDB is a finding at the place of the rule whose statement it was."""
    monkeypatch.setattr("congresslite.plan.sql.terms.Terms.member", lambda *_, **__: "no such thing")
    with pytest.raises(EvaluationError) as caught:
        run(evaluate, "r(x) :- s:a(x), x in [1].", {A: [(1,)]})
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.span)) == ("CL522", "p.dl:1:1")


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DuckDB the error names the extra to install."""
    found = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name == "duckdb":
            raise ImportError(name)
        return found(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EvaluationError, match=r"congresslite\[duckdb\]") as caught:
        duckdb_answers(checked("r(1).", ()), {}, clock=CLOCK, max_rounds=1)
    assert caught.value.diagnostics[0].code == "CL521"


def test_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit in the memory allowed goes to a folder for temporary files, which is gone afterwards."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows: list[Row] = [(i, i + 1) for i in range(200_000)]
    program = checked("r(x, z) :- s:e(x, y), s:e(y, z).", [E])
    answers = duckdb_answers(
        program, {"s:e": RowsTable(E, rows)}, clock=CLOCK, max_rounds=1, memory=1_000_000, threads=1
    )
    answers.load()
    answers.evaluate()
    assert answers.count("p:r") == 199_999
    assert list(tmp_path.iterdir()) != []
    del answers
    gc.collect()
    assert list(tmp_path.iterdir()) == []
