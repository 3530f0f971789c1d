"""Delta rules, one case for each and for each pitfall: joins, negation, disjunction, comparisons, facts and heads."""

from __future__ import annotations

import pytest

from congresslite.schema import INT_MAX
from tests.engine.turns import WAYS, Case, T, Turn, case, play

JOINS: dict[str, Case] = {
    "a row on one side": case(
        "t(a, c) :- s:e(a, b), s:f(b, c).",
        {"e": [(1, 2), (5, 2)], "f": [(2, 3)]},
        Turn(plus={"f": [(2, 4), (9, 9)]}, came={T: [(1, 4), (5, 4)]}),
        Turn(minus={"e": [(1, 2)]}, went={T: [(1, 3), (1, 4)]}),
    ),
    "rows on both sides that meet only each other": case(
        "t(a, c) :- s:e(a, b), s:f(b, c).",
        {},
        Turn(plus={"e": [(1, 2)], "f": [(2, 3)]}, came={T: [(1, 3)]}),
        Turn(minus={"e": [(1, 2)], "f": [(2, 3)]}, went={T: [(1, 3)]}),
    ),
    "one side comes as the other goes": case(
        "t(a, c) :- s:e(a, b), s:f(b, c).",
        {"e": [(1, 2)]},
        Turn(plus={"f": [(2, 3)]}, minus={"e": [(1, 2)]}),
        Turn(plus={"e": [(1, 2)]}, minus={"f": [(2, 3)]}),
    ),
    "two ways to one row, of which one goes": case(
        "t(a, c) :- s:e(a, b), s:f(b, c).",
        {"e": [(1, 2), (1, 3)], "f": [(2, 9), (3, 9)]},
        Turn(minus={"e": [(1, 2)]}),
        Turn(minus={"f": [(3, 9)]}, went={T: [(1, 9)]}),
        Turn(plus={"e": [(1, 2)]}, came={T: [(1, 9)]}),
    ),
    "one way goes as another comes": case(
        "t(a, c) :- s:e(a, b), s:f(b, c).",
        {"e": [(1, 2)], "f": [(2, 9), (3, 9)]},
        Turn(plus={"e": [(1, 3)]}, minus={"e": [(1, 2)]}),
    ),
    "a column that the rule does not read": case(
        "t(a) :- s:e(a, _).",
        {"e": [(1, 2), (1, 3)]},
        Turn(minus={"e": [(1, 2)]}),
        Turn(plus={"e": [(1, 4)]}, minus={"e": [(1, 3)]}),
        Turn(minus={"e": [(1, 4)]}, went={T: [(1,)]}),
    ),
    "a product": case(
        "t(x, y) :- s:n(x), s:m(y).",
        {"n": [(1,)], "m": [(7,)]},
        Turn(plus={"n": [(2,)], "m": [(8,)]}, came={T: [(1, 8), (2, 7), (2, 8)]}),
        Turn(minus={"n": [(1,)], "m": [(7,)]}, plus={"n": [(3,)]},
             came={T: [(3, 8)]}, went={T: [(1, 7), (1, 8), (2, 7)]}),
    ),
    "constants": case(
        "t(x) :- s:e(1, x). t(x) :- s:e(x, 77), s:n(x).",
        {},
        Turn(plus={"e": [(1, 5), (2, 5), (6, 77), (7, 77)], "n": [(6,)]}, came={T: [(5,), (6,)]}),
        Turn(minus={"e": [(2, 5), (1, 5)]}, went={T: [(5,)]}),
    ),
    "a variable twice in an atom": case(
        "t(x) :- s:e(x, x), s:f(_, x).",
        {"f": [(0, 1), (0, 2)]},
        Turn(plus={"e": [(1, 1), (1, 2), (2, 1)]}, came={T: [(1,)]}),
        Turn(plus={"e": [(2, 2)]}, minus={"f": [(0, 1)]}, came={T: [(2,)]}, went={T: [(1,)]}),
    ),
    "a chain of tables": case(
        "t(a) :- u(a), s:n(a). u(a) :- s:e(a, _). w(a) :- t(a), u(a).",
        {"e": [(1, 1), (1, 2)], "n": [(1,)]},
        Turn(minus={"e": [(1, 1)]}),
        Turn(minus={"e": [(1, 2)]}, went={T: [(1,)], "u": [(1,)], "w": [(1,)]}),
        Turn(plus={"e": [(1, 3)]}, minus={"n": [(1,)]}, came={"u": [(1,)]}),
    ),
    "two rules that give one row": case(
        "t(x) :- s:n(x). t(x) :- s:m(x).",
        {"n": [(1,)], "m": [(1,)]},
        Turn(minus={"n": [(1,)]}),
        Turn(plus={"n": [(2,)], "m": [(2,)]}, minus={"m": [(1,)]}, came={T: [(2,)]}, went={T: [(1,)]}),
    ),
}  # fmt: skip
SELF_JOINS: dict[str, Case] = {
    "both sides change in one batch": case(
        "t(a, c) :- s:e(a, b), s:e(b, c).",
        {"e": [(1, 2)]},
        Turn(plus={"e": [(2, 3), (3, 4)]}, came={T: [(1, 3), (2, 4)]}),
        Turn(plus={"e": [(4, 5)]}, minus={"e": [(2, 3)]}, came={T: [(3, 5)]}, went={T: [(1, 3), (2, 4)]}),
        Turn(minus={"e": [(3, 4), (4, 5), (1, 2)]}, went={T: [(3, 5)]}),
    ),
    "a row that joins with itself": case(
        "t(a, c) :- s:e(a, b), s:e(b, c).",
        {},
        Turn(plus={"e": [(1, 1)]}, came={T: [(1, 1)]}),
        Turn(plus={"e": [(1, 2)]}, came={T: [(1, 2)]}),
        Turn(minus={"e": [(1, 1)]}, went={T: [(1, 1), (1, 2)]}),
    ),
    "a row goes as its partner comes": case(
        "t(a, c) :- s:e(a, b), s:e(b, c).",
        {"e": [(1, 2)]},
        Turn(plus={"e": [(2, 3)]}, minus={"e": [(1, 2)]}),
    ),
    "pairs of one group": case(
        "t(x, y) :- s:e(x, g), s:e(y, g), x < y.",
        {"e": [(1, 0), (2, 0)]},
        Turn(plus={"e": [(3, 0), (4, 0)]}, minus={"e": [(1, 0)]},
             came={T: [(2, 3), (2, 4), (3, 4)]}, went={T: [(1, 2)]}),
        Turn(plus={"e": [(3, 1)]}, minus={"e": [(3, 0)]}, went={T: [(2, 3), (3, 4)]}),
    ),
    "three times": case(
        "t(a, d) :- s:e(a, b), s:e(b, c), s:e(c, d).",
        {"e": [(1, 2), (3, 4)]},
        Turn(plus={"e": [(2, 3)]}, came={T: [(1, 4)]}),
        Turn(plus={"e": [(4, 5), (5, 6), (0, 1)]}, came={T: [(2, 5), (3, 6), (0, 3)]}),
        Turn(minus={"e": [(2, 3), (4, 5), (0, 1)]}, went={T: [(1, 4), (2, 5), (3, 6), (0, 3)]}),
    ),
    "three times, all at once": case(
        "t(a, d) :- s:e(a, b), s:e(b, c), s:e(c, d).",
        {},
        Turn(plus={"e": [(1, 1)]}, came={T: [(1, 1)]}),
        Turn(plus={"e": [(2, 3), (3, 4), (4, 2)]}, came={T: [(2, 2), (3, 3), (4, 4)]}),
        Turn(minus={"e": [(1, 1), (2, 3), (3, 4), (4, 2)]}, went={T: [(1, 1), (2, 2), (3, 3), (4, 4)]}),
    ),
    "the same atom twice": case(
        "t(a) :- s:e(a, b), s:e(a, b).",
        {"e": [(1, 2)]},
        Turn(plus={"e": [(2, 2), (2, 3)]}, minus={"e": [(1, 2)]}, came={T: [(2,)]}, went={T: [(1,)]}),
        Turn(minus={"e": [(2, 2)]}),
    ),
    "of a derived table": case(
        "u(a, b) :- s:e(a, b). u(a, b) :- s:f(a, b). t(a, c) :- u(a, b), u(b, c).",
        {"e": [(1, 2)], "f": [(1, 2)]},
        Turn(plus={"f": [(2, 3)]}, minus={"e": [(1, 2)]}, came={"u": [(2, 3)], T: [(1, 3)]}),
        Turn(minus={"f": [(1, 2)]}, went={"u": [(1, 2)], T: [(1, 3)]}),
    ),
}  # fmt: skip
NEGATIONS: dict[str, Case] = {
    "of a row": case(
        "t(x) :- s:n(x), not s:m(x).",
        {"n": [(1,), (2,)]},
        Turn(plus={"m": [(1,)]}, went={T: [(1,)]}),
        Turn(plus={"m": [(2,)]}, minus={"m": [(1,)]}, came={T: [(1,)]}, went={T: [(2,)]}),
    ),
    "both sides come at once": case(
        "t(x) :- s:n(x), not s:m(x).",
        {},
        Turn(plus={"n": [(1,), (2,)], "m": [(1,)]}, came={T: [(2,)]}),
        Turn(minus={"n": [(1,)], "m": [(1,)]}),
        Turn(plus={"n": [(3,)]}, minus={"n": [(2,)]}, came={T: [(3,)]}, went={T: [(2,)]}),
    ),
    "with `_`: the last of several rows": case(
        "t(x) :- s:n(x), not s:e(x, _).",
        {"n": [(1,)], "e": [(1, 1), (1, 2)]},
        Turn(minus={"e": [(1, 1)]}),
        Turn(plus={"e": [(1, 3)]}, minus={"e": [(1, 2)]}),
        Turn(minus={"e": [(1, 3)]}, came={T: [(1,)]}),
        Turn(plus={"e": [(1, 4), (1, 5)]}, went={T: [(1,)]}),
    ),
    "of a table without any row": case(
        "t(x) :- s:n(x), not s:e(_, _).",
        {"n": [(1,), (2,)]},
        Turn(plus={"e": [(8, 8), (9, 9)]}, went={T: [(1,), (2,)]}),
        Turn(minus={"e": [(8, 8)]}),
        Turn(plus={"n": [(3,)]}, minus={"e": [(9, 9)]}, came={T: [(1,), (2,), (3,)]}),
    ),
    "of what two rules give": case(
        "u(x) :- s:m(x). u(x) :- s:e(x, _). t(x) :- s:n(x), not u(x).",
        {"n": [(1,)], "m": [(1,)], "e": [(1, 1), (1, 2)]},
        Turn(minus={"m": [(1,)], "e": [(1, 1)]}),
        Turn(minus={"e": [(1, 2)]}, came={T: [(1,)]}, went={"u": [(1,)]}),
    ),
    "of the table that is joined": case(
        "t(a, b) :- s:e(a, b), not s:e(b, a).",
        {"e": [(1, 2)]},
        Turn(plus={"e": [(2, 1)]}, went={T: [(1, 2)]}),
        Turn(minus={"e": [(1, 2)]}, came={T: [(2, 1)]}),
        Turn(plus={"e": [(1, 2), (3, 4), (4, 3)]}, went={T: [(2, 1)]}),
    ),
    "with a constant": case(
        "t(x) :- s:n(x), not s:e(x, 7).",
        {"n": [(1,)]},
        Turn(plus={"e": [(1, 6)]}),
        Turn(plus={"e": [(1, 7)]}, went={T: [(1,)]}),
    ),
    "of a variable twice": case(
        "t(x) :- s:n(x), not s:f(x, x).",
        {"n": [(1,)]},
        Turn(plus={"f": [(1, 2), (2, 1)]}),
        Turn(plus={"f": [(1, 1)]}, went={T: [(1,)]}),
    ),
    "double": case(
        "u(x) :- s:n(x), not s:m(x). t(x) :- s:n(x), not u(x).",
        {"n": [(1,)]},
        Turn(plus={"m": [(1,)]}, came={T: [(1,)]}, went={"u": [(1,)]}),
        Turn(plus={"n": [(2,)]}, minus={"n": [(1,)]}, came={"u": [(2,)]}, went={T: [(1,)]}),
    ),
    "of two tables at once": case(
        "t(x) :- s:n(x), not s:m(x), not s:e(x, _).",
        {"n": [(1,)], "m": [(1,)], "e": [(1, 1)]},
        Turn(minus={"m": [(1,)]}),
        Turn(plus={"m": [(1,)]}, minus={"e": [(1, 1)]}),
        Turn(minus={"m": [(1,)]}, came={T: [(1,)]}),
    ),
    "and nothing else": case(
        "t() :- not s:n(1).",
        {},
        Turn(plus={"n": [(1,), (2,)]}, went={T: [()]}),
        Turn(minus={"n": [(1,)]}, came={T: [()]}),
    ),
}
BODIES: dict[str, Case] = {
    "disjunction: both branches hold": case(
        "t(x) :- s:n(x), (s:m(x)) or (s:e(x, _)).",
        {"n": [(1,)], "m": [(1,)], "e": [(1, 5)]},
        Turn(minus={"m": [(1,)]}),
        Turn(plus={"e": [(1, 6)]}, minus={"e": [(1, 5)]}),
        Turn(minus={"e": [(1, 6)]}, went={T: [(1,)]}),
    ),
    "disjunction of one table": case(
        "t(x) :- (s:e(x, _)) or (s:e(_, x)).",
        {},
        Turn(plus={"e": [(1, 2), (2, 3)]}, came={T: [(1,), (2,), (3,)]}),
        Turn(minus={"e": [(1, 2)]}, went={T: [(1,)]}),
    ),
    "disjunction that is counted": case(
        "t(x, count(y)) :- (s:e(x, y)) or (s:f(x, y)).",
        {"e": [(1, 2)], "f": [(1, 2)]},
        Turn(plus={"f": [(1, 3)]}, minus={"e": [(1, 2)]}, came={T: [(1, 2)]}, went={T: [(1, 1)]}),
    ),
    "disjunction with negation": case(
        "t(x) :- s:n(x), (not s:m(x)) or (s:e(x, x)).",
        {"n": [(1,)], "e": [(1, 1)]},
        Turn(plus={"m": [(1,)]}),
        Turn(minus={"e": [(1, 1)]}, went={T: [(1,)]}),
    ),
    "comparison": case(
        "t(x, y) :- s:n(x), s:m(y), x < y.",
        {"n": [(2,)], "m": [(1,)]},
        Turn(plus={"m": [(3,), (2,)]}, came={T: [(2, 3)]}),
        Turn(plus={"n": [(0,)]}, minus={"n": [(2,)]}, came={T: [(0, 1), (0, 2), (0, 3)]}, went={T: [(2, 3)]}),
    ),
    "arithmetic": case(
        "t(z) :- s:e(x, y), z = x + y.",
        {"e": [(1, 2)]},
        Turn(plus={"e": [(2, 1), (INT_MAX, 1)]}),
        Turn(minus={"e": [(1, 2)]}),
        Turn(plus={"e": [(INT_MAX, 0)]}, minus={"e": [(2, 1)]}, came={T: [(INT_MAX,)]}, went={T: [(3,)]}),
    ),
    "arithmetic that finds a row": case(
        "t(x) :- s:n(x), y = x + 1, s:m(y).",
        {"n": [(1,)]},
        Turn(plus={"m": [(2,)]}, came={T: [(1,)]}),
        Turn(plus={"n": [(5,)], "m": [(6,)]}, minus={"m": [(2,)]}, came={T: [(5,)]}, went={T: [(1,)]}),
    ),
    "a comparison that null skips": case(
        "t(x) :- s:n(x), not x < 2.",
        {},
        Turn(plus={"n": [(None,), (3,)]}, came={T: [(3,)]}),
        Turn(minus={"n": [(None,)]}),
    ),
    "a list": case(
        't(x) :- s:a(x), x in [1, "a", null].',
        {},
        Turn(plus={"a": [(1,), (True,), ("a",), (None,), ("b",)]}, came={T: [(1,), ("a",), (None,)]}),
        Turn(minus={"a": [(None,), (True,)]}, went={T: [(None,)]}),
    ),
    "a builtin": case(
        't(i, w) :- s:i(k, _), split(k, " ", i, w).',
        {"i": [("a b", 0)]},
        Turn(plus={"i": [("a c", 0), ("a b", 1)]}, came={T: [(2, "c")]}),
        Turn(minus={"i": [("a b", 0)]}),
        Turn(minus={"i": [("a b", 1)]}, went={T: [(2, "b")]}),
    ),
    "facts and rules of one table": case(
        "t(1). t(2). t(x) :- s:n(x).",
        {"n": [(1,)]},
        Turn(plus={"n": [(3,)]}, minus={"n": [(1,)]}, came={T: [(3,)]}),
        Turn(plus={"n": [(2,)]}, minus={"n": [(3,)]}, went={T: [(3,)]}),
        Turn(minus={"n": [(2,)]}),
    ),
    "a fact beside rows": case(
        "k(1). k(2). t(x) :- k(x), s:n(x).",
        {},
        Turn(plus={"n": [(1,), (3,)]}, came={T: [(1,)]}),
        Turn(plus={"n": [(2,)]}, minus={"n": [(1,)]}, came={T: [(2,)]}, went={T: [(1,)]}),
    ),
    "constants in a head": case(
        't(1, "x", y) :- s:e(_, y). t(1, "x", 5) :- s:n(_).',
        {"e": [(0, 5)]},
        Turn(plus={"n": [(7,), (8,)]}),
        Turn(minus={"e": [(0, 5)]}),
        Turn(minus={"n": [(7,)]}),
        Turn(minus={"n": [(8,)]}, went={T: [(1, "x", 5)]}),
    ),
    "a table without columns": case(
        "t() :- s:n(x), x > 1. u(x) :- s:m(x), t(). w(x) :- s:m(x), not t().",
        {"m": [(7,)]},
        Turn(plus={"n": [(2,), (3,)]}, came={T: [()], "u": [(7,)]}, went={"w": [(7,)]}),
        Turn(minus={"n": [(2,)]}),
        Turn(plus={"m": [(8,)]}, minus={"n": [(3,)]}, came={"w": [(7,), (8,)]}, went={T: [()], "u": [(7,)]}),
    ),
    "a base table without columns": case(
        "t(x) :- s:n(x), s:z(). u(x) :- s:n(x), not s:z().",
        {"n": [(1,)]},
        Turn(plus={"z": [(), ()]}, came={T: [(1,)]}, went={"u": [(1,)]}),
        Turn(minus={"z": [()]}, came={"u": [(1,)]}, went={T: [(1,)]}),
    ),
    "errors of several arities": case(
        "error(x) :- s:n(x). error(x, y) :- s:e(x, y). error() :- s:m(_). error(y) :- s:e(_, y).\nbad(x) :- error(x).",
        {"n": [(1,)]},
        Turn(plus={"e": [(7, 1)], "m": [(1,), (2,)]}, came={"error": [(7, 1), (1,), ()]}),
        Turn(minus={"n": [(1,)], "m": [(1,)]}, went={"error": [(1,)]}),
        Turn(minus={"e": [(7, 1)], "m": [(2,)]}, went={"error": [(7, 1), (1,), ()], "bad": [(1,)]}),
    ),
}
CASES = {
    f"{kind}: {name}": each
    for kind, cases in {"join": JOINS, "self-join": SELF_JOINS, "negation": NEGATIONS, "body": BODIES}.items()
    for name, each in cases.items()
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_follows(case: Case, way: str) -> None:
    """What comes and goes in each derived table is exactly what follows from the batch."""
    play(case, way)
