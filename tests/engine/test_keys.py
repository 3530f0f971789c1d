"""Key sets: a set of rows, whatever their width, however large their dictionaries are or become."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from congresslite.engine import keys as module
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.keys import KeySet, sort_places

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)

Rows = set[tuple[int, ...]]


def sized(size: int) -> Dictionary:
    """A dictionary as large as wanted: only its size matters to a key set."""
    dictionary = Dictionary()
    dictionary.size = size
    return dictionary


def columns_of(rows: Sequence[Sequence[int]], width: int) -> list[Ids]:
    return [np.array([row[place] for row in rows], np.int32) for place in range(width)]


def rows_of(columns: Sequence[Ids], length: int) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True)) if columns else [()] * length


SIZES: dict[str, list[int]] = {
    "flags, one column": [50],
    "flags, a dictionary of null only": [1, 1],
    "flags, three columns": [200, 300, 100],
    "runs, one column": [1 << 27],
    "runs, two columns": [1 << 20, 1 << 20],
    "runs, the largest ids": [2**31 - 1, 2**31 - 1],
    "runs, exactly 63 bits": [1 << 21, 1 << 21, 1 << 21],
    "numbered prefixes, three columns": [1 << 30, 1 << 30, 1 << 30],
    "numbered prefixes, three of the largest": [2**31 - 1] * 3,
    "numbered prefixes, four columns": [1 << 22, 1 << 22, 3, 1 << 22],
    "numbered prefixes twice, five columns": [1 << 28] * 5,
    "numbered prefixes, eight columns": [1 << 24] * 8,
    "one large among small ones": [2, 2, 1 << 30, 2, 2, 1 << 30, 2, 2],
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@QUICK
@given(data=st.data())
def test_batches_against_a_set(sizes: list[int], data: st.DataObject) -> None:
    """Each batch gives its new rows once each, and what was added is contained; nothing else is."""
    # Few values a column, at both ends of its range, so that rows repeat.
    column = [st.sampled_from(sorted({0, 1 % size, size // 2, max(0, size - 2), size - 1})) for size in sizes]
    batch = st.lists(st.tuples(*column), max_size=12)
    keys = KeySet([sized(size) for size in sizes])
    expected: Rows = set()
    for rows in data.draw(st.lists(batch, max_size=5)):
        fresh, length = keys.add(columns_of(rows, len(sizes)), len(rows))
        new = rows_of(fresh, length)
        assert len(new) == length
        assert sorted(new) == sorted(set(rows) - expected)
        expected |= set(rows)
    asked = data.draw(batch)
    found = keys.contains(columns_of(asked, len(sizes)), len(asked))
    assert found.tolist() == [row in expected for row in asked]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([10], [1 << 28]),
        ([10, 10], [1000, 1000]),
        ([1 << 13, 1 << 13], [1 << 14, 1 << 13]),
        ([1 << 21, 1 << 21, 1 << 21], [1 << 22, 1 << 21, 1 << 21]),
        ([4, 4, 4], [1 << 30, 1 << 30, 1 << 30]),
        ([1 << 20] * 4, [1 << 21] * 4),
        ([1 << 30, 1 << 20, 1 << 20], [1 << 30, 1 << 30, 1 << 30]),
        ([1 << 13] * 8, [1 << 25] * 8),
    ],
    ids=[
        "flags to runs",
        "flags to more flags",
        "flags to runs by one bit",
        "runs to prefixes by one bit",
        "flags to prefixes",
        "prefixes within prefixes",
        "prefixes that become too wide",
        "prefixes to more prefixes",
    ],
)
def test_dictionaries_may_grow(before: list[int], after: list[int]) -> None:
    """Rows stay known when dictionaries outgrow the bits that they had, between additions and before questions."""
    dictionaries = [sized(size) for size in before]
    keys = KeySet(dictionaries)
    width = len(before)
    low = [tuple(min(number, size - 1) for size in before) for number in range(8)]
    keys.add(columns_of(low, width), len(low))
    for dictionary, size in zip(dictionaries, after, strict=True):
        dictionary.size = size
    assert keys.contains(columns_of(low, width), len(low)).all()
    high = [tuple(size - 1 - min(number, size - 1) for size in after) for number in range(8)]
    assert keys.contains(columns_of(high, width), len(high)).tolist() == [row in low for row in high]
    both = [*low, *high, *high]
    fresh, length = keys.add(columns_of(both, width), len(both))
    assert sorted(rows_of(fresh, length)) == sorted(set(high) - set(low))
    assert keys.contains(columns_of(both, width), len(both)).all()


def test_growth_by_steps() -> None:
    """A key set that grows with its dictionaries, as in a recursion that makes values, agrees with a set."""
    dictionaries = [sized(2), sized(2), sized(2)]
    keys, source = KeySet(dictionaries), np.random.default_rng(1)
    expected: Rows = set()
    for size in [2, 3, 500, 1 << 12, (1 << 12) + 1, 1 << 21, (1 << 21) + 1, 1 << 25, 1 << 30]:
        for dictionary in dictionaries:
            dictionary.size = size
        rows = [tuple(row) for row in source.integers(0, size, (200, 3)).tolist()]
        fresh, length = keys.add(columns_of(rows, 3), len(rows))
        assert sorted(rows_of(fresh, length)) == sorted(set(rows) - expected)
        expected |= set(rows)
    everything = sorted(expected)
    assert keys.contains(columns_of(everything, 3), len(everything)).all()


@pytest.mark.parametrize("lengths", [[0], [1], [5], [0, 3, 0, 2]], ids=["nothing", "a row", "rows", "batches"])
def test_no_columns(lengths: list[int]) -> None:
    """A row without columns is one row, however often it is added, and is contained once it was."""
    keys = KeySet([])
    before = False
    for length in lengths:
        assert keys.contains([], 2).tolist() == [before, before]
        assert keys.add([], length) == ([], int(length > 0 and not before))
        before |= length > 0
    assert keys.contains([], 0).tolist() == []


@pytest.mark.parametrize("sizes", [[9, 9], [1 << 20, 1 << 20], [1 << 30] * 3], ids=["flags", "runs", "prefixes"])
def test_missing_ids_are_in_no_row(sizes: list[int]) -> None:
    """A row with an id of -1 is in no set, though the row with 0 in its place is."""
    width = len(sizes)
    keys = KeySet([sized(size) for size in sizes])
    zero, one = (0,) * width, (1,) * width
    keys.add(columns_of([zero, one], width), 2)
    asked = [zero, (-1,) * width, (-1, *zero[1:]), (*one[1:], -1), one]
    assert keys.contains(columns_of(asked, width), len(asked)).tolist() == [True, False, False, False, True]


def test_asking_adds_nothing() -> None:
    """A question about rows never seen leaves the set as it was."""
    keys = KeySet([sized(1 << 30)] * 4)
    asked = [(number, number, number, number) for number in range(5)]
    assert not keys.contains(columns_of(asked, 4), 5).any()
    assert keys.add(columns_of(asked, 4), 5)[1] == 5


def test_runs_stay_few() -> None:
    """Runs are merged as they grow, so that thousands of additions leave no more than a logarithm of them."""
    keys = KeySet([sized(1 << 30)])
    for number in range(2_000):
        assert keys.add([np.array([number * 7919], np.int32)], 1)[1] == 1
    store = keys._store
    assert isinstance(store, module._Runs)
    assert len(store._runs) <= 12
    assert sum(map(len, store._runs)) == 2_000


@QUICK
@given(ids=st.lists(st.sampled_from([0, 1, 2, 2**31 - 1]), max_size=40))
def test_sort_places_is_stable(ids: list[int]) -> None:
    """Places are sorted by id, and by place among equal ids."""
    assert sort_places(np.array(ids, np.int32)).tolist() == sorted(range(len(ids)), key=lambda place: ids[place])
