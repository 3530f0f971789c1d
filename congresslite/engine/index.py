"""
Indexes: where each id of a column stands, by segments of rows.

An index is a value: to cover more rows is to make another one, which shares
every segment that it can. A new segment holds what came last; it takes in the
segments before it that are not much larger, so that a row is sorted in again
only a few times on its way into the largest, and a lookup meets few segments
(a log-structured merge: O'Neil and others, 1996). Rows that went away stay in;
whoever looks up asks the relation which of them live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.dictionary import Ids
from congresslite.engine.sorting import ROW, ROW_BITS, sorted_keys

Places = NDArray[Any]  # rows of a relation, of int32 or int64

# A segment takes in the one before it unless that is this many times as large.
GROWTH = 4
# Each id has its offset where a segment has a row for so many ids of the dictionary, or else ids are searched for. To
# make offsets costs the dictionary's length, which the rows of a table that is read whole repay sooner.
_FIRST, _LATER = 32, 2
# Flags for each row of a sparse segment, at least.
_FLAGS = 8


@dataclass(frozen=True, slots=True)
class Index:
    """The segments of an index, from the first row to the last it covers."""

    segments: tuple[Segment, ...] = ()
    covered: int = 0

    @property
    def unique(self) -> bool:
        """Whether each id stands in one row at most, those that went away included; False if nobody knows."""
        return not self.segments or (len(self.segments) == 1 and self.segments[0].unique)

    def extended(self, ids: Callable[[int], Ids], end: int, size: int | None) -> Index:
        """The index of the rows before `end`; `ids` gives the ids from a row on, `size` bounds them (None: by far)."""
        kept, start = list(self.segments), self.covered
        keys: NDArray[np.int64] | None = sorted_keys(ids(start), start)
        while kept and kept[-1].length < GROWTH * (end - start):
            last = kept.pop()
            start = last.start
            keys = None if last.keys is None or keys is None else _merged(last.keys, keys)
        dense = size is not None and (end - start) * (_LATER if self.segments else _FIRST) >= size
        if size is None or not dense:
            return Index((*kept, Sparse(sorted_keys(ids(start), start) if keys is None else keys, start)), end)
        return Index((*kept, Dense(ids(start), start, size)), end)

    def probe(self, ids: Ids, size: int) -> tuple[Places, Places]:
        """The rows of each id, dead ones included: which id, and which row. `size` bounds the ids."""
        parts = [part for segment in self.segments for part in [segment.find(ids, size)] if len(part[0])]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return _NOWHERE, _NOWHERE
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


_NOWHERE = np.zeros(0, np.int64)


class Sparse:
    """Some rows of a column as sorted keys: the id in the upper half, the row in the lower."""

    unique = False

    def __init__(self, keys: NDArray[np.int64], start: int) -> None:
        self.keys = keys
        self.start, self.length = start, len(keys)
        # Flags of the ids' last bits tell at once of most ids that no row has them.
        self._last = np.int32((1 << (self.length * _FLAGS).bit_length()) - 1)
        self._flags = np.zeros(int(self._last) + 1, bool)
        self._flags[(keys >> ROW_BITS) & self._last] = True

    def likely(self, ids: Ids) -> Places:
        """The places of the ids of which there may be rows."""
        places: Places = self._flags[ids & self._last].nonzero()[0]
        return places

    def spans(self, ids: Ids, size: int) -> tuple[Places, Places]:
        """For each id, where its rows start in the permutation, and how many they are. `size` bounds the ids."""
        low = ids.astype(np.int64)
        low <<= ROW_BITS
        first = self.keys.searchsorted(low)
        low |= ROW
        return first, self.keys.searchsorted(low, "right") - first

    def expand(self, first: Places, counts: Places) -> tuple[Places, Places]:
        """All rows of these spans, and for each row from which span it comes."""
        which, within = _expanded(first, counts)
        return which, self.keys[within] & ROW

    def find(self, ids: Ids, size: int) -> tuple[Places, Places]:
        """The rows of each id: which id, and which row."""
        likely = self.likely(ids)
        if not len(likely):
            return _NOWHERE, _NOWHERE
        which, rows = self.expand(*self.spans(ids[likely], size))
        return likely[which], rows


class Dense:
    """Some rows of a column by id: offsets into a permutation, or one place an id where none repeats."""

    keys = None

    def __init__(self, ids: Ids, start: int, size: int) -> None:
        self.start, self.length = start, len(ids)
        self._size = size
        counts = np.bincount(ids, minlength=size)
        self.unique = bool(counts.max(initial=0) <= 1)
        if self.unique:
            self._place = np.full(size, -1, np.int32)
            self._place[ids] = np.arange(start, start + len(ids), dtype=np.int32)
        else:
            self._offsets = np.zeros(size + 1, np.int32)
            np.cumsum(counts, out=self._offsets[1:])
            self._rows = (sorted_keys(ids, start) & ROW).astype(np.int32)

    def likely(self, ids: Ids) -> None:
        """Nothing: an offset tells as quickly."""

    def lookup(self, ids: Ids, size: int) -> Places:
        """For a unique segment: the row of each id, -1 where there is none."""
        if size <= self._size:
            return self._place[ids]
        known = ids < self._size
        return np.where(known, self._place[np.where(known, ids, 0)], -1)

    def spans(self, ids: Ids, size: int) -> tuple[Places, Places]:
        """For each id, where its rows start in the permutation, and how many they are. `size` bounds the ids."""
        if size <= self._size:
            first = self._offsets[ids]
            return first, self._offsets[ids + 1] - first
        known = ids < self._size
        ids = np.where(known, ids, 0)
        first = self._offsets[ids]
        return first, np.where(known, self._offsets[ids + 1] - first, 0)

    def expand(self, first: Places, counts: Places) -> tuple[Places, Places]:
        """All rows of these spans, and for each row from which span it comes."""
        which, within = _expanded(first, counts)
        return which, self._rows[within]

    def find(self, ids: Ids, size: int) -> tuple[Places, Places]:
        """The rows of each id: which id, and which row."""
        if not self.unique:
            return self.expand(*self.spans(ids, size))
        places = self.lookup(ids, size)
        which = (places >= 0).nonzero()[0]
        return which, places[which]


Segment = Sparse | Dense


def _expanded(first: Places, counts: Places) -> tuple[Places, Places]:
    which = counts.nonzero()[0]
    some = counts[which]
    total = int(some.sum())
    if total == len(which):  # no span has two rows
        return which, first[which]
    within = np.arange(total)
    within += (first[which] - some.cumsum() + some).repeat(some)
    return which.repeat(some), within


def _merged(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two sorted runs as one."""
    if len(right) * 2 > len(left):
        merged = np.concatenate((left, right))
        merged.sort(kind="stable")  # NumPy finds the runs and merges them
        return merged
    places = left.searchsorted(right)
    places += np.arange(len(right))
    merged = np.empty(len(left) + len(right), np.int64)
    others = np.ones(len(merged), bool)
    others[places] = False
    merged[places] = right
    merged[others] = left
    return merged
