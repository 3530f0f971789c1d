"""Aggregates kept current: groups that change, vanish and come back, exact to the last bit."""

from __future__ import annotations

import pytest

from congresslite.schema import INT_MAX, INT_MIN
from tests.engine.turns import WAYS, Case, T, Turn, case, play

CASES: dict[str, Case] = {
    "sum": case(
        "t(a, sum(b)) :- s:e(a, b).",
        {"e": [(1, 2), (1, 3), (2, 5)]},
        Turn(plus={"e": [(1, 4)]}, came={T: [(1, 9)]}, went={T: [(1, 5)]}),
        Turn(plus={"e": [(1, 5)]}, minus={"e": [(1, 2), (1, 3)]}),
        Turn(minus={"e": [(2, 5)]}, went={T: [(2, 5)]}),
        Turn(plus={"e": [(2, 6)]}, came={T: [(2, 6)]}),
    ),
    "count, of bindings and not of values": case(
        "t(count(k)) :- s:i(k, _).",
        {},
        Turn(plus={"i": [("a", 1), ("a", 2), (None, 3)]}, came={T: [(2,)]}),
        Turn(plus={"i": [("b", 1)]}, minus={"i": [("a", 1)]}),
        Turn(minus={"i": [("a", 2), ("b", 1)]}, went={T: [(2,)]}),
    ),
    "count_distinct": case(
        "t(a, count_distinct(b)) :- s:e(a, c), s:f(c, b).",
        {"e": [(1, 1), (1, 2)], "f": [(1, 7), (2, 7)]},
        Turn(minus={"f": [(1, 7)]}),
        Turn(plus={"f": [(1, 8), (2, 8)]}, came={T: [(1, 2)]}, went={T: [(1, 1)]}),
        Turn(minus={"f": [(2, 7)]}, came={T: [(1, 1)]}, went={T: [(1, 2)]}),
    ),
    "avg": case(
        "t(k, avg(n)) :- s:i(k, n).",
        {"i": [("a", 1), ("a", 2)]},
        Turn(plus={"i": [("a", 3)]}, came={T: [("a", 2)]}, went={T: [("a", 1.5)]}),
        Turn(plus={"i": [("b", None)]}, minus={"i": [("a", 2)]}),
    ),
    "min and max: the extreme goes": case(
        "t(a, min(b), max(b)) :- s:e(a, b).",
        {"e": [(1, 2), (1, 3), (1, 4)]},
        Turn(minus={"e": [(1, 3)]}),
        Turn(minus={"e": [(1, 2)]}, came={T: [(1, 4, 4)]}, went={T: [(1, 2, 4)]}),
        Turn(plus={"e": [(1, 1), (1, 9)]}, minus={"e": [(1, 4)]}, came={T: [(1, 1, 9)]}, went={T: [(1, 4, 4)]}),
        Turn(minus={"e": [(1, 1), (1, 9)]}, went={T: [(1, 1, 9)]}),
    ),
    "max that stands twice": case(
        "t(max(b)) :- s:e(_, b).",
        {"e": [(1, 9), (2, 9), (3, 5)]},
        Turn(minus={"e": [(1, 9)]}),
        Turn(minus={"e": [(2, 9)]}, came={T: [(5,)]}, went={T: [(9,)]}),
    ),
    "min of texts": case(
        "t(min(k)) :- s:i(k, _).",
        {"i": [("b", 1)]},
        Turn(plus={"i": [("", 1), ("\U0001f600", 1), ("\uffff", 1)]}, came={T: [("",)]}, went={T: [("b",)]}),
        Turn(minus={"i": [("", 1), ("b", 1)]}, came={T: [("\uffff",)]}, went={T: [("",)]}),
    ),
    "values of several kinds have no extreme": case(
        "t(max(x)) :- s:a(x).",
        {"a": [(1,), (2.5,)]},
        Turn(plus={"a": [("x",)]}, went={T: [(2.5,)]}),
        Turn(minus={"a": [(1,), (2.5,)]}, came={T: [("x",)]}),
        Turn(plus={"a": [(True,)]}, went={T: [("x",)]}),
        Turn(minus={"a": [("x",), (True,)]}),
    ),
    "texts are no part of a sum": case(
        "t(sum(x)) :- s:a(x).",
        {"a": [("x",), (True,), (None,)]},
        Turn(plus={"a": [(1,)]}, came={T: [(1,)]}),
        Turn(plus={"a": [(2.5,)]}, minus={"a": [("x",)]}, came={T: [(3.5,)]}, went={T: [(1,)]}),
        Turn(minus={"a": [(1,), (2.5,)]}, went={T: [(3.5,)]}),
    ),
    "null is ignored, and groups": case(
        "t(a, sum(b)) :- s:e(a, b).",
        {"e": [(None, 1)]},
        Turn(plus={"e": [(None, None), (1, None)]}),
        Turn(plus={"e": [(None, 2)]}, came={T: [(None, 3)]}, went={T: [(None, 1)]}),
        Turn(minus={"e": [(None, 1), (None, 2)]}, went={T: [(None, 3)]}),
    ),
    "floats are summed exactly after larger ones went": case(
        "t(sum(x)) :- s:v(_, x).",
        {"v": [("a", 0.1), ("b", 0.2), ("c", 0.3)]},
        Turn(plus={"v": [("d", 1e300)]}, came={T: [(1e300,)]}, went={T: [(0.6,)]}),
        Turn(plus={"v": [("e", 5e-324), ("f", -1e16)]}),
        Turn(minus={"v": [("d", 1e300)]}, came={T: [(-1e16,)]}, went={T: [(1e300,)]}),
        Turn(minus={"v": [("f", -1e16), ("e", 5e-324)]}, came={T: [(0.6,)]}, went={T: [(-1e16,)]}),
    ),
    "floats that cancel out": case(
        "t(sum(x)) :- s:v(_, x).",
        {"v": [("a", 1e300), ("b", 1.5)]},
        Turn(plus={"v": [("c", -1e300)]}, came={T: [(1.5,)]}, went={T: [(1e300,)]}),
        Turn(minus={"v": [("b", 1.5)]}, came={T: [(0,)]}, went={T: [(1.5,)]}),
    ),
    "an integer overflows and comes back": case(
        "t(sum(n)) :- s:i(_, n).",
        {"i": [("a", INT_MAX)]},
        Turn(plus={"i": [("b", 1)]}, went={T: [(INT_MAX,)]}),
        Turn(plus={"i": [("c", INT_MAX)]}),
        Turn(plus={"i": [("d", INT_MIN), ("e", INT_MIN)]}, came={T: [(-1,)]}),
        Turn(minus={"i": [("a", INT_MAX)]}, came={T: [(INT_MIN,)]}, went={T: [(-1,)]}),
        Turn(minus={"i": [("b", 1)]}, went={T: [(INT_MIN,)]}),
    ),
    "a float overflows and comes back": case(
        "t(sum(x), avg(x)) :- s:v(_, x).",
        {"v": [("a", 1.5e308)]},
        Turn(plus={"v": [("b", 1.5e308)]}, went={T: [(1.5e308, 1.5e308)]}),
        Turn(minus={"v": [("a", 1.5e308)]}, came={T: [(1.5e308, 1.5e308)]}),
    ),
    "one value many times": case(
        "t(sum(n), count(n), count_distinct(n)) :- s:i(_, n).",
        {"i": [("a", 5), ("b", 5)]},
        Turn(plus={"i": [("c", 5)]}, came={T: [(15, 3, 1)]}, went={T: [(10, 2, 1)]}),
        Turn(minus={"i": [("a", 5), ("b", 5)]}, came={T: [(5, 1, 1)]}, went={T: [(15, 3, 1)]}),
    ),
    "several rules with one head unite rows": case(
        "t(a, sum(b)) :- s:e(a, b). t(a, sum(b)) :- s:f(a, b).",
        {"e": [(1, 2)], "f": [(1, 2)]},
        Turn(plus={"e": [(1, 3)]}, came={T: [(1, 5)]}),
        Turn(plus={"f": [(1, 3)]}, went={T: [(1, 2)]}),
        Turn(minus={"e": [(1, 2), (1, 3)]}),
        Turn(minus={"f": [(1, 2)]}, came={T: [(1, 3)]}, went={T: [(1, 5)]}),
    ),
    "a rule without an aggregate beside one": case(
        "t(a, count(b)) :- s:e(a, b). t(a, b) :- s:f(a, b).",
        {"e": [(1, 7)], "f": [(1, 1)]},
        Turn(plus={"e": [(1, 8)]}, came={T: [(1, 2)]}),
        Turn(minus={"f": [(1, 1)]}, went={T: [(1, 1)]}),
    ),
    "over all variables, `_` included": case(
        "t(sum(a)) :- s:e(a, _), s:n(_).",
        {"e": [(5, 1)], "n": [(1,)]},
        Turn(plus={"e": [(5, 2)], "n": [(2,)]}, came={T: [(20,)]}, went={T: [(5,)]}),
        Turn(minus={"n": [(1,), (2,)]}, went={T: [(20,)]}),
    ),
    "of a view with several ways to a row": case(
        "u(a, b) :- s:e(a, c), s:f(c, b). t(a, sum(b)) :- u(a, b).",
        {"e": [(1, 1), (1, 2)], "f": [(1, 5), (2, 5)]},
        Turn(minus={"e": [(1, 1)]}),
        Turn(minus={"e": [(1, 2)]}, went={T: [(1, 5)], "u": [(1, 5)]}),
    ),
    "of an aggregate": case(
        "u(a, sum(b)) :- s:e(a, b). t(max(n)) :- u(_, n). w(a) :- u(a, n), t(n).",
        {"e": [(1, 3), (2, 5)]},
        Turn(plus={"e": [(1, 4)]}, came={"u": [(1, 7)], T: [(7,)], "w": [(1,)]},
             went={"u": [(1, 3)], T: [(5,)], "w": [(2,)]}),
        Turn(minus={"e": [(1, 3), (1, 4)]}, came={T: [(5,)], "w": [(2,)]},
             went={"u": [(1, 7)], T: [(7,)], "w": [(1,)]}),
    ),
    "negated": case(
        "u(a, count(b)) :- s:e(a, b). t(x) :- s:n(x), not u(x, 2).",
        {"n": [(1,)], "e": [(1, 1)]},
        Turn(plus={"e": [(1, 2)]}, came={"u": [(1, 2)]}, went={"u": [(1, 1)], T: [(1,)]}),
        Turn(plus={"e": [(1, 3)]}, came={"u": [(1, 3)], T: [(1,)]}, went={"u": [(1, 2)]}),
    ),
    "over a negation": case(
        "t(count(x)) :- s:n(x), not s:e(x, _).",
        {"n": [(1,), (2,)], "e": [(1, 1), (1, 2)]},
        Turn(minus={"e": [(1, 1)]}),
        Turn(minus={"e": [(1, 2)]}, came={T: [(2,)]}, went={T: [(1,)]}),
        Turn(plus={"e": [(1, 3), (2, 3)]}, went={T: [(2,)]}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_groups_are_kept_current(case: Case, way: str) -> None:
    """A group changes by exactly what its aggregate says, whatever came and went before."""
    play(case, way)
