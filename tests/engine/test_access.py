"""Accesses: a literal sees the rows that pass its constants and repeated variables, however it comes to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from congresslite.engine.access import Access, access, best_position
from congresslite.engine.counting import Bag
from congresslite.engine.deltas import passing as passing_rows
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.relation import Relation
from congresslite.language.program import Const, Match, NoMatch, Var
from tests.engine.encoded import columns_of, ids, sized

ROWS = [(1, 1, 5), (2, 3, 5), (1, 2, 5), (1, 0, 5), (4, 4, 6)]


def relation(rows: Sequence[tuple[int, ...]]) -> Relation:
    return Relation("t", [sized(100)] * 3, columns_of(rows, 3), len(rows))


SELECTIONS: dict[str, tuple[Access, list[int]]] = {
    "a constant": (Access("t", {}, ((0, 1),)), [0, 2, 3]),
    "two constants": (Access("t", {}, ((0, 1), (1, 2))), [2]),
    "a constant of no row": (Access("t", {}, ((0, 77),)), []),
    "equal columns": (Access("t", {}, (), ((0, 1),)), [0, 4]),
    "a constant and equal columns": (Access("t", {}, ((2, 5),), ((0, 1),)), [0]),
    "contradicting constants": (Access("t", {}, ((0, 1), (0, 2))), []),
    "everything": (Access("t", {"x": 0}), [0, 1, 2, 3, 4]),
}


@pytest.mark.parametrize("indexed", [False, True], ids=["without an index", "by an index"])
@pytest.mark.parametrize("dead", [[], [0], [2, 4], [0, 1, 2, 3, 4]], ids=["all live", "one dead", "two dead", "none"])
@pytest.mark.parametrize(("asked", "rows"), SELECTIONS.values(), ids=SELECTIONS)
def test_selections(asked: Access, rows: list[int], dead: list[int], indexed: bool) -> None:
    """An access lets through the living rows that pass all its tests, and knows which of some rows do."""
    held = relation(ROWS)
    if indexed:
        for position in range(3):
            held.index(position)
    held = held.changed(np.array(dead, np.int64), [], 0, None)
    living = asked.living(held)
    assert (list(range(5)) if living is None else sorted(living.tolist())) == [row for row in rows if row not in dead]
    some = np.array([4, 0, 2])
    passing = asked.passing(held, some)
    assert ([0, 1, 2] if passing is None else passing.tolist()) == [at for at in range(3) if some[at] in rows]


def test_equal_columns_of_different_dictionaries() -> None:
    """Columns that nobody meant to compare have ids of their own: they are equal where their values are."""
    left, right = Dictionary(), Dictionary()
    rows = [("x", "x"), ("x", "y"), ("y", "y"), ("only left", "x"), (None, None), (1, True), ("y", "only right")]
    columns = [left.encode(row[0] for row in rows), right.encode([row[1] for row in reversed(rows)])[::-1]]
    held = Relation("t", [left, right], columns, len(rows))
    asked = Access("t", {"x": 0}, (), ((0, 1),))
    living, passing = asked.living(held), asked.passing(held, np.arange(7))
    assert living is not None and passing is not None
    assert living.tolist() == passing.tolist() == [0, 2, 4]
    bag = Bag(columns, np.arange(7))
    assert passing_rows(asked, bag, [left, right]).weights.tolist() == [0, 2, 4]


def test_what_is_left_of_a_literal() -> None:
    """An access has a column for each variable that is used; constants and repetitions are tests."""
    dictionary = Dictionary()
    held = Relation("t", [dictionary] * 5, columns_of([], 5), 0)
    x, y = Var("x"), Var("y")
    literal = Match("t", (x, Const(7), x, y, Var("$1")))
    seven = dictionary.add(7)
    made = access(literal, held, frozenset({"x"}), before=True)
    assert made == Access("t", {"x": 0}, ((1, seven),), ((0, 2),), before=True)
    assert (made.selects, made.given) == (True, 3)
    every = access(NoMatch("t", literal.terms), held, frozenset({"x", "y", "$1"}))
    assert every == Access("t", {"x": 0, "y": 3, "$1": 4}, ((1, seven),), ((0, 2),))
    assert every.only(["y"]) == Access("t", {"y": 3}, ((1, seven),), ((0, 2),))
    plain = access(Match("t", (x, y, y, y, y)), held, frozenset())
    assert (plain, plain.selects) == (Access("t", {}), False)


def test_the_best_way_in() -> None:
    """A binding is looked up through the bound column with the most values."""
    held = Relation("t", [sized(9)] * 3, [ids([1, 1, 1]), ids([1, 2, 3]), ids([1, 2, 2])], 3)
    asked = Access("t", {"x": 0, "y": 1, "z": 2})
    assert best_position(asked, held, ["x", "z"]) == 2
    assert best_position(asked, held, ["z", "y", "x"]) == 1
    assert best_position(asked, held, ["w"]) is None
