"""The SQL of PostgreSQL, run by a real one: equal answers, or a refusal that names the rule and the builtin."""

from __future__ import annotations

import math
import os
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given

from congresslite.diagnostics import EvaluationError
from congresslite.engine.sql.connection import Connection
from congresslite.engine.sql.postgres import PostgreSqlConnection
from congresslite.language.aggregates import fold
from congresslite.language.builtins import BUILTINS
from congresslite.language.semantics import Skip, calculate
from congresslite.language.semantics import compare as compare_values
from congresslite.language.syntax import AggregateFunction, ArithmeticOperator
from congresslite.plan.sql import POSTGRESQL
from congresslite.plan.sql.kinds import Kind, Term, decode, encode
from congresslite.plan.sql.rules import fold as printed_fold
from congresslite.plan.sql.terms import Terms
from congresslite.schema import Row, Scalar, Type, canonical, identity
from tests.engine.columnar import CLOCK, as_set, table
from tests.engine.databases import LONG, SHORT, Evaluate, compare, compare_golden, evaluator, run
from tests.engine.strategies import Case, cases
from tests.engine.test_programs import NAMES, golden

USER = os.environ.get("PGUSER", "postgres")
ADDRESS = os.environ.get("DATABASE_URL") or f"postgresql://{USER}@127.0.0.1:5432/test"
A, T = table("s:a", x=Type.ANY), table("s:t", x=Type.STR)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A schema of its own on the server. Without a server there is nothing to test, but in CI there is one."""
    try:
        made = PostgreSqlConnection(f"{ADDRESS}?connect_timeout=3", CLOCK)
    except EvaluationError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no PostgreSQL at {ADDRESS}: {error.diagnostics[0].message}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def evaluate(connection: Connection) -> Evaluate:
    """Evaluates programs in that schema."""
    return evaluator(connection)


@pytest.mark.parametrize("name", NAMES)
def test_golden(evaluate: Evaluate, name: str) -> None:
    """Golden programs have the rows and answers that stand beside them, but for what cannot be said."""
    case = golden(name)
    try:
        compare_golden(case, evaluate)
    except EvaluationError as error:
        assert {each.code for each in error.diagnostics} == {"CL520"}
        assert name == "builtins"


@SHORT
@given(case=cases())
def test_agrees(evaluate: Evaluate, case: Case) -> None:
    """PostgreSQL gives what the language's description, read literally, gives, or refuses."""
    compare(case, evaluate)


@pytest.mark.long
@LONG
@given(case=cases())
def test_agrees_at_length(evaluate: Evaluate, case: Case) -> None:
    """As the test above, on hundreds of policies that differ from run to run."""
    compare(case, evaluate)


# The functions that printed SQL calls, on values at their limits


FLOATS = (0.1, -2.5, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**63, -(2.0**63) * 1.5, 1e-5, 1e300)
INTEGERS = (0, 1, -1, 2, 3, 7, -7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
OTHERS = (None, True, False, "", "a", "B", "é", "1")


def numbers(seed: random.Random) -> Scalar:
    """A number, often at a limit, or one of any bits."""
    choice = seed.random()
    if choice < 0.4:
        return seed.choice(INTEGERS)
    if choice < 0.6:
        return canonical(seed.choice(FLOATS))
    if choice < 0.7:
        return seed.randint(-(2**63), 2**63 - 1)
    (bits,) = struct.unpack("d", struct.pack("Q", seed.getrandbits(64)))
    return canonical(bits if math.isfinite(bits) else 0.5)


def values(seed: random.Random) -> Scalar:
    """Mostly a number."""
    return seed.choice(OTHERS) if seed.random() < 0.15 else numbers(seed)


def or_none(operation: Callable[[], Scalar]) -> Scalar:
    """A result, or None where it holds neither way."""
    try:
        return operation()
    except Skip:
        return None


def computed(connection: Connection, sql: str, rows: Sequence[Sequence[Scalar]]) -> list[Any]:
    """What an expression over the columns `a` and `b` gives for rows of values."""
    terms = Terms(POSTGRESQL)
    literals = [", ".join(POSTGRESQL.settled(terms.text(encode(each))) for each in row) for row in rows]
    given = ", ".join(f"({place}, {literal})" for place, literal in enumerate(literals))
    found = connection.fetch(f"SELECT {sql} FROM (VALUES {given}) AS v(place, a, b) ORDER BY place")
    return [each for (each,) in found]


OPERATORS: dict[ArithmeticOperator, str] = {
    "+": "value_add",
    "-": "value_subtract",
    "*": "value_multiply",
    "/": "value_divide",
    "%": "value_modulo",
}


@pytest.mark.parametrize(("operator", "function"), OPERATORS.items(), ids=OPERATORS.values())
def test_arithmetic(connection: Connection, operator: ArithmeticOperator, function: str) -> None:
    """Arithmetic on values of all kinds is the language's, at the limits of integers and floats too."""
    seed = random.Random(function)
    rows = [(values(seed), values(seed)) for _ in range(2_000)]
    found = computed(connection, f"{function}(a, b)", rows)
    for (left, right), text in zip(rows, found, strict=True):
        expected = or_none(lambda: calculate(operator, left, right))  # noqa: B023 - called at once
        assert (None if text is None else decode(text)) == expected, (left, right)


def test_order(connection: Connection) -> None:
    """Order is that of exact values, and of code points."""
    seed = random.Random(1)
    rows = [(values(seed), values(seed)) for _ in range(2_000)]
    for (left, right), less in zip(rows, computed(connection, "value_less(a, b)", rows), strict=True):
        assert less == or_none(lambda: compare_values("<", left, right)), (left, right)  # noqa: B023


@pytest.mark.parametrize("name", ["div", "max"])
def test_builtins(connection: Connection, name: str) -> None:
    """A builtin on values of all kinds is the language's."""
    seed = random.Random(name)
    rows = [(values(seed), values(seed)) for _ in range(2_000)]
    for row, text in zip(rows, computed(connection, f"builtin_{name}(a, b)", rows), strict=True):
        expected = or_none(lambda: BUILTINS[name].rows(row, CLOCK)[0][0])  # noqa: B023
        assert (None if text is None else decode(text)) == expected, row


@pytest.mark.parametrize("function", ["count", "count_distinct", "sum", "avg", "min", "max"])
def test_folds(connection: Connection, function: AggregateFunction) -> None:
    """Aggregates of values of all kinds are the language's: sums are exact and rounded once."""
    seed = random.Random(function)
    term = printed_fold(function, Term("v.b", Kind.VALUE), Terms(POSTGRESQL))
    makers = (numbers, numbers, values, lambda seed: seed.choice(("a", "B", "é", "", None)))
    groups = [[maker(seed) for _ in range(seed.randint(1, 6))] for maker in makers for _ in range(200)]
    terms = Terms(POSTGRESQL)
    given = ", ".join(
        f"({place}, {POSTGRESQL.settled(terms.text(encode(each)))})"
        for place, group in enumerate(groups)
        for each in group
    )
    sql = f"SELECT {term.sql} FROM (VALUES {given}) AS v(a, b) GROUP BY a ORDER BY a"
    for group, (found,) in zip(groups, connection.fetch(sql), strict=True):
        expected = fold(function, group).value
        made = decode(found) if isinstance(found, str) else found
        assert identity(made) == identity(expected), group


SPLITS: list[tuple[str, str]] = [("a b", " "), ("", " "), (" ", " "), ("abab", "ab"), ("a", "b"), ("a", "")]


def test_split(evaluate: Evaluate) -> None:
    """A text is taken apart as by the language, an empty one too; an empty separator holds neither way."""
    pairs = table("s:pairs", x=Type.STR, y=Type.STR)
    text = "r(x, y, i, z) :- s:pairs(x, y), split(x, y, i, z). n(x, y) :- s:pairs(x, y), not split(x, y, 2, _)."
    answers = run(evaluate, text, {pairs: list(SPLITS)})
    expected = {(x, y, i, z) for x, y in SPLITS if y for i, z in enumerate(x.split(y), start=1)}
    assert as_set(answers.rows("p:r")) == expected
    assert as_set(answers.rows("p:n")) == {(x, y) for x, y in SPLITS if y and len(x.split(y)) < 2}


REFUSED: dict[str, tuple[str, list[Row], str]] = {
    "a builtin": ('r(x) :- s:a(x), matches(x, "a").', [], "`matches`"),
    "a number in a text": ("r(y) :- s:a(x), int(x, y).", [], "`int`"),
    "a null character in a rule": ('r(x) :- s:a(x), x != "\\x00".', [], "text"),
    "a null character in a row": ("r(x) :- s:a(x).", [("\0",)], "text"),
}


@pytest.mark.parametrize(("text", "rows", "told"), REFUSED.values(), ids=REFUSED)
def test_refused(evaluate: Evaluate, text: str, rows: list[Row], told: str) -> None:
    """What cannot be said exactly is refused, with a finding that says what it is."""
    with pytest.raises(EvaluationError) as caught:
        run(evaluate, text, {A: rows})
    (found,) = caught.value.diagnostics
    assert found.code == "CL520"
    assert told in found.message


def test_all_refusals_at_once(evaluate: Evaluate) -> None:
    """Every rule that cannot be said is told in one run."""
    with pytest.raises(EvaluationError) as caught:
        run(evaluate, "r(y) :- s:t(x), upper(x, y).\nq(y) :- s:t(x), lower(x, y).", {T: []})
    assert [str(each.span) for each in caught.value.diagnostics] == ["p.dl:1:17", "p.dl:2:17"]


def test_same_statement_of_another_table(evaluate: Evaluate) -> None:
    """A statement that comes again may read a table of other types: the client keeps no plan of it."""
    for _ in range(8):
        assert run(evaluate, "r(1).").rows("p:r") == [(1,)]
    assert run(evaluate, 'r("a").').rows("p:r") == [("a",)]


def test_nothing_is_left(connection: Connection) -> None:
    """An evaluation that is closed leaves no schema behind."""
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'congresslite%'"
    before = connection.fetch(schemas)
    PostgreSqlConnection(ADDRESS, CLOCK).close()
    assert connection.fetch(schemas) == before


def test_no_server() -> None:
    """A server that does not answer is a finding."""
    with pytest.raises(EvaluationError) as caught:
        PostgreSqlConnection("postgresql://nobody@127.0.0.1:1/test", CLOCK)
    assert caught.value.diagnostics[0].code == "CL522"
