"""Counts of derivations: a row is there while one is left, and only what that changes goes on, against a counter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine import keys
from congresslite.engine.counting import TableDelta, consolidated, delta_of, merged, united
from congresslite.engine.relation import Relation
from tests.engine.encoded import IdRow, bag_of, columns_of, listed, rows_of, sized, summed
from tests.examples import few

QUICK = few(40)

WIDTHS: dict[str, list[int]] = {
    "no columns": [],
    "one column": [5],
    "two columns": [5, 5],
    "exactly 63 bits": [1 << 9] * 7,
    "more than 63 bits": [1 << 13] * 5,
}
OWNERS = (object(), object())


def row_of(sizes: Sequence[int]) -> st.SearchStrategy[IdRow]:
    """Rows of few ids, at both ends of each column's range."""
    return st.tuples(*[st.sampled_from([0, 1, size - 1]) for size in sizes])


def went(delta: TableDelta) -> list[IdRow]:
    return sorted(rows_of(delta.gone, delta.gone_rows))


def came(delta: TableDelta) -> list[IdRow]:
    return sorted(rows_of(delta.came, delta.came_rows))


@pytest.mark.parametrize("colliding", [False, True], ids=["as hashed", "every hash the same"])
@pytest.mark.parametrize("sizes", WIDTHS.values(), ids=WIDTHS)
@QUICK
@given(data=st.data())
def test_bags_are_consolidated(sizes: list[int], colliding: bool, data: st.DataObject) -> None:
    """Each row remains once with the sum of its weights, unless they cancel out; the bag that was given stays."""
    weights = data.draw(st.lists(st.tuples(row_of(sizes), st.integers(-2, 2)), max_size=12))
    bag = bag_of(weights, len(sizes))
    with pytest.MonkeyPatch.context() as patch:
        if colliding:
            patch.setattr(keys, "mixed_rows", lambda _, length: np.zeros(length, np.uint64))
        once = consolidated(bag, [sized(size) for size in sizes])
    assert listed(once) == sorted(summed(weights).items())
    assert listed(bag) == sorted(weights)


@pytest.mark.parametrize("width", [0, 1, 3])
@QUICK
@given(data=st.data())
def test_bags_are_united(width: int, data: st.DataObject) -> None:
    """All bags as one have all rows with their weights; no bags have none."""
    bags = data.draw(st.lists(st.lists(st.tuples(row_of([5] * width), st.integers(-2, 2)), max_size=4), max_size=4))
    bag = united([bag_of(each, width) for each in bags], width)
    assert len(bag.columns) == width
    assert listed(bag) == sorted(pair for each in bags for pair in each)


@QUICK
@given(weights=st.dictionaries(row_of([5, 5]), st.sampled_from([-1, 1]), max_size=8))
def test_a_delta_is_a_signed_bag(weights: Mapping[IdRow, int]) -> None:
    """Rows of positive weight came and the others went; signed, they are the bag that they were."""
    delta = delta_of(bag_of(weights.items(), 2))
    assert came(delta) == sorted(row for row, weight in weights.items() if weight > 0)
    assert went(delta) == sorted(row for row, weight in weights.items() if weight < 0)
    assert bool(delta) == bool(weights)
    assert listed(delta.signed()) == sorted(weights.items())


def counts_of(relation: Relation) -> Mapping[IdRow, int]:
    """The rows of a relation with their counts; asserts that none repeats."""
    rows = rows_of(relation.columns(), relation.rows)
    living = relation.living()
    counts = relation.beside(0) if relation.extras else np.ones(relation.size, np.int64)
    counts = counts if living is None else counts[living]
    assert len(set(rows)) == len(rows)
    return dict(zip(rows, counts.tolist(), strict=True))


@pytest.mark.parametrize("counted", [False, True], ids=["counts of 1 only", "counted"])
@pytest.mark.parametrize("sizes", WIDTHS.values(), ids=WIDTHS)
@QUICK
@given(data=st.data())
def test_derivations_come_and_go(sizes: list[int], counted: bool, data: st.DataObject) -> None:
    """After each bag every row has the count that is left, and what is told are the rows that appear and vanish."""
    width, dictionaries = len(sizes), [sized(size) for size in sizes]
    extras = [np.zeros(0, np.int32)] if counted else []
    relation = Relation.empty("t", dictionaries, extras=extras, owner=OWNERS[0])
    counts: Counter[IdRow] = Counter()
    made: list[tuple[Relation, Mapping[IdRow, int]]] = [(relation, {})]
    for _ in range(data.draw(st.integers(1, 6))):
        rows = data.draw(st.lists(row_of(sizes), max_size=6, unique=True))
        weights = {row: data.draw(st.integers(-counts[row], 2).filter(bool)) for row in rows}
        before = dict(counts)
        counts.update(weights)
        counts = +counts
        relation, delta = merged(relation, bag_of(weights.items(), width), data.draw(st.sampled_from(OWNERS)))
        made.append((relation, dict(counts)))
        assert came(delta) == sorted(counts.keys() - before.keys())
        assert went(delta) == sorted(before.keys() - counts.keys())
        # What nobody needs to count stands alone.
        assert bool(relation.extras) == (counted or any(each > 1 for _, all_ in made for each in all_.values()))
        assert relation.distinct
    for each, expected in made:
        assert counts_of(each) == expected


def test_counts_appear_once_a_row_is_derived_twice() -> None:
    """A relation without counts gets them with the first row that has two derivations, dead rows left out."""
    held = Relation("t", [sized(9)], columns_of([(1,), (2,), (3,)], 1), 3, distinct=True, owner=OWNERS[0])
    fewer, _ = merged(held, bag_of([((1,), -1)], 1), OWNERS[0])
    assert (fewer.extras, counts_of(fewer)) == (0, {(2,): 1, (3,): 1})
    twice, delta = merged(fewer, bag_of([((3,), 1), ((4,), 1), ((2,), -1)], 1), OWNERS[0])
    assert (twice.extras, counts_of(twice)) == (1, {(3,): 2, (4,): 1})
    assert (came(delta), went(delta)) == ([(4,)], [(2,)])
    once, delta = merged(twice, bag_of([((3,), -1)], 1), OWNERS[0])
    assert (counts_of(once), bool(delta)) == ({(3,): 1, (4,): 1}, False)
    assert (held.extras, counts_of(held)) == (0, {(1,): 1, (2,): 1, (3,): 1})


def test_an_empty_bag_changes_nothing() -> None:
    """Of no derivations nothing follows."""
    held = Relation("t", [sized(9)], columns_of([(1,)], 1), 1, distinct=True)
    after, delta = merged(held, bag_of([], 1), None)
    assert counts_of(after) == {(1,): 1}
    assert not delta
