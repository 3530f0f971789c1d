"""Relations: what is cached about rows (indexes, counts, sets, selections) is never older than the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.relation import Relation, Segment, Selection

QUICK = settings(max_examples=80, deadline=None, derandomize=True, database=None)


def sized(size: int) -> Dictionary:
    dictionary = Dictionary()
    dictionary.size = size
    return dictionary


def ids(values: Sequence[int]) -> Ids:
    return np.array(values, np.int32)


def relation(*columns: Sequence[int], size: int = 100) -> Relation:
    """A relation whose columns share a dictionary of this size."""
    dictionary = sized(size)
    return Relation("t", [dictionary] * len(columns), [ids(column) for column in columns], len(columns[0]))


def found(held: Relation, position: int, wanted: Sequence[int]) -> list[list[int]]:
    """The rows of each id, by the index on a column."""
    result: list[list[int]] = [[] for _ in wanted]
    for segment in held.index(position).segments:
        if segment.unique:
            for place, row in enumerate(segment.lookup(ids(wanted)).tolist()):
                if row >= 0:
                    result[place].append(row)
        # What looks up unique rows one by one can be asked for spans only where it has them.
        else:
            which, rows = segment.expand(*segment.spans(ids(wanted)))
            for place, row in zip(which.tolist(), rows.tolist(), strict=True):
                result[place].append(row)
    return [sorted(rows) for rows in result]


def expected(column: Sequence[int], wanted: Sequence[int]) -> list[list[int]]:
    return [[row for row, each in enumerate(column) if each == id_] for id_ in wanted]


COLUMNS: dict[str, list[int]] = {
    "no rows": [],
    "a row": [3],
    "no value repeats": [5, 2, 9, 0],
    "values repeat": [5, 2, 5, 0, 2, 5],
    "one value": [7] * 6,
}


@pytest.mark.parametrize("size", [10, 1_000, 1 << 20], ids=["small", "larger", "few ids among many"])
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_segments_find_rows(column: list[int], size: int) -> None:
    """Each id is found in its rows, and ids that came after the index was built in none."""
    wanted = [0, 1, 2, 5, 9, size - 1, size, size + 5, 2**31 - 1]
    held = relation(column, size=size)
    assert found(held, 0, wanted) == expected(column, wanted)
    segment = Segment(ids(column), 0, size)
    assert segment.unique == (len(set(column)) == len(column))
    if not segment.unique:
        first, counts = segment.spans(ids(wanted))
        assert counts.tolist() == [column.count(each) for each in wanted]
        assert len(first) == len(wanted)


@QUICK
@given(data=st.data(), size=st.sampled_from([8, 2_000]))
def test_an_index_grows_with_its_relation(data: st.DataObject, size: int) -> None:
    """Rows that are appended are found, among rows and dictionaries that grow from round to round."""
    held = Relation.empty("t", [sized(size)])
    column: list[int] = []
    for batch in data.draw(st.lists(st.lists(st.integers(0, 7), max_size=6), max_size=8)):
        held.append([ids(batch)], len(batch))
        column += batch
        wanted = [0, 1, 2, 3, 7, size + 1]
        assert found(held, 0, wanted) == expected(column, wanted)
        assert held.rows == len(column)
        assert held.column(0).tolist() == column
        assert held.unique(0) == (len(held.index(0).segments) <= 1 and len(set(column)) == len(column))
        held.dictionaries[0].size += 1


def test_segments_stay_few() -> None:
    """An index that grows row by row has no more than a logarithm of segments."""
    held = Relation.empty("t", [sized(4_000)])
    for number in range(2_000):
        held.append([ids([number])], 1)
        assert len(held.index(0).segments) <= 12
    assert found(held, 0, [0, 1_999]) == [[0], [1_999]]


SELECTIONS: dict[str, tuple[Selection, list[int]]] = {
    "a constant": (Selection(constants=((0, 1),)), [0, 2, 3]),
    "two constants": (Selection(constants=((0, 1), (1, 2))), [2]),
    "a constant of no row": (Selection(constants=((0, 77),)), []),
    "equal columns": (Selection(equal=((0, 1),)), [0, 4]),
    "a constant and equal columns": (Selection(constants=((2, 5),), equal=((0, 1),)), [0]),
    "contradicting constants": (Selection(constants=((0, 1), (0, 2))), []),
    "everything": (Selection(), [0, 1, 2, 3, 4]),
}


@pytest.mark.parametrize(("selection", "rows"), SELECTIONS.values(), ids=SELECTIONS)
def test_selections(selection: Selection, rows: list[int]) -> None:
    """A selection lets through the rows that pass all its tests, in their order, and is made once."""
    held = relation([1, 2, 1, 1, 4], [1, 3, 2, 0, 4], [5, 5, 5, 5, 6])
    chosen = held.selection(selection)
    assert chosen.rows == len(rows)
    assert chosen.column(2).tolist() == held.column(2)[rows].tolist()
    assert held.selection(selection) is chosen
    assert (chosen is held) == selection.all


SELECTION = Selection(constants=((0, 1),))


def seen(held: Relation) -> tuple[object, ...]:
    """Everything that a relation caches about its rows, asked for."""
    keys = held.key_set((0, 1)).contains([ids([1, 1]), ids([1, 9])], 2).tolist()
    chosen = held.selection(SELECTION)
    return (
        held.distinct_count(0),
        keys,
        sorted(chosen.column(1).tolist()),
        chosen.distinct_count(1),
        found(held, 0, [1, 2, 3]),
        held.index(0).unique,
        held.unique(0),
    )


def test_nothing_is_older_than_appended_rows() -> None:
    """After rows came, counts, sets, selections, indexes and uniqueness are those of all rows."""
    held = relation([1, 2], [1, 1])
    assert seen(held) == (2, [True, False], [1], 1, [[0], [1], []], True, True)
    held.append([ids([1, 3]), ids([9, 9])], 2)
    assert seen(held) == (3, [True, True], [1, 9], 2, [[0, 2], [1], [3]], False, False)


def test_nothing_is_older_than_replaced_rows() -> None:
    """After rows were replaced by as many others, nothing of the old ones is left."""
    held = relation([1, 2], [1, 1])
    seen(held)
    held.replace([ids([1, 1]), ids([9, 8])], 2)
    assert seen(held) == (1, [False, True], [8, 9], 2, [[0, 1], [], []], False, False)


def test_uniqueness_is_that_of_the_rows_there_are() -> None:
    """What an index showed of some rows is not claimed of those that came after it."""
    held = relation([1, 2])
    assert not held.unique(0)  # nobody has looked
    assert held.index(0).unique
    assert held.unique(0)
    held.append([ids([3])], 1)
    assert not held.unique(0)


def test_a_declared_key_is_one_in_every_selection() -> None:
    """A column that is unique in all rows is unique in some of them."""
    held = relation([1, 2, 3], [4, 4, 5])
    held.declare_unique(0)
    assert held.unique(0)
    assert held.selection(Selection(constants=((1, 4),))).unique(0)
    assert not held.selection(Selection(constants=((1, 4),))).unique(1)


def test_columns_that_are_read_later() -> None:
    """A column that is filled in is there in selections that were made, and kept, without it."""
    dictionary = sized(10)
    held = Relation("t", [dictionary, dictionary], [ids([1, 2, 1]), None], 3)
    assert held.has(0) and not held.has(1)
    assert held.selection(SELECTION).rows == 2
    held.set_column(1, dictionary, ids([7, 8, 9]))
    assert held.selection(SELECTION).column(1).tolist() == [7, 9]


def test_growing_leaves_other_relations_alone() -> None:
    """Appending to a relation that took over another's columns writes nothing into those."""
    column = ids([1, 2])
    first, second = Relation.empty("a", [sized(9)]), Relation.empty("b", [sized(9)])
    for held in (first, second):
        held.append([column], 2)
    first.append([ids([3])], 1)
    second.append([ids([4])], 1)
    assert (first.column(0).tolist(), second.column(0).tolist()) == ([1, 2, 3], [1, 2, 4])
    assert column.tolist() == [1, 2]


def test_no_columns() -> None:
    """A relation without columns has rows to count, to select and to test."""
    held = Relation.empty("t", [])
    assert held.key_set(()).contains([], 1).tolist() == [False]
    held.append([], 1)
    assert held.rows == held.selection(Selection()).rows == 1
    assert held.key_set(()).contains([], 2).tolist() == [True, True]
