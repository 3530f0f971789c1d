"""Tombstones: which rows are dead, whether they are flagged or listed, against a set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine import tombstones as module
from congresslite.engine.tombstones import Tombstones
from tests.examples import few

QUICK = few(50)

# How many dead rows are listed before they are flagged; for how many questions flags are made at any rate.
WAYS: dict[str, tuple[int, int]] = {
    "a list": (1024, 1 << 14),
    "flags": (1, 1 << 14),
    "flags and a list": (4, 1 << 14),
    "a list, asked in bulk": (1024, 0),
    "flags and a list, asked in bulk": (4, 0),
}


def dead_among(stones: Tombstones, places: list[int], dtype: type = np.int64) -> list[bool]:
    """For each row whether it is dead; asserts that None stands for nobody, and for no other answer."""
    dead = stones.dead(np.array(places, dtype))
    assert dead is None or dead.any()
    return [False] * len(places) if dead is None else dead.tolist()


def alive_among(stones: Tombstones, size: int) -> list[int]:
    """The living among the first rows."""
    living = stones.alive(size)
    return list(range(size)) if living is None else living.tolist()


@pytest.mark.parametrize(("listed", "bulk"), WAYS.values(), ids=WAYS)
@QUICK
@given(
    batches=st.lists(st.sets(st.integers(0, 40), max_size=9), max_size=6),
    asked=st.lists(st.integers(0, 60), max_size=12),
    narrow=st.booleans(),
)
def test_against_a_set(listed: int, bulk: int, batches: list[set[int]], asked: list[int], narrow: bool) -> None:
    """The rows that died are dead and no others, after each batch, and older values stay what they were."""
    dtype = np.int32 if narrow else np.int64
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_LISTED", listed)
        patch.setattr(module, "_BULK", bulk)
        stones, dead = Tombstones(), set[int]()
        made = [(stones, frozenset(dead))]
        for batch in batches:
            new = sorted(batch - dead, key=lambda place: (place % 5, place))  # in no order
            stones = stones.with_dead(np.array(new, dtype))
            dead |= batch
            made.append((stones, frozenset(dead)))
        for each, expected in made:
            assert each.count == len(expected)
            assert dead_among(each, asked, dtype) == [place in expected for place in asked]
            for size in (0, 1, 20, 41, 60):
                assert alive_among(each, size) == [place for place in range(size) if place not in expected]


def test_nobody_is_dead() -> None:
    """Where no row is dead, nothing is made to say so."""
    stones = Tombstones()
    assert stones.dead(np.arange(5)) is None
    assert stones.alive(5) is None
    stones = stones.with_dead(np.array([7]))
    assert stones.dead(np.arange(5)) is None
    assert stones.dead(np.zeros(0, np.int64)) is None


@pytest.mark.parametrize("batch", [1, 100, 700, 5_000])
def test_many_rows(batch: int) -> None:
    """Thousands of dead rows, in small batches or large, are the dead ones to thousands of questions at once."""
    order = np.random.default_rng(3).permutation(20_000)
    killed = order[: 5_000 if batch > 1 else 1_200]
    stones = Tombstones()
    for start in range(0, len(killed), batch):
        stones = stones.with_dead(killed[start : start + batch])
    expected = np.zeros(20_001, bool)
    expected[killed] = True
    for places in (np.arange(20_001), order[::7], order[:40]):
        assert dead_among(stones, places.tolist()) == expected[places].tolist()
    assert alive_among(stones, 20_001) == np.flatnonzero(~expected).tolist()
