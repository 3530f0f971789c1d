"""Recursion kept current: cycles that hold themselves up or do not, over-deletion, rederivation, several strata."""

from __future__ import annotations

import pytest

from tests.engine.turns import WAYS, Case, T, Turn, case, play

REACH = "t(a, b) :- s:e(a, b). t(a, c) :- t(a, b), s:e(b, c)."
SQUARE = "t(a, b) :- s:e(a, b). t(a, c) :- t(a, b), t(b, c)."
FROM = "t(x) :- s:n(x). t(y) :- t(x), s:e(x, y)."
PATH = [(x, x + 1) for x in range(60)]
COMPLETE = [(x, y) for x in range(5) for y in range(5) if x != y]
CASES: dict[str, Case] = {
    "an edge more, an edge less": case(
        REACH,
        {"e": [(1, 2)]},
        Turn(plus={"e": [(2, 3)]}, came={T: [(2, 3), (1, 3)]}),
        Turn(plus={"e": [(3, 4), (0, 1)]}, came={T: [(3, 4), (2, 4), (1, 4), (0, 1), (0, 2), (0, 3), (0, 4)]}),
        Turn(minus={"e": [(1, 2)]}, went={T: [(1, 2), (1, 3), (1, 4), (0, 2), (0, 3), (0, 4)]}),
    ),
    "an edge moves": case(
        REACH,
        {"e": [(1, 2), (2, 3)]},
        Turn(plus={"e": [(1, 3)]}, minus={"e": [(1, 2)]}, went={T: [(1, 2)]}),
        Turn(plus={"e": [(3, 2)]}, minus={"e": [(2, 3)]}, came={T: [(3, 2), (1, 2)]}, went={T: [(2, 3)]}),
    ),
    "a cycle closes and opens": case(
        REACH,
        {"e": [(1, 2)]},
        Turn(plus={"e": [(2, 1)]}, came={T: [(2, 1), (1, 1), (2, 2)]}),
        Turn(minus={"e": [(1, 2)]}, went={T: [(1, 2), (1, 1), (2, 2)]}),
    ),
    "an edge of a cycle goes that another way replaces": case(
        REACH,
        {"e": [(1, 2), (2, 1), (1, 3), (3, 2)]},
        Turn(minus={"e": [(1, 2)]}),
        Turn(minus={"e": [(3, 2)]}, went={T: [(1, 1), (1, 2), (2, 2), (3, 1), (3, 2), (3, 3)]}),
    ),
    "a cycle does not hold itself up": case(
        FROM,
        {"n": [(0,)], "e": [(0, 1), (1, 2), (2, 1)]},
        Turn(minus={"e": [(0, 1)]}, went={T: [(1,), (2,)]}),
        Turn(plus={"n": [(2,)]}, came={T: [(2,), (1,)]}),
    ),
    "a loop does not hold itself up": case(
        FROM,
        {"n": [(1,)], "e": [(1, 1)]},
        Turn(minus={"n": [(1,)]}, went={T: [(1,)]}),
        Turn(plus={"n": [(1,)]}, minus={"e": [(1, 1)]}, came={T: [(1,)]}),
    ),
    "what went is reached anew in the same batch": case(
        FROM,
        {"n": [(0,)], "e": [(0, 1), (1, 2)]},
        Turn(plus={"e": [(0, 2), (2, 1)]}, minus={"e": [(0, 1)]}),
        Turn(plus={"n": [(2,)]}, minus={"n": [(0,)]}, went={T: [(0,)]}),
    ),
    "a row with a base rule and a recursive one": case(
        FROM,
        {"n": [(1,), (2,)], "e": [(1, 2)]},
        Turn(minus={"n": [(2,)]}),
        Turn(plus={"n": [(2,)]}, minus={"e": [(1, 2)]}),
        Turn(minus={"n": [(2,), (1,)]}, went={T: [(1,), (2,)]}),
    ),
    "everything hangs by one edge": case(
        FROM,
        {"n": [(0,)], "e": PATH},
        Turn(minus={"e": [(0, 1)]}, went={T: [(x,) for x in range(1, 61)]}),
        Turn(plus={"e": [(0, 1)]}, minus={"e": [(59, 60)]}, came={T: [(x,) for x in range(1, 60)]}),
        Turn(plus={"e": [(0, 30)]}, minus={"e": [(1, 2)]}, went={T: [(x,) for x in range(2, 30)]}),
    ),
    "all are reached by many ways": case(
        REACH,
        {"e": COMPLETE},
        Turn(minus={"e": [(0, 1), (2, 3), (4, 0)]}),
        Turn(minus={"e": [(0, 2), (0, 3), (0, 4)]}, went={T: [(0, x) for x in range(5)]}),
    ),
    "non-linear": case(
        SQUARE,
        {"e": [(1, 2), (2, 3), (3, 4)]},
        Turn(minus={"e": [(2, 3)]}, went={T: [(2, 3), (1, 3), (1, 4), (2, 4)]}),
        Turn(plus={"e": [(2, 4)]}, came={T: [(2, 4), (1, 4)]}),
        Turn(plus={"e": [(4, 1)]}, minus={"e": [(3, 4)]},
             came={T: [(4, 1), (4, 2), (4, 4), (2, 1), (2, 2), (1, 1)]}, went={T: [(3, 4)]}),
    ),
    "non-linear, all at once": case(
        SQUARE,
        {},
        Turn(plus={"e": [(1, 2), (2, 3), (3, 4), (4, 5)]},
             came={T: [(x, y) for x in range(1, 5) for y in range(x + 1, 6)]}),
        Turn(minus={"e": [(1, 2), (2, 3), (3, 4), (4, 5)]},
             went={T: [(x, y) for x in range(1, 5) for y in range(x + 1, 6)]}),
    ),
    "three of its own": case(
        "t(a, b) :- s:e(a, b). t(a, d) :- t(a, b), t(b, c), t(c, d).",
        {"e": [(1, 2), (2, 3)]},
        Turn(plus={"e": [(3, 4)]}, came={T: [(3, 4), (1, 4)]}),
        Turn(plus={"e": [(4, 5), (5, 6)]}, came={T: [(4, 5), (5, 6), (2, 5), (3, 6), (1, 6)]}),
        Turn(minus={"e": [(3, 4)]}, went={T: [(3, 4), (1, 4), (2, 5), (3, 6), (1, 6)]}),
    ),
    "mutual": case(
        "t(x) :- s:n(x). u(y) :- t(x), s:e(x, y). t(y) :- u(x), s:e(x, y).",
        {"n": [(0,)], "e": [(0, 1), (1, 2)]},
        Turn(plus={"e": [(2, 0)]}, came={T: [(1,)], "u": [(0,), (2,)]}),
        Turn(minus={"e": [(1, 2)]}, went={T: [(1,), (2,)], "u": [(0,), (2,)]}),
    ),
    "two tables that hold each other up": case(
        "t(x) :- s:n(x). t(x) :- u(x). u(x) :- s:m(x). u(x) :- t(x).",
        {"n": [(1,)], "m": [(1,)]},
        Turn(minus={"n": [(1,)]}),
        Turn(minus={"m": [(1,)]}, went={T: [(1,)], "u": [(1,)]}),
        Turn(plus={"m": [(2,)]}, came={T: [(2,)], "u": [(2,)]}),
        Turn(plus={"n": [(2,)]}, minus={"m": [(2,)]}),
    ),
    "through a disjunction": case(
        "t(x) :- (s:n(x)) or (t(y), (s:e(y, x)) or (s:f(y, x))).",
        {"n": [(0,)], "e": [(0, 1)], "f": [(0, 1), (1, 2)]},
        Turn(minus={"e": [(0, 1)]}),
        Turn(plus={"e": [(1, 2)]}, minus={"f": [(0, 1)]}, went={T: [(1,), (2,)]}),
    ),
    "a negated input gains a row": case(
        "t(x) :- s:n(x). t(y) :- t(x), s:e(x, y), not s:m(y).",
        {"n": [(0,)], "e": [(0, 1), (1, 2)]},
        Turn(plus={"m": [(1,)]}, went={T: [(1,), (2,)]}),
        Turn(plus={"m": [(2,)]}, minus={"m": [(1,)]}, came={T: [(1,)]}),
        Turn(plus={"n": [(2,)], "m": [(0,)]}, came={T: [(2,)]}),
    ),
    "a negated input with `_`": case(
        "t(x) :- s:n(x), not s:f(x, _). t(y) :- t(x), s:e(x, y), not s:f(_, y).",
        {"n": [(0,)], "e": [(0, 1), (1, 2)], "f": [(8, 2), (9, 2)]},
        Turn(minus={"f": [(8, 2)]}),
        Turn(minus={"f": [(9, 2)]}, came={T: [(2,)]}),
        Turn(plus={"f": [(0, 0), (0, 1)]}, went={T: [(0,), (1,), (2,)]}),
    ),
    "a negated input is what is joined": case(
        "t(a, b) :- s:e(a, b), not s:e(b, a). t(a, c) :- t(a, b), s:e(b, c), not s:e(c, a).",
        {"e": [(1, 2), (2, 3)]},
        Turn(plus={"e": [(3, 1)]}, came={T: [(3, 1)]}, went={T: [(1, 3)]}),
    ),
    "an input that is derived twice": case(
        "u(a, b) :- s:e(a, b). u(a, b) :- s:f(a, b). t(x) :- s:n(x). t(y) :- t(x), u(x, y).",
        {"n": [(0,)], "e": [(0, 1)], "f": [(0, 1)]},
        Turn(minus={"e": [(0, 1)]}),
        Turn(plus={"e": [(0, 1)]}, minus={"f": [(0, 1)]}),
        Turn(minus={"e": [(0, 1)]}, went={T: [(1,)], "u": [(0, 1)]}),
    ),
    "an aggregate below": case(
        "u(a, count(b)) :- s:e(a, b). t(x) :- s:n(x). t(y) :- t(x), s:e(x, y), u(x, 1).",
        {"n": [(1,)], "e": [(1, 2), (2, 3)]},
        Turn(plus={"e": [(2, 4)]}, came={"u": [(2, 2)]}, went={"u": [(2, 1)], T: [(3,)]}),
        Turn(minus={"e": [(2, 3)]}, came={"u": [(2, 1)], T: [(4,)]}, went={"u": [(2, 2)]}),
    ),
    "an aggregate, a negation and a recursion above": case(
        f"{FROM} u(count(x)) :- t(x). w(x) :- s:m(x), not t(x). r(x) :- w(x). r(y) :- r(x), s:e(x, y), not t(y).",
        {"n": [(0,)], "m": [(2,)], "e": [(0, 1), (2, 3)]},
        Turn(plus={"e": [(1, 3)]}, came={T: [(3,)], "u": [(3,)]}, went={"u": [(2,)], "r": [(3,)]}),
        Turn(plus={"e": [(3, 2)]}, came={T: [(2,)], "u": [(4,)]}, went={"u": [(3,)], "w": [(2,)], "r": [(2,)]}),
        Turn(minus={"e": [(0, 1)]}, came={"u": [(1,)], "w": [(2,)], "r": [(2,), (3,)]},
             went={T: [(1,), (2,), (3,)], "u": [(4,)]}),
    ),
    "facts begin it": case(
        "t(5). t(y) :- t(x), s:e(x, y).",
        {"e": [(1, 5), (5, 1)]},
        Turn(minus={"e": [(1, 5)]}),
        Turn(minus={"e": [(5, 1)]}, went={T: [(1,)]}),
        Turn(plus={"e": [(5, 5), (5, 6)]}, came={T: [(6,)]}),
    ),
    "arithmetic": case(
        "t(x) :- s:n(x). t(y) :- t(x), x < 5, y = x + 2.",
        {"n": [(0,)]},
        Turn(plus={"n": [(1,)]}, came={T: [(1,), (3,), (5,)]}),
        Turn(plus={"n": [(2,)]}, minus={"n": [(0,)]}, went={T: [(0,)]}),
        Turn(minus={"n": [(2,), (1,)]}, went={T: [(x,) for x in range(1, 7)]}),
    ),
    "texts that grow": case(
        't(k) :- s:i(k, _). t(y) :- t(x), len(x, n), n < 3, y = x + "b".',
        {"i": [("a", 1)]},
        Turn(plus={"i": [("ab", 1), ("c", 1)]}, came={T: [("c",), ("cb",), ("cbb",)]}),
        Turn(minus={"i": [("a", 1)]}, went={T: [("a",)]}),
    ),
    "no columns": case(
        "t() :- s:n(x), x > 1. t() :- t(), s:m(_).",
        {"n": [(2,)], "m": [(1,)]},
        Turn(minus={"n": [(2,)]}, went={T: [()]}),
        Turn(plus={"n": [(3,), (0,)]}, came={T: [()]}),
        Turn(plus={"n": [(4,)]}, minus={"n": [(3,)]}),
    ),
    "repeated variables and constants in its own literal": case(
        "t(a, b) :- s:e(a, b). t(b, b) :- t(a, b), s:n(b). t(9, a) :- t(a, a).",
        {"e": [(1, 2)], "n": [(2,)]},
        Turn(minus={"n": [(2,)]}, went={T: [(2, 2), (9, 2)]}),
        Turn(plus={"e": [(3, 3), (9, 9)]}, came={T: [(3, 3), (9, 3), (9, 9)]}),
    ),
    "one recursion upon another": case(
        f"{FROM} u(x) :- t(x), s:m(x). u(y) :- u(x), s:f(x, y), t(y).",
        {"n": [(0,)], "e": [(0, 1), (1, 2)], "f": [(1, 2), (2, 1)], "m": [(1,)]},
        Turn(minus={"e": [(1, 2)]}, went={T: [(2,)], "u": [(2,)]}),
        Turn(plus={"e": [(0, 2)], "m": [(2,)]}, minus={"m": [(1,)]}, came={T: [(2,)], "u": [(2,)]}),
        Turn(minus={"n": [(0,)]}, went={T: [(0,), (1,), (2,)], "u": [(1,), (2,)]}),
    ),
    "the same recursion twice": case(
        f"{FROM} t(z) :- t(x), s:e(x, z).",
        {"n": [(0,)], "e": [(0, 1)]},
        Turn(plus={"e": [(1, 2)]}, came={T: [(2,)]}),
        Turn(minus={"e": [(0, 1)]}, went={T: [(1,), (2,)]}),
    ),
    "same generation": case(
        "t(x, y) :- s:e(p, x), s:e(p, y). t(x, y) :- s:e(a, x), t(a, b), s:e(b, y).",
        {"e": [(0, 1), (0, 2), (1, 3)]},
        Turn(plus={"e": [(2, 4)]}, came={T: [(4, 4), (3, 4), (4, 3)]}),
        Turn(minus={"e": [(0, 2)]}, went={T: [(1, 2), (2, 1), (2, 2), (3, 4), (4, 3)]}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_recursion_is_kept_current(case: Case, way: str) -> None:
    """A row stays exactly as long as there is a proof of it that does not rest on itself."""
    play(case, way)
