"""Indexes: each id is found in all of its rows, however the index grew, against a dict of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine.index import GROWTH, Dense, Index, Sparse
from tests.engine.encoded import ids
from tests.examples import few

QUICK = few(40)

LARGEST = 2**31 - 1
Rows = Mapping[int, list[int]]


def extended(index: Index, column: Sequence[int], size: int | None) -> Index:
    """The index of a whole column."""
    return index.extended(lambda start: ids(column[start:]), len(column), size)


def model(column: Sequence[int]) -> Rows:
    """The rows of each id."""
    rows: dict[int, list[int]] = {}
    for row, id_ in enumerate(column):
        rows.setdefault(id_, []).append(row)
    return rows


def probed(index: Index, wanted: Sequence[int], size: int) -> list[list[int]]:
    """The rows that a probe finds for each id."""
    which, rows = index.probe(ids(wanted), size)
    found: list[list[int]] = [[] for _ in wanted]
    for place, row in zip(which.tolist(), rows.tolist(), strict=True):
        found[place].append(row)
    return [sorted(each) for each in found]


def expected(column: Sequence[int], wanted: Sequence[int]) -> list[list[int]]:
    rows = model(column)
    return [rows.get(id_, []) for id_ in wanted]


COLUMNS: dict[str, list[int]] = {
    "no rows": [],
    "a row": [3],
    "no value repeats": [5, 2, 9, 0],
    "values repeat": [5, 2, 5, 0, 2, 5],
    "one value": [7] * 6,
    "null only": [0, 0],
}
SIZES: dict[str, int | None] = {"small": 10, "few ids among many": 1 << 20, "unknown": None}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_each_id_is_found(column: list[int], size: int | None) -> None:
    """Each id is found in its rows, repeated questions too, and ids that came after the index was made in none."""
    index = extended(Index(), column, size)
    wanted = [5, 0, 1, 2, 3, 5, 7, 9, 10, 11, 1 << 20, LARGEST - 1, 7]
    assert probed(index, wanted, LARGEST) == expected(column, wanted)
    # No id that is asked for lies beyond the size: the quick way.
    wanted = [9, 0, 5, 5, 3]
    assert probed(index, wanted, size or 10) == expected(column, wanted)
    assert probed(index, [], LARGEST) == []
    assert index.covered == len(column)


KINDS: dict[str, tuple[int, int | None, type, bool]] = {
    "a row for 32 ids": (2, 64, Dense, False),
    "fewer rows": (2, 65, Sparse, False),
    "later, a row for 2 ids": (32, 64, Dense, True),
    "later, fewer rows": (32, 65, Sparse, True),
    "a size that nobody knows": (1_000, None, Sparse, False),
    "no rows of no ids": (0, 1, Sparse, False),
}


@pytest.mark.parametrize(("rows", "size", "kind", "later"), KINDS.values(), ids=KINDS)
def test_offsets_are_made_where_rows_repay_them(rows: int, size: int | None, kind: type, later: bool) -> None:
    """Ids have offsets where a segment has rows enough for them; of a table that is read whole fewer will do."""
    start = extended(Index(), [1], None) if later else Index()
    index = extended(start, [1] * rows, size)
    assert [type(segment) for segment in index.segments] == [kind]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_spans(column: list[int], size: int | None) -> None:
    """Spans count the rows of ids and are expanded to them; what a segment says is unlikely has none."""
    (segment,) = extended(Index(), column, size).segments
    wanted = [5, 0, 1, 2, 7, 9, 2, 1 << 20, LARGEST - 1]
    rows = expected(column, wanted)
    likely = segment.likely(ids(wanted))
    if likely is not None:
        assert {place for place, each in enumerate(rows) if each} <= set(likely.tolist())
    if segment.unique:
        assert isinstance(segment, Dense)
        assert segment.lookup(ids(wanted), LARGEST).tolist() == [each[0] if each else -1 for each in rows]
        return
    first, counts = segment.spans(ids(wanted), LARGEST)
    assert counts.tolist() == [len(each) for each in rows]
    which, places = segment.expand(first, counts)
    pairs = [(place, row) for place, each in enumerate(rows) for row in each]
    assert list(zip(which.tolist(), places.tolist(), strict=True)) == pairs


def test_a_span_may_be_cut() -> None:
    """Whoever wants some rows of an id only expands a part of its span; the parts together are all of its rows."""
    for size in (8, None):
        (segment,) = extended(Index(), [3, 1, 3, 3, 1, 3], size).segments
        first, counts = segment.spans(ids([3]), LARGEST)
        parts = [segment.expand(first + at, counts // 2)[1].tolist() for at in (0, 2)]
        assert parts == [[0, 2], [3, 5]]


UNIQUE: dict[str, tuple[list[list[int]], int | None, bool]] = {
    "nothing was indexed": ([], 8, True),
    "no value repeats": ([[3, 1, 2]], 8, True),
    "a value repeats": ([[3, 1, 3]], 8, False),
    "values that are searched for: nobody knows": ([[3, 1, 2]], None, False),
    "two segments: nobody knows": ([list(range(40)), [50]], 64, False),
    "two segments that became one": ([[1, 2], [3]], 4, True),
    "two that became one, and a value repeats": ([[1, 2], [2]], 4, False),
}


@pytest.mark.parametrize(("batches", "size", "unique"), UNIQUE.values(), ids=UNIQUE)
def test_uniqueness(batches: list[list[int]], size: int | None, unique: bool) -> None:
    """An index is unique only where it shows that no id stands in two rows."""
    index, column = Index(), list[int]()
    for batch in batches:
        column += batch
        index = extended(index, column, size)
    assert index.unique is unique


@pytest.mark.parametrize("sizes", [[8] * 9, [8, 9, 9, 40, 41, 300, 301, 302, 9_000], [None] * 9], ids=str)
@QUICK
@given(data=st.data())
def test_growth_against_a_dict_of_lists(sizes: list[int | None], data: st.DataObject) -> None:
    """Rows that are appended are found, among ids that become more from batch to batch; older indexes stay right."""
    index, column, older = Index(), list[int](), list[tuple[Index, int]]()
    for size in sizes[: data.draw(st.integers(1, 9))]:
        bound = LARGEST if size is None else size
        id_ = st.sampled_from([0, 1, 2, 3, 7, bound - 1])
        column += data.draw(st.one_of(st.lists(id_, max_size=3), st.lists(id_, min_size=20, max_size=60)))
        index = extended(index, column, size)
        older.append((index, len(column)))
    wanted = [0, 1, 2, 3, 4, 7, 8, 39, 40, 299, 8_999, LARGEST - 1]
    for each, covered in older:
        assert each.covered == covered
        assert probed(each, wanted, LARGEST) == expected(column[:covered], wanted)


@pytest.mark.parametrize("size", [64, None], ids=["offsets", "sorted keys"])
@pytest.mark.parametrize("step", [1, 2, 7])
def test_segments_stay_few(step: int, size: int | None) -> None:
    """An index that grows by little has a logarithm of segments, each far larger than the next, one after another."""
    index, column = Index(), list[int]()
    for number in range(900):
        column += [number % 61] * step
        before, index = index, extended(index, column, size)
        lengths = [segment.length for segment in index.segments]
        assert sum(lengths) == len(column)
        assert [segment.start for segment in index.segments] == [sum(lengths[:at]) for at in range(len(lengths))]
        assert all(one >= GROWTH * other for one, other in pairwise(lengths))
        # All but the last are the very ones that there were.
        assert all(one is other for one, other in zip(index.segments[:-1], before.segments, strict=False))
    assert len(index.segments) <= 8
    assert probed(index, [0, 60, 61], LARGEST) == expected(column, [0, 60, 61])


MERGES: dict[str, tuple[int, int]] = {
    "few rows into many": (7 * GROWTH, 8),
    "rows into as many": (20, 20),
    "many rows into few": (3, 50),
    "too few rows to take in many": (8 * GROWTH, 8),
}


@pytest.mark.parametrize(("first", "second"), MERGES.values(), ids=MERGES)
def test_sorted_keys_are_merged(first: int, second: int) -> None:
    """Sorted segments become one sorted segment, unless the new rows are few against the old."""
    column = [(number * 7) % 13 for number in range(first + second)]
    index = extended(extended(Index(), column[:first], None), column, None)
    assert len(index.segments) == (2 if first >= GROWTH * second else 1)
    for segment in index.segments:
        assert isinstance(segment, Sparse)
        assert segment.keys.tolist() == sorted(segment.keys.tolist())
    wanted = list(range(14))
    assert probed(index, wanted, LARGEST) == expected(column, wanted)
