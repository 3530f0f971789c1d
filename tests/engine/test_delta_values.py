"""Values in batches: which are one and the same, which are new, which are null, and rows that say nothing new."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.engine.turns import WAYS, Case, T, Turn, case, play

BIG = 2**53
CASES: dict[str, Case] = {
    "1 and 1.0 are one value, true is another": case(
        "t(x) :- s:a(x).",
        {"a": [(1,)]},
        Turn(plus={"a": [(1.0,)]}),
        Turn(plus={"a": [(True,)]}, came={T: [(True,)]}),
        Turn(minus={"a": [(1.0,)]}, went={T: [(1,)]}),
        Turn(plus={"a": [(0,), (False,), (-0.0,)]}, came={T: [(0,), (False,)]}),
        Turn(minus={"a": [(True,), (1,), (0,)]}, went={T: [(True,), (0,)]}),
    ),
    "an integer that no float equals": case(
        "t(x, y) :- s:a(x), s:b(x, y).",
        {"a": [(BIG,)]},
        Turn(plus={"b": [(BIG + 1, 1), (float(BIG), 2)]}, came={T: [(BIG, 2)]}),
        Turn(plus={"a": [(BIG + 1,)]}, minus={"a": [(BIG,)]}, came={T: [(BIG + 1, 1)]}, went={T: [(BIG, 2)]}),
    ),
    "integers meet floats": case(
        "t(x) :- s:v(_, x), s:n(x).",
        {"n": [(1,)]},
        Turn(plus={"v": [("a", 1.0), ("b", 2.0), ("c", 0.5)]}, came={T: [(1,)]}),
        Turn(plus={"n": [(2,)]}, minus={"v": [("a", 1)]}, came={T: [(2,)]}, went={T: [(1,)]}),
    ),
    "null meets null": case(
        "t(a, c) :- s:e(a, b), s:f(b, c). u(x) :- s:n(x), not s:m(x).",
        {"e": [(1, None)], "n": [(None,)]},
        Turn(plus={"f": [(None, 3), (None, None)]}, came={T: [(1, 3), (1, None)]}),
        Turn(plus={"m": [(None,)]}, minus={"f": [(None, 3)]}, went={T: [(1, 3)], "u": [(None,)]}),
    ),
    "values that were never seen": case(
        "t(x, y) :- s:b(x, y). u(y, x) :- t(x, y), s:a(x).",
        {},
        Turn(plus={"b": [("new", 1.5), (2**62, True), ("", None), ("\ud7ff", -7)]},
             came={T: [("new", 1.5), (2**62, True), ("", None), ("\ud7ff", -7)]}),
        Turn(plus={"a": [("new",), ("newer",), (2**62,)]}, came={"u": [(1.5, "new"), (True, 2**62)]}),
        Turn(plus={"b": [("newer", "newest")]}, minus={"b": [("new", 1.5)]},
             came={T: [("newer", "newest")], "u": [("newest", "newer")]},
             went={T: [("new", 1.5)], "u": [(1.5, "new")]}),
    ),
    "a constant of a rule that no row had": case(
        't(y) :- s:b("later", y). u(x) :- s:a(x), not s:b(x, "late"). w(x) :- s:b(x, y), y = 2.5.',
        {"a": [("later",)]},
        Turn(plus={"b": [("later", "late")]}, came={T: [("late",)]}, went={"u": [("later",)]}),
        Turn(plus={"b": [("later", 2.5)]}, minus={"b": [("later", "late")]},
             came={T: [(2.5,)], "u": [("later",)], "w": [("later",)]}, went={T: [("late",)]}),
    ),
    "new texts are ordered by code point": case(
        "t(x, y) :- s:i(x, 1), s:i(y, 2), x < y.",
        {"i": [("b", 1), ("c", 2)]},
        Turn(plus={"i": [("a", 2), ("bb", 2), ("B", 1)]},
             came={T: [("b", "bb"), ("B", "a"), ("B", "bb"), ("B", "c")]}),
        Turn(plus={"i": [("\U0001f600", 2), ("\uffff", 1)]}, minus={"i": [("B", 1)]},
             came={T: [("b", "\U0001f600"), ("\uffff", "\U0001f600")]},
             went={T: [("B", "a"), ("B", "bb"), ("B", "c")]}),
    ),
    "texts that read like other values": case(
        "t(x) :- s:a(x), s:b(x, x).",
        {"a": [(1,), (None,), (True,)]},
        Turn(plus={"b": [("1", "1"), ("null", "null"), ("True", "True"), ("", "")]}),
        Turn(plus={"b": [(1, 1), (True, 1), (None, None)]}, came={T: [(1,), (None,)]}),
    ),
    "a row given many times in one batch": case(
        "t(x, count(y)) :- s:e(x, y).",
        {},
        Turn(plus={"e": [(1, 2)] * 3 + [(1, 3)]}, came={T: [(1, 2)]}),
        Turn(minus={"e": [(1, 2)] * 2}, came={T: [(1, 1)]}, went={T: [(1, 2)]}),
    ),
    "what is there comes, what is not there goes": case(
        "t(x) :- s:n(x).",
        {"n": [(1,)]},
        Turn(plus={"n": [(1,)]}, minus={"n": [(2,), (7,)]}),
        Turn(plus={"n": [(1,), (2,)]}, minus={"n": [(1,), (2,), (3,)]}, came={T: [(2,)]}),
    ),
    "wide rows": case(
        "t(a, b, c, d, e, f) :- s:b(a, b), s:b(c, d), s:b(e, f), a != c, c != e, a != e.",
        {"b": [(1, "x"), (2.5, None)]},
        Turn(plus={"b": [(True, -1)]},
             came={T: [(*p, *q, *r) for p, q, r in permutations([(1, "x"), (2.5, None), (True, -1)])]}),
        Turn(plus={"b": [("n", 0)]}, minus={"b": [(1, "x"), (2.5, None)]},
             went={T: [(*p, *q, *r) for p, q, r in permutations([(1, "x"), (2.5, None), (True, -1)])]}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_are_what_they_are(case: Case, way: str) -> None:
    """Values that come with a batch are the same, equal and ordered as those that were there first."""
    play(case, way)
