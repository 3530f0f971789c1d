"""Relations: what is asked of one is never older than its rows, nor newer once another is made of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from congresslite.engine.relation import MIN_SWEPT, ROW, Relation
from tests.engine.encoded import columns_of, ids, rows_of, sized

ALICE, BOB = object(), object()


def relation(*columns: Sequence[int], size: int = 50, owner: object = None) -> Relation:
    """A relation whose columns share a dictionary of this size."""
    dictionary = sized(size)
    every = [ids(column) for column in columns]
    return Relation("t", [dictionary] * len(columns), every, len(columns[0]), owner=owner)


def places(*rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(rows, np.int64)


def found(held: Relation, position: int, wanted: Sequence[int]) -> list[list[int]]:
    """The living rows of each id, by the index on a column."""
    which, rows = held.probe(position, ids(wanted))
    dead = held.dead(rows)
    result: list[list[int]] = [[] for _ in wanted]
    for at, (place, row) in enumerate(zip(which.tolist(), rows.tolist(), strict=True)):
        if dead is None or not dead[at]:
            result[place].append(row)
    return [sorted(each) for each in result]


# -- what is asked of a relation is never older than its rows ------------------------------------


def seen(held: Relation) -> tuple[object, ...]:
    """Everything that a relation remembers about its rows, asked for."""
    return (
        held.rows,
        held.key_set((0, 1)).contains([ids([1, 1]), ids([1, 9])], 2).tolist(),
        held.contains((1,), [ids([1, 9, -1])], 3).tolist(),
        sorted(held.values(1).tolist()),
        found(held, 0, [1, 2, 3]),
        (held.find([ids([1, 3, 4]), ids([9, 9, 9])], 3) >= 0).tolist(),
        held.unique(0),
    )


BEFORE = (2, [True, False], [True, False, False], [1, 1], [[0], [1], []], [False] * 3, True)


def test_nothing_is_older_than_appended_rows() -> None:
    """After rows came, sets, indexes and uniqueness are those of all rows."""
    held = relation([1, 2], [1, 1])
    assert seen(held) == BEFORE
    held.append([ids([1, 3]), ids([9, 9])], 2)
    everything = (4, [True, True], [True, True, False], [1, 1, 9, 9], [[0, 2], [1], [3]], [True, True, False], False)
    assert seen(held) == everything


def test_nothing_is_older_than_changed_rows() -> None:
    """A relation made of another has its own rows only, and the other has all it had."""
    held = relation([1, 2], [1, 1])
    assert seen(held) == BEFORE
    after = held.changed(places(0, 1), [ids([1, 1]), ids([9, 8])], 2, ALICE)
    assert seen(after) == (
        2,
        [False, True],
        [False, True, False],
        [8, 9],
        [[2, 3], [], []],
        [True, False, False],
        False,
    )
    assert seen(held) == BEFORE


def test_uniqueness_is_that_of_the_rows_there_are() -> None:
    """What an index showed of some rows is not claimed of those that came after it."""
    held = relation([1, 2])
    assert not held.unique(0)  # nobody has looked
    assert held.index(0).unique
    assert held.unique(0)
    held.append([ids([3])], 1)
    assert not held.unique(0)


def test_a_declared_key_holds_for_the_rows_it_was_declared_of() -> None:
    """A declared key is believed without a look, and no longer once rows change."""
    held = relation([1, 2, 3], [4, 4, 5])
    held.declare_unique(0)
    assert held.unique(0) and not held.unique(1)
    after = held.changed(places(), [ids([1]), ids([9])], 1, None)
    assert not after.unique(0)
    assert held.unique(0)


COUNTED: dict[str, tuple[list[int], int, bool]] = {
    "no rows": ([], 0, True),
    "no value repeats": ([4, 0, 9], 3, True),
    "values repeat": ([4, 0, 4], 2, False),
}


@pytest.mark.parametrize(("column", "count", "differ"), COUNTED.values(), ids=COUNTED)
def test_distinct_values_are_counted(column: list[int], count: int, differ: bool) -> None:
    """How many values a column holds is counted, and whether no value repeats."""
    held = relation(column)
    assert held.distinct_count(0) == count
    assert held.all_differ(0) is differ


def test_distinct_values_are_counted_anew() -> None:
    """A count is used until the column has twice as many rows; whether no value repeats is always asked of all."""
    held = relation([1, 2])
    assert held.distinct_count(0) == 2
    held.append([ids([3, 3])], 2)
    assert held.distinct_count(0) == 2
    assert not held.all_differ(0)
    held.append([ids([4])], 1)
    assert held.distinct_count(0) == 3
    held.append([ids([5, 6, 7, 8, 9])], 5)
    assert held.distinct_count(0) == 9


def test_dead_rows_prove_no_key() -> None:
    """Whether no value repeats is not claimed of a column with dead rows, whose values are still in it."""
    held = relation([1, 2, 1]).changed(places(2), [], 0, None)
    assert held.values(0).tolist() == [1, 2]
    assert not held.all_differ(0)


def test_columns_that_are_read_later() -> None:
    """A column may be missing until it is filled in; it stays missing in what is swept."""
    dictionary = sized(10)
    held = Relation("t", [dictionary, sized(5)], [ids([1, 2, 1]), None], 3)
    assert held.has(0) and not held.has(1)
    swept = held.changed(places(1), [], 0, None).swept(None)
    assert swept.has(0) and not swept.has(1)
    assert swept.column(0).tolist() == [1, 1]
    held.set_column(1, dictionary, ids([7, 8, 9]))
    assert held.has(1)
    assert held.dictionaries == [dictionary, dictionary]
    assert rows_of(held.columns(), 3) == [(1, 7), (2, 8), (1, 9)]
    assert held.find([ids([1]), ids([9])], 1).tolist() == [2]


def test_no_columns() -> None:
    """A relation without columns has one row or none, to count, to find, to test and to lose."""
    held = Relation.empty("t", [], owner=ALICE)
    assert held.find([], 2).tolist() == [-1, -1]
    assert held.contains((), [], 2).tolist() == [False, False]
    assert held.key_set(()).contains([], 1).tolist() == [False]
    one = held.changed(places(), [], 1, ALICE)
    assert (held.rows, one.rows) == (0, 1)
    assert one.find([], 2).tolist() == [0, 0]
    assert one.contains((), [], 2).tolist() == [True, True]
    assert one.key_set(()).contains([], 2).tolist() == [True, True]
    none = one.changed(one.find([], 1), [], 0, ALICE)
    again = none.changed(places(), [], 1, ALICE)
    assert (one.rows, none.rows, again.rows) == (1, 0, 1)
    assert none.contains((), [], 1).tolist() == [False]
    assert none.find([], 1).tolist() == [-1]
    assert again.find([], 1).tolist() == [1]


# -- who may append ------------------------------------------------------------------------------

# The owner of the first relation, then for each change of it who makes it, and whether it shares its arrays.
CHANGES: dict[str, tuple[object, list[tuple[object, bool]]]] = {
    "its owner": (ALICE, [(ALICE, True)]),
    "its owner, twice": (ALICE, [(ALICE, True), (ALICE, False)]),
    "another": (ALICE, [(BOB, False)]),
    "another, then its owner": (ALICE, [(BOB, False), (ALICE, True)]),
    "its owner, then another": (ALICE, [(ALICE, True), (BOB, False)]),
    "anybody, of what nobody owns": (None, [(ALICE, False)]),
}


@pytest.mark.parametrize(("owner", "changes"), CHANGES.values(), ids=CHANGES)
def test_who_appends_and_who_copies(owner: object, changes: list[tuple[object, bool]]) -> None:
    """Only the owner appends to a relation's arrays, only to the latest relation made of them; others get a copy."""
    start = relation([0], owner=owner)
    roomy = start.changed(places(), [ids([1])], 1, owner)  # with room at the end
    made = []
    for number, (by, shares) in enumerate(changes):
        made.append(roomy.changed(places(), [ids([5 + number])], 1, by))
        assert np.shares_memory(made[-1].column(0), roomy.column(0)) is shares
    for number, each in enumerate(made):
        assert each.column(0).tolist() == [0, 1, 5 + number]
        # What is made of a copy belongs to whoever made it.
        last = each.changed(places(), [ids([9])], 1, changes[number][0])
        assert np.shares_memory(last.column(0), each.column(0))
    assert roomy.column(0).tolist() == [0, 1]
    assert start.column(0).tolist() == [0]


def test_given_arrays_are_left_alone() -> None:
    """Growing a relation writes nothing into the arrays that it was made of."""
    column, extra = ids([1, 2]), np.array([3, 4], np.int32)
    first, second = (
        Relation(name, [sized(9)], [column], 2, extras=[extra], owner=ALICE).changed(
            places(0), [ids([new])], 1, ALICE, extras=[ids([new])]
        )
        for name, new in (("a", 5), ("b", 6))
    )
    assert (first.column(0).tolist(), second.column(0).tolist()) == ([1, 2, 5], [1, 2, 6])
    assert (column.tolist(), extra.tolist()) == ([1, 2], [3, 4])


def test_extras_that_outgrow_their_kind() -> None:
    """What stands beside rows may become too large for 64 bits; older relations keep what they had."""
    held = Relation("t", [sized(9)], [ids([1])], 1, extras=[np.array([5], np.int64)], owner=ALICE)
    second = held.changed(places(), [ids([2])], 1, ALICE, extras=[np.array([2**70], object)])
    third = second.changed(places(), [ids([3])], 1, ALICE, extras=[np.array([6], np.int64)])
    assert third.beside(0).tolist() == [5, 2**70, 6]
    assert second.beside(0).tolist() == [5, 2**70]
    assert held.beside(0).tolist() == [5]


# -- sweeping ------------------------------------------------------------------------------------

SWEEPS: dict[str, tuple[int, int, bool]] = {
    "few dead rows": (2_000, MIN_SWEPT, False),
    "enough, and one in two": (2 * MIN_SWEPT, MIN_SWEPT + 1, True),
    "enough, but fewer than one in two": (2 * MIN_SWEPT + 2, MIN_SWEPT + 1, False),
    "all rows": (2_000, 2_000, True),
}


@pytest.mark.parametrize(("rows", "dead", "swept"), SWEEPS.values(), ids=SWEEPS)
def test_dead_rows_are_swept_out(rows: int, dead: int, swept: bool) -> None:
    """Once dead rows are many and one in two, only the living are kept, with what stands beside them."""
    column = np.arange(rows, dtype=np.int32)
    held = Relation("t", [sized(rows)], [column], rows, extras=[column * 2], distinct=True, owner=ALICE)
    after = held.changed(np.arange(dead), [], 0, ALICE)
    assert (after.size, after.rows, after.distinct) == (rows - dead if swept else rows, rows - dead, True)
    assert after.values(0).tolist() == list(range(dead, rows))
    living = after.living()
    beside = after.beside(0) if living is None else after.beside(0)[living]
    assert beside.tolist() == [2 * each for each in range(dead, rows)]
    assert (held.rows, held.dead(places(0))) == (rows, None)
    assert found(after, 0, [0, rows - 1]) == [[], [after.size - 1] if dead < rows else []]


def test_nothing_to_sweep() -> None:
    """A relation whose rows all live is swept already."""
    held = relation([1, 2])
    assert held.swept(ALICE) is held


# -- many rows -----------------------------------------------------------------------------------


def test_many_questions_at_once() -> None:
    """Thousands of questions get the answers that single ones do, in a relation with dead rows too."""
    rows = [(number % 50, number % 7) for number in range(350)]
    held = relation(*zip(*rows, strict=True)).changed(np.arange(100), [], 0, None)
    asked = [(number % 60, number % 8) for number in range(5_000)]
    kept = set(rows[100:])
    assert held.contains((0, 1), columns_of(asked, 2), len(asked)).tolist() == [row in kept for row in asked]
    few = asked[:40]
    assert held.contains((0, 1), columns_of(few, 2), len(few)).tolist() == [row in kept for row in few]


def test_rows_that_share_most_values_are_found() -> None:
    """A row of which each column has few values is found by the whole of it, among rows that come later too."""
    rows = [(a, b, c) for a in range(6) for b in range(6) for c in range(6)]
    held = relation(*zip(*rows, strict=True))
    assert held.find(columns_of(rows, 3), len(rows)).tolist() == list(range(216))
    assert held.has_index(ROW)
    after = held.changed(places(7), [ids([7]), ids([7]), ids([7])], 1, None)
    assert after.find(columns_of([rows[7], (7, 7, 7), rows[8]], 3), 3).tolist() == [-1, 216, 8]
    assert held.find(columns_of([rows[7], (7, 7, 7)], 3), 2).tolist() == [7, -1]
