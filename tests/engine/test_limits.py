"""Limits: what would take the machine down is refused in time, with an error that names the rule and its place."""

from __future__ import annotations

import time

import pytest

from congresslite.diagnostics import Diagnostic, EvaluationError, PolicyError
from congresslite.engine import Database, Limits
from congresslite.schema import Row, RowsTable, Type
from tests.engine.columnar import CLOCK, Tables, answer, ask, checked, run, table

LEFT = table("s:left", x=Type.INT, y=Type.INT)
RIGHT = table("s:right", x=Type.INT, y=Type.INT)
LARGE: list[Row] = [(number, number % 7) for number in range(20_000)]
TABLES: Tables = {LEFT: LARGE, RIGHT: LARGE}
MEGABYTE = 1_000_000


def limited(text: str, tables: Tables, memory: int = 1 << 40, rounds: int = 100_000) -> Database:
    """A policy evaluated within limits."""
    given = {schema.name: RowsTable(schema, rows) for schema, rows in tables.items()}
    database = Database(checked(text, tables), given, Limits.of(memory, rounds, CLOCK))
    database.load()
    database.evaluate()
    return database


def refused(text: str, tables: Tables, memory: int = 1 << 40, rounds: int = 100_000) -> Diagnostic:
    """The one error that an evaluation ends with."""
    with pytest.raises(EvaluationError) as error:
        limited(text, tables, memory, rounds)
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.hint
    return diagnostic


PRODUCTS: dict[str, str] = {
    "a product": "t(a, b) :- s:left(a, _), s:right(b, _).",
    "a product that is filtered": "t(a, b) :- s:left(a, _), s:right(b, _), a < b.",
    "a product that is counted": "t(count(a)) :- s:left(a, _), s:right(b, _), a < b.",
    "a product with itself": "t(a, b) :- s:left(a, _), s:left(b, _), a != b.",
    "a join on few values": "t(a, b) :- s:left(a, y), s:right(b, y).",
    "a violation": "error(a, b) :- s:left(a, _), s:right(b, _).",
    "one alternative of two": "t(a, b) :- s:left(a, _), (s:right(b, _), a < b) or (s:right(a, b)).",
    "three tables": "t(a, c) :- s:left(a, _), s:right(b, _), s:left(c, _), a + b < c.",
}


@pytest.mark.parametrize("rule", PRODUCTS.values(), ids=PRODUCTS)
def test_large_products_are_refused_at_once(rule: str) -> None:
    """A rule whose bindings would not fit is refused before they are made, with its policy, its place and a hint."""
    started = time.process_time()
    found = refused(f"ok(1).\n{rule}", TABLES, memory=200 * MEGABYTE)
    assert time.process_time() - started < 5
    assert found.code == "CL501"
    assert "`p`" in found.message
    assert "200 MB" in found.message
    assert found.span is not None
    assert (found.span.line, str(found.span)[:5]) == (2, "p.dl:")


@pytest.mark.parametrize(
    "rule",
    [
        "t(a) :- s:left(a, _), s:right(_, _).",
        "t(a) :- s:left(a, y), s:right(_, y).",
        "t(a) :- s:left(a, _), s:right(b, _), b = 3.",
        "t(a, b) :- s:left(a, y), s:right(a, y), b = a + y.",
        "t() :- s:left(_, y), s:right(_, y).",
    ],
    ids=["a table that only is not empty", "a semi-join", "a product with one row", "a join by key", "no columns"],
)
def test_what_needs_no_product_is_not_refused(rule: str) -> None:
    """A rule that need not make the bindings of a product is evaluated within a small limit."""
    assert limited(rule, TABLES, memory=2 * MEGABYTE).count("p:t") in (1, len(LARGE))


def test_answers_count_against_the_limit() -> None:
    """Rows that are kept are bounded over all rules, and the rule that goes too far is named."""
    text = "\n".join(f"t{number}(a, b) :- s:left(a, b)." for number in range(20))
    assert limited(text, TABLES, memory=20 * MEGABYTE).count("p:t19") == len(LARGE)
    found = refused(text, TABLES, memory=2 * MEGABYTE)
    assert (found.code, found.span is not None and found.span.line > 5) == ("CL501", True)


def test_the_rows_of_a_recursion_count() -> None:
    """A recursion whose answer does not fit is stopped."""
    path: Tables = {LEFT: [(number, number + 1) for number in range(2_000)]}
    text = "reach(a, b) :- s:left(a, b).\nreach(a, c) :- reach(a, b), s:left(b, c)."
    assert refused(text, path, memory=MEGABYTE).code == "CL501"


ENDLESS: dict[str, str] = {
    "counting": "c(0).\nc(y) :- c(x), y = x + 1.",
    "counting down": "c(0).\nc(y) :- c(x), x < 7, y = x - 1.",
    "texts": 'c("").\nc(y) :- c(x), y = x + "a".',
    "a builtin": 'c("").\nc(y) :- c(x), concat(x, "a", y).',
    "through another table": "c(0).\nc(x) :- d(x).\nd(y) :- c(x), y = x + 1.",
    "pairs": "c(0, 1).\nc(y, z) :- c(x, y), z = x + y + 1.",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_endless_recursion_is_stopped(text: str) -> None:
    """A recursion that makes new values without end is stopped after the rounds that are allowed, naming the rule."""
    found = refused(text, {}, rounds=50)
    assert found.code == "CL502"
    assert "50 rounds" in found.message
    assert found.span is not None
    assert found.span.line == len(text.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        'c("").\nc(y) :- c(x), y = x + "aaaaaaaaaaaaaaaaaaaaaaaa".',
        "t(z) :- s:name(a), s:name(b), z = a + b.",
    ],
    ids=["in a recursion", "in a rule"],
)
def test_computed_texts_count(text: str) -> None:
    """What computed texts take counts against the limit, and not only their ids."""
    names: Tables = {table("s:name", n=Type.STR): [(f"{number:0100}",) for number in range(100)]}
    assert refused(text, names, memory=MEGABYTE).code == "CL501"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("c(0).\nc(y) :- c(x), x < 40, y = x + 1.", 41),
        ("c(9223372036854775800).\nc(y) :- c(x), y = x + 1.", 8),
        ("c(1).\nc(y) :- c(x), y = x / 2, y > 0.0000001.", 24),
        ("c(0).\nc(y) :- c(x), y = (x + 1) % 30.", 30),
    ],
    ids=["a bound", "the end of 64 bits", "halving", "a cycle"],
)
def test_recursion_that_ends_is_not_stopped(text: str, rows: int) -> None:
    """A recursion through arithmetic that comes to an end within the rounds gives all its values."""
    assert limited(text, {}, rounds=50).count("p:c") == rows


def test_long_recursions_without_new_values_are_not_stopped() -> None:
    """Rounds that find no new values are not counted: a path may be as long as it is."""
    path: Tables = {LEFT: [(number, number + 1) for number in range(300)]}
    text = "r(x) :- s:left(x, _), x < 1.\nr(y) :- r(x), s:left(x, y), y != x."
    assert limited(text, path, rounds=50).count("p:r") == 301


def test_too_many_alternatives() -> None:
    """Alternatives that multiply beyond all bounds are refused before anything is read, naming the rule."""
    either = ", ".join(f"(x = {number}) or (y = {number})" for number in range(11))
    text = f"ok(1).\nt(x) :- s:left(x, y), {either}."
    with pytest.raises(PolicyError) as error:
        limited(text, TABLES)
    (found,) = error.value.diagnostics
    assert (found.code, found.span is not None and found.span.line, bool(found.hint)) == ("CL503", 2, True)
    few = ", ".join(f"(x = {number}) or (y = {number})" for number in range(4))
    assert limited(f"t(x) :- s:left(x, y), {few}.", TABLES).count("p:t") >= 0


def test_queries_give_back_what_they_counted() -> None:
    """However often a query is asked, it is answered; and what it skips is not counted against the policy."""
    database = run("ok(1).", {LEFT: LARGE}, memory_limit=2 * MEGABYTE)
    for _ in range(30):
        assert len(ask(database, "s:left(x, y), z = x / y, x < 10000", [LEFT])) == len(
            [x for x, y in LARGE[:10_000] if y]
        )
    assert database.skipped() == {}
    with pytest.raises(EvaluationError):
        ask(database, "s:left(x, _), s:left(y, _)", [LEFT])
    assert answer(database, "ok") == {(1,)}
