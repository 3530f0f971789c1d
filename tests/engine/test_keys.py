"""Sets and groups of rows: right whatever their width, however large their dictionaries are or become."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine import keys as module
from congresslite.engine.keys import KeySet, counted_rows, group_rows, grouped, packed, unpacked
from congresslite.engine.sorting import sort_places, sorted_keys
from tests.engine.encoded import IdRow, columns_of, rows_of, sized, summed
from tests.examples import few

QUICK = few(30)

Rows = set[IdRow]


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
    store = keys._parts[1]
    assert isinstance(store, module._Runs)
    assert len(store._runs) <= 12
    assert sum(map(len, store._runs)) == 2_000


@QUICK
@given(ids=st.lists(st.sampled_from([0, 1, 2, 2**31 - 1]), max_size=40))
def test_sorting_is_stable(ids: list[int]) -> None:
    """Places are sorted by id, and by place among equal ids; rows may begin with any number."""
    column = np.array(ids, np.int32)
    places = sorted(range(len(ids)), key=lambda place: ids[place])
    assert sort_places(column).tolist() == places
    start = 2**31
    assert sorted_keys(column, start).tolist() == [(ids[place] << 32) + start + place for place in places]


WIDTHS: dict[str, list[int]] = {
    "no columns": [],
    "one column": [300],
    "a dictionary of null only": [1, 1],
    "three columns": [200, 300, 100],
    "exactly 63 bits": [1 << 21, 1 << 21, 1 << 21],
    "64 bits": [1 << 21, 1 << 21, 1 << 22],
    "three of the largest": [2**31 - 1] * 3,
    "eight columns": [1 << 24] * 8,
}
PACKED = {"one column", "a dictionary of null only", "three columns", "exactly 63 bits"}
COLLIDING = [False, True]


def hashed_alike(patch: pytest.MonkeyPatch, colliding: bool) -> None:
    """Let all rows have the same hash, if that is wanted."""
    if colliding:
        patch.setattr(module, "mixed_rows", lambda _, length: np.full(length, 7, np.uint64))


def draw_rows(data: st.DataObject, sizes: list[int], least: int) -> list[IdRow]:
    """Rows that repeat, of ids at both ends of each column's range."""
    ends = [st.sampled_from(sorted({0, 1 % size, size // 2, size - 1})) for size in sizes]
    return data.draw(st.lists(st.tuples(*ends), min_size=least, max_size=14))


@pytest.mark.parametrize(("name", "sizes"), WIDTHS.items(), ids=WIDTHS)
@QUICK
@given(data=st.data())
def test_packed_rows_are_equal_as_their_rows_are(name: str, sizes: list[int], data: st.DataObject) -> None:
    """Rows of at most 63 bits have a key each, one for equal rows, from which they come back; others have none."""
    rows = draw_rows(data, sizes, 0)
    dictionaries = [sized(size) for size in sizes]
    keys = packed(columns_of(rows, len(sizes)), dictionaries)
    assert (keys is not None) == (name in PACKED)
    if keys is not None:
        assert len(keys) == len(rows)
        assert len(set(zip(rows, keys.tolist(), strict=True))) == len(set(rows)) == len(set(keys.tolist()))
        assert not (keys < 0).any()
        assert rows_of(unpacked(keys, dictionaries), len(keys)) == rows


@pytest.mark.parametrize("colliding", COLLIDING, ids=["as hashed", "every hash the same"])
@pytest.mark.parametrize("sizes", WIDTHS.values(), ids=WIDTHS)
@QUICK
@given(data=st.data())
def test_rows_are_counted(sizes: list[int], colliding: bool, data: st.DataObject) -> None:
    """Each row is given once, with how often it occurs, and the columns that were given stay as they are."""
    rows = draw_rows(data, sizes, 0)
    columns = columns_of(rows, len(sizes))
    with pytest.MonkeyPatch.context() as patch:
        hashed_alike(patch, colliding)
        distinct, counts = counted_rows(columns, len(rows), [sized(size) for size in sizes])
    found = list(zip(rows_of(distinct, len(counts)), counts.tolist(), strict=True))
    assert sorted(found) == sorted(summed((row, 1) for row in rows).items())
    assert rows_of(columns, len(rows)) == rows


@pytest.mark.parametrize("colliding", COLLIDING, ids=["as hashed", "every hash the same"])
@pytest.mark.parametrize("sizes", WIDTHS.values(), ids=WIDTHS)
@QUICK
@given(data=st.data())
def test_equal_rows_stand_together(sizes: list[int], colliding: bool, data: st.DataObject) -> None:
    """In a grouped order each distinct row is one stretch, which begins at its start and is in the order of places."""
    rows = draw_rows(data, sizes, 1)
    columns = columns_of(rows, len(sizes))
    with pytest.MonkeyPatch.context() as patch:
        hashed_alike(patch, colliding)
        ways = [grouped(columns, len(rows), [sized(size) for size in sizes]), group_rows(columns, len(rows))]
    for order, starts in ways:
        stretches = [part.tolist() for part in np.split(order, starts[1:])]
        assert starts[0] == 0
        expected = [[place for place, each in enumerate(rows) if each == row] for row in set(rows)]
        assert sorted(stretches) == sorted(expected)


@pytest.mark.parametrize("width", [0, 1, 2, 5])
def test_no_rows_to_group(width: int) -> None:
    """Of no rows there is no group."""
    order, starts = group_rows(columns_of([], width), 0)
    assert (order.tolist(), starts.tolist()) == ([], [])
