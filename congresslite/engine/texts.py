"""
Texts that came in columns, found many at a time by a hash of their bytes.

A dict of Python's texts finds one in half a microsecond, most of which it waits
for memory. Where hundreds are asked for at once, arrays wait for all of them
together. What a hash says is checked against the texts themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from congresslite.engine.sorting import sort_places

Ids = NDArray[np.int32]
Hashes = NDArray[np.uint64]

# Texts that are hashed at a time, which bounds what that takes.
_AT_ONCE = 1 << 16
# A factor for each place in a text; they recur in long ones, which costs a comparison now and then.
_FACTORS = np.random.default_rng(5).integers(1, 2**62, 1024, np.uint64) * np.uint64(2) + np.uint64(1)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def as_texts(values: Sequence[Any]) -> Any | None:
    """An Arrow array of values that are texts, all of them; None if one is anything else."""
    try:
        texts = pa.array(values, pa.string())
    except (pa.ArrowException, UnicodeEncodeError):
        return None
    return None if texts.null_count else texts


class TextIndex:
    """The ids of texts that all differ, and that more are appended to now and then."""

    def __init__(self) -> None:
        self._tables: tuple[int, tuple[_Table, ...]] = (0, ())

    def covers(self, texts: Any) -> bool:
        """Whether all these texts are found."""
        return self._tables[0] == len(texts)

    def extend(self, texts: Any, strings: NDArray[np.int64], places: NDArray[np.int64]) -> None:
        """Cover all of `texts`: those of the ids in `strings`, for each of which `places` has the place among them.

        Places beyond belong to texts that came otherwise. One thread at a time.
        """
        covered, tables = self._tables
        at = places[strings] - covered
        chosen = (at >= 0) & (at < len(texts) - covered)
        ids = np.empty(len(texts) - covered, np.int32)
        ids[at[chosen]] = strings[chosen]
        self._tables = len(texts), (*tables, _Table(texts.slice(covered), ids))

    def find(self, asked: Any) -> Ids:
        """The ids of the texts of an Arrow array without nulls, -1 for those that are not covered."""
        mixed = _hashes(asked)
        found = np.full(len(asked), -1, np.int32)
        for table in self._tables[1]:
            table.fill(found, asked, mixed)
        return found


class _Table:
    """Texts by the first bits of their hashes: where each bucket starts in a permutation of them."""

    def __init__(self, texts: Any, ids: Ids) -> None:
        self._texts, self._ids, self._hashes = texts, ids, _hashes(texts)
        bits = max(1, len(texts).bit_length())
        self._shift = np.uint64(64 - bits)
        buckets = (self._hashes >> self._shift).astype(np.int64)
        self._starts = np.zeros((1 << bits) + 1, np.int32)
        np.cumsum(np.bincount(buckets, minlength=1 << bits), out=self._starts[1:])
        self._places = sort_places(buckets).astype(np.int32)

    def fill(self, found: Ids, asked: Any, mixed: Hashes) -> None:
        """Put in the ids of those texts that are here."""
        buckets = (mixed >> self._shift).astype(np.int64)
        first = self._starts[buckets]
        counts = self._starts[buckets + 1] - first
        which = np.arange(len(mixed)).repeat(counts)
        places = self._places[np.arange(len(which)) + (first - counts.cumsum() + counts).repeat(counts)]
        same = (self._hashes[places] == mixed[which]).nonzero()[0]
        which, places = which[same], places[same]
        equal = pc.equal(self._texts.take(pa.array(places)), asked.take(pa.array(which)))
        sure = np.asarray(equal).astype(bool)
        found[which[sure]] = self._ids[places[sure]]


def _hashes(texts: Any) -> Hashes:
    """A number of 64 bits for each text of an Arrow array without nulls."""
    parts = [_some_hashes(texts.slice(start, _AT_ONCE)) for start in range(0, len(texts), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _some_hashes(texts: Any) -> Hashes:
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4).astype(np.int64)
    first, ends = int(ends[0]), ends - ends[0]
    starts, lengths, total = ends[:-1], np.diff(ends), int(ends[-1])
    mixed: Hashes = lengths.astype(np.uint64)
    if total:
        values = np.frombuffer(data, np.uint8, total, first).astype(np.uint64)
        values += np.uint64(1)
        values *= _FACTORS[(np.arange(total) - starts.repeat(lengths)) & (len(_FACTORS) - 1)]
        some = lengths > 0
        mixed[some] += np.add.reduceat(values, starts[some])
    mixed ^= mixed >> np.uint64(32)
    mixed *= _MIX
    return mixed
