"""
Sets of rows: which rows are there already, and which of a batch are new.

A row of ids is packed into one 64-bit key, with as many bits a column as its
dictionary needs. Where few bits do, the set is an array of flags; otherwise it
is a few sorted runs of keys, merged as they grow, so that a round of recursion
costs what it adds (a union of everything in each round costs forty times as
much). Rows too wide for 64 bits are packed from the left, each prefix numbered.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.sorting import sort_places

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Flags for up to 2^26 keys: 64 MB at most, and no page of it is real before it is touched.
_DENSE_BITS = 26
_KEY_BITS, _ID_BITS = 63, 31


class KeySet:
    """A growing set of rows over given dictionaries. One thread may add; any number may ask what nobody adds to."""

    def __init__(self, dictionaries: Sequence[Dictionary]) -> None:
        self._dictionaries = tuple(dictionaries)
        self._parts = self._empty()
        self._fitting = threading.Lock()

    def _empty(self) -> tuple[_Packer, _Dense | _Runs]:
        packer = _Packer(self._dictionaries)
        return packer, packer.new_store()

    def add(self, columns: Sequence[Ids], length: int) -> tuple[list[Ids], int]:
        """Add rows; returns the columns of those that were not there, each once, and how many these are."""
        packer, store = self._fitted()
        fresh = store.add(packer.pack(columns, length))
        return packer.unpack(fresh), len(fresh)

    def contains(self, columns: Sequence[Ids], length: int) -> Mask:
        """Which of these rows are in the set; a row with an id of -1 is not."""
        packer, store = self._fitted()
        missing = np.zeros(length, bool)
        for column in columns:
            if len(column) and column.min() < 0:
                missing |= column < 0
        if missing.any():
            columns = [np.where(missing, 0, column) for column in columns]
        result = store.contains(packer.pack(columns, length, add=False))
        return result & ~missing

    def _fitted(self) -> tuple[_Packer, _Dense | _Runs]:
        """How rows are packed, and the keys; packed anew if a dictionary has outgrown its bits."""
        if not self._parts[0].fits():
            with self._fitting:
                packer, store = self._parts
                if not packer.fits():
                    keys = store.all_keys()
                    columns = packer.unpack(keys)
                    wider, anew = self._empty()
                    anew.add(wider.pack(columns, len(keys)))
                    self._parts = wider, anew
        return self._parts


class _Packer:
    """Rows to keys and back, for dictionaries no larger than they are now (with some room to grow)."""

    def __init__(self, dictionaries: tuple[Dictionary, ...]) -> None:
        self._dictionaries = dictionaries
        needed = [_bits(each) for each in dictionaries]
        self.dense = sum(needed) <= _DENSE_BITS
        if not self.dense and len(needed) <= 2:
            needed = [_ID_BITS] * len(needed)  # no id is larger
        self._bits = needed
        self._sizes = [1 << bits for bits in needed]
        self._total = sum(needed)
        self._prefixes: _Prefixes | None = None
        if self._total > _KEY_BITS:
            self._prefixes = _Prefixes(dictionaries[:-1])

    def new_store(self) -> _Dense | _Runs:
        return _Dense(1 << self._total) if self.dense else _Runs()

    def fits(self) -> bool:
        if self._prefixes is not None:
            return self._prefixes.fits()
        return all(each.size <= size for each, size in zip(self._dictionaries, self._sizes, strict=True))

    def pack(self, columns: Sequence[Ids], length: int, *, add: bool = True) -> Keys:
        if self._prefixes is not None:
            return self._prefixes.pack(columns, length, add=add)
        if not columns:
            return np.zeros(length, np.int64)
        return _joined(columns, self._bits)

    def unpack(self, keys: Keys) -> list[Ids]:
        if self._prefixes is not None:
            return self._prefixes.unpack(keys)
        return _split(keys, self._bits)


class _Prefixes:
    """Keys of rows too wide to pack: the columns but the last are numbered as rows of their own, the last is beside."""

    def __init__(self, dictionaries: tuple[Dictionary, ...]) -> None:
        self._dictionaries = dictionaries
        self._left = _Packer(dictionaries)
        self._keys = np.zeros(0, np.int64)  # by number
        # Sorted runs of keys with their numbers, each at least twice as long as the next.
        self._runs: list[tuple[Keys, Keys]] = []

    def pack(self, columns: Sequence[Ids], length: int, *, add: bool) -> Keys:
        keys = self._left.pack(columns[:-1], length, add=add)
        distinct, inverse = np.unique(keys, return_inverse=True)
        numbers = self._numbers(distinct)
        if add:
            new = np.flatnonzero(numbers < 0)
            numbers[new] = self._append(distinct[new])
        packed = numbers[inverse] << 31
        return np.where(packed < 0, -1, packed | columns[-1])

    def unpack(self, keys: Keys) -> list[Ids]:
        return [*self._left.unpack(self._keys[keys >> 31]), (keys & (2**31 - 1)).astype(np.int32)]

    def _numbers(self, distinct: Keys) -> Keys:
        """The numbers of keys, -1 for those that have none."""
        numbers = np.full(len(distinct), -1, np.int64)
        for run, of_run in self._runs:
            places = np.searchsorted(run, distinct)
            places[places == len(run)] = 0
            known = run[places] == distinct
            numbers[known] = of_run[places[known]]
        return numbers

    def _append(self, new: Keys) -> Keys:
        """Numbers for sorted keys that have none."""
        numbers = np.arange(len(self._keys), len(self._keys) + len(new))
        self._keys = np.concatenate((self._keys, new))
        if len(new):
            self._runs.append((new, numbers))
        while len(self._runs) > 1 and len(self._runs[-1][0]) * 2 > len(self._runs[-2][0]):
            last, before = self._runs.pop(), self._runs.pop()
            keys, of_keys = np.concatenate((before[0], last[0])), np.concatenate((before[1], last[1]))
            order = np.argsort(keys, kind="stable")
            self._runs.append((keys[order], of_keys[order]))
        return numbers

    def fits(self) -> bool:
        return self._left.fits()


class _Dense:
    """A flag for each possible key."""

    def __init__(self, space: int) -> None:
        self._flags = np.zeros(space, bool)

    def add(self, keys: Keys) -> Keys:
        new = keys[~self._flags[keys]]
        if len(new) > 1:
            if len(new) * 8 > len(self._flags):
                fresh = np.zeros(len(self._flags), bool)
                fresh[new] = True
                new = np.flatnonzero(fresh)
            else:
                new = _sorted_distinct(new)
        self._flags[new] = True
        return new

    def contains(self, keys: Keys) -> Mask:
        return self._flags[keys]

    def all_keys(self) -> Keys:
        return np.flatnonzero(self._flags)


class _Runs:
    """Sorted runs of keys, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def add(self, keys: Keys) -> Keys:
        new = _sorted_distinct(keys)
        for run in self._runs:
            if not len(new):
                return new
            new = new[~_in_run(run, new)]
        if len(new):
            self._runs.append(new)
            while len(self._runs) > 1 and len(self._runs[-1]) * 2 > len(self._runs[-2]):
                merged = np.concatenate((self._runs.pop(), self._runs.pop()))
                merged.sort(kind="stable")
                self._runs.append(merged)
        return new

    def contains(self, keys: Keys) -> Mask:
        found = np.zeros(len(keys), bool)
        for run in self._runs:
            found |= _in_run(run, keys)
        return found

    def all_keys(self) -> Keys:
        return np.concatenate(self._runs) if self._runs else np.zeros(0, np.int64)


def _in_run(run: Keys, keys: Keys) -> Mask:
    """Which of the keys a run, which is not empty, holds."""
    places = np.searchsorted(run, keys)
    places[places == len(run)] = 0
    same: Mask = run[places] == keys
    return same


def _sorted_distinct(keys: Keys) -> Keys:
    """The keys in order, each once."""
    ordered = np.sort(keys)
    if len(ordered) < 2:
        return ordered
    keep = _firsts(ordered)
    return ordered if keep.all() else ordered[keep]


def _firsts(ordered: Keys) -> Mask:
    """Where a key differs from the one before it; the first one does."""
    change = np.empty(len(ordered), bool)
    change[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=change[1:])
    return change


def packed(columns: Sequence[Ids], dictionaries: Sequence[Dictionary]) -> Keys | None:
    """Each row as one integer; None for rows without columns, or too wide."""
    bits = _widths(dictionaries)
    return _joined(columns, bits) if columns and sum(bits) <= _KEY_BITS else None


def unpacked(keys: Keys, dictionaries: Sequence[Dictionary]) -> list[Ids]:
    """The columns of rows that have been packed."""
    return _split(keys, _widths(dictionaries))


def _joined(columns: Sequence[Ids], bits: Sequence[int]) -> Keys:
    """Each row as one integer, with so many bits for each of the columns, of which there is one at least."""
    key = columns[0].astype(np.int64)
    for column, wide in zip(columns[1:], bits[1:], strict=True):
        key <<= wide
        key |= column
    return key


def _split(keys: Keys, bits: Sequence[int]) -> list[Ids]:
    """The columns of rows that were joined."""
    columns: list[Ids] = []
    for wide in reversed(bits):
        columns.append((keys & ((1 << wide) - 1)).astype(np.int32))
        keys = keys >> wide
    return columns[::-1]


def _widths(dictionaries: Sequence[Dictionary]) -> list[int]:
    """The bits of each column; one or two columns have room for any id."""
    return [_ID_BITS] * len(dictionaries) if len(dictionaries) <= 2 else [_bits(each) for each in dictionaries]


def _bits(dictionary: Dictionary) -> int:
    return max(1, (dictionary.size - 1).bit_length())


def counted_rows(
    columns: Sequence[Ids], length: int, dictionaries: Sequence[Dictionary]
) -> tuple[list[Ids], NDArray[np.int64]]:
    """Each of these rows once, and how often it occurs."""
    keys = packed(columns, dictionaries)
    if keys is None:
        order, starts = group_rows(columns, length)
        first = order[starts]
        return [column[first] for column in columns], np.diff(starts, append=length)
    keys.sort()
    starts = _firsts(keys).nonzero()[0]
    return unpacked(keys[starts], dictionaries), np.diff(starts, append=length)


def grouped(
    columns: Sequence[Ids], length: int, dictionaries: Sequence[Dictionary]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `group_rows`, for at least one row; quicker where the rows can be packed."""
    keys = packed(columns, dictionaries)
    if keys is None:
        return group_rows(columns, length)
    order = keys.argsort(kind="stable")
    return order, _firsts(keys[order]).nonzero()[0]


def group_rows(columns: Sequence[Ids], length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A stable order of the rows in which equal ones stand together, and where each group of them starts."""
    if not columns:
        return np.arange(length), np.zeros(min(1, length), np.int64)
    if len(columns) == 1:
        order = sort_places(columns[0])
        return order, _starts([columns[0][order]], length).nonzero()[0]
    # Rows are brought together by a hash; where two that differ have the same one, which is next to never, by sorting.
    mixed = mixed_rows(columns, length)
    order = mixed.argsort(kind="stable")
    starts = _starts([column[order] for column in columns], length)
    mixed = mixed[order]
    if length and bool((starts[1:] & (mixed[1:] == mixed[:-1])).any()):
        order = np.lexsort(columns[::-1])
        starts = _starts([column[order] for column in columns], length)
    return order, starts.nonzero()[0]


def _starts(columns: Sequence[Ids], length: int) -> Mask:
    """Where a row differs from the one before it."""
    change = np.zeros(length, bool)
    change[:1] = True
    for column in columns:
        change[1:] |= column[1:] != column[:-1]
    return change


def mixed_rows(columns: Sequence[Ids], length: int) -> NDArray[np.uint64]:
    """A number of 64 bits for each row, by multiplication and shift."""
    mixed = np.zeros(length, np.uint64)
    for column in columns:
        mixed ^= column.astype(np.uint64)
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed
