"""
Relations: the rows of one table as columns of ids, and how joins find them.

A relation is a value once it is published. Rows that come are appended to the
arrays behind it, beyond what it calls its own; rows that go are listed in the
tombstones of the *next* relation; so one batch makes a new relation at the cost
of the batch, readers of the old one see it unchanged, and what nobody reads any
more is freed. Only the owner of the arrays may append to them, and only to the
latest relation made of them; anybody else gets a copy.

Indexes are made when a join first asks for them, and are handed on. Columns of
a base table may be missing until a rule needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.index import Index, Places
from congresslite.engine.keys import KeySet, mixed_rows
from congresslite.engine.tombstones import Tombstones

Mask = NDArray[np.bool_]
Array = NDArray[Any]

_NO_INDEX = Index()
# The column of an index that no column is: the hash of the whole row.
ROW = -1
# Dead rows are swept out once they are so many, and one in two.
MIN_SWEPT = 1024
# From so many questions on, and one for each so many rows, a set of all rows is made to answer them.
_MANY, _PER_ROWS = 4096, 16
# A column with so many rows a value, on average, finds a row well enough.
_FEW = 8


@dataclass(slots=True)
class Store:
    """Arrays with room at the end, of which `used` places are taken; the owner may take more.

    `indexes` are the latest of rows in these arrays: what a reader of one relation has indexed, no other does again.
    """

    arrays: list[Array | None]
    used: int
    owner: object
    indexes: dict[int, Index] = field(default_factory=dict)

    def extended(self, size: int, new: Sequence[Array], length: int, owner: object) -> Store:
        """Arrays that have `length` more places after the first `size`: the same ones, if that hurts nobody."""
        end = size + length
        mine = self.owner is owner and self.used == size
        arrays = [each if each is None else _with_room(each, size, end, fresh, mine=mine)
                  for each, fresh in zip(self.arrays, new, strict=True)]  # fmt: skip
        for array, fresh in zip(arrays, new, strict=True):
            if array is not None:
                array[size:end] = fresh
        if mine:
            self.arrays, self.used = arrays, end
            return self
        return Store(arrays, end, owner)


def _with_room(array: Array, size: int, end: int, fresh: Array, *, mine: bool) -> Array:
    dtype = array.dtype if array.dtype == fresh.dtype else np.dtype(object)
    if mine and end <= len(array) and dtype == array.dtype:
        return array
    grown = np.empty(end + end // 4 + 16, dtype)
    grown[:size] = array[:size]
    return grown


class Relation:
    """Rows over given dictionaries. `size` counts dead rows too, `rows` does not.

    `extras` stand beside the columns, one entry a row: how many derivations a row has, or the state of its group.
    `distinct` says whether rows are known not to repeat, `identified` by how many of the first columns a row is told
    from all others (by default it takes all columns).
    """

    def __init__(
        self,
        name: str,
        dictionaries: Sequence[Dictionary],
        columns: Sequence[Ids | None],
        rows: int,
        *,
        extras: Sequence[Array] = (),
        distinct: bool = False,
        identified: int | None = None,
        owner: object = None,
    ) -> None:
        self.name = name
        self.identified = len(dictionaries) if identified is None else identified
        self.dictionaries = list(dictionaries)
        self.distinct = distinct
        self.size = rows
        self._extras = len(extras)
        self._store = Store([*columns, *extras], rows, owner)
        self._tombstones = Tombstones()
        self._keys: set[int] = set()
        self._indexes: dict[int, Index] = {}
        self._counts: dict[int, tuple[int, int]] = {}
        self._key_sets: dict[tuple[int, ...], tuple[KeySet, int]] = {}
        self._finders: dict[tuple[int, ...], int] = {}

    @staticmethod
    def empty(
        name: str,
        dictionaries: Sequence[Dictionary],
        *,
        extras: Sequence[Array] = (),
        identified: int | None = None,
        owner: object = None,
    ) -> Relation:
        """A relation without rows."""
        columns = [np.zeros(0, np.int32) for _ in dictionaries]
        return Relation(
            name, dictionaries, columns, 0, extras=extras, distinct=True, identified=identified, owner=owner
        )

    # -- what is in it ---------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.size - self._tombstones.count

    @property
    def nbytes(self) -> int:
        """What the columns take, dead rows included; a row without columns counts as one of one column."""
        return self.size * 4 * max(1, len(self.dictionaries))

    def has(self, position: int) -> bool:
        """Whether the column at this place has been read."""
        return self._store.arrays[position] is not None

    def column(self, position: int) -> Ids:
        """The ids of a column that has been read, dead rows included."""
        column = self._store.arrays[position]
        assert column is not None, f"column {position} of {self.name} was not read"
        return column[: self.size]

    def beside(self, number: int) -> Array:
        """What stands beside the rows, dead ones included."""
        array = self._store.arrays[len(self.dictionaries) + number]
        assert array is not None
        return array[: self.size]

    @property
    def extras(self) -> int:
        """How many arrays stand beside the columns."""
        return self._extras

    def living(self) -> Places | None:
        """The places of all rows; None if none is dead."""
        return self._tombstones.alive(self.size)

    def dead(self, places: Places) -> Mask | None:
        """Which of these rows are dead; None if none is."""
        return self._tombstones.dead(places)

    def values(self, position: int) -> Ids:
        """The ids of a column that has been read, of the living rows."""
        living = self.living()
        return self.column(position) if living is None else self.column(position)[living]

    def columns(self) -> list[Ids]:
        """The columns of the living rows."""
        living = self.living()
        every = [self.column(position) for position in range(len(self.dictionaries))]
        return every if living is None else [column[living] for column in every]

    # -- how it changes --------------------------------------------------------------------------

    def set_column(self, position: int, dictionary: Dictionary, ids: Ids) -> None:
        """Fill in a column that was missing."""
        assert len(ids) == self.size
        self.dictionaries[position] = dictionary
        self._store.arrays[position] = ids

    def append(self, columns: Sequence[Ids], length: int) -> None:
        """Add rows that are not there yet, to a relation that nobody else knows of."""
        self._store = self._store.extended(self.size, columns, length, self._store.owner)
        self.size += length

    def changed(
        self, gone: Places, columns: Sequence[Ids], length: int, owner: object, *, extras: Sequence[Array] = ()
    ) -> Relation:
        """The relation without the rows at these places, which live, and with these rows beside."""
        result = Relation.__new__(Relation)
        result.name, result.dictionaries, result.distinct = self.name, self.dictionaries, self.distinct
        result.size, result._extras, result.identified = self.size + length, self._extras, self.identified
        result._store = self._store.extended(self.size, [*columns, *extras], length, owner) if length else self._store
        result._tombstones = self._tombstones.with_dead(gone) if len(gone) else self._tombstones
        result._keys = set()  # what was declared may have ceased to hold
        result._indexes, result._counts, result._key_sets = dict(self._indexes), dict(self._counts), {}
        # What was the best way into few rows may be a bad one into many.
        result._finders = dict(self._finders) if result.size.bit_length() == self.size.bit_length() else {}
        dead = result._tombstones.count
        return result.swept(owner) if dead > MIN_SWEPT and dead * 2 > result.size else result

    def swept(self, owner: object) -> Relation:
        """The same rows, and nothing of those that are dead."""
        living = self.living()
        if living is None:
            return self
        arrays = [None if each is None else each[: self.size][living] for each in self._store.arrays]
        width = len(self.dictionaries)
        extras = [each for each in arrays[width:] if each is not None]
        result = Relation(self.name, self.dictionaries, arrays[:width], len(living), extras=extras, owner=owner)
        result.distinct, result.identified = self.distinct, self.identified
        return result

    def declare_unique(self, position: int) -> None:
        """Note that a column is a declared key, and that no value repeats in it."""
        self._keys.add(position)

    # -- finding rows ----------------------------------------------------------------------------

    def index(self, position: int) -> Index:
        """The index on a column, or on `ROW`, brought up to date."""
        index = self._indexes.get(position, _NO_INDEX)
        if index.covered < self.size or not index.segments:
            latest = self._store.indexes.get(position, _NO_INDEX)
            if index.covered < latest.covered <= self.size:
                index = latest
            if index.covered < self.size or not index.segments:
                size = None if position == ROW else self.dictionaries[position].size
                ids = self._hashes if position == ROW else self._ids(position)
                index = index.extended(ids, self.size, size)
            self._indexes[position] = index
            if latest.covered < index.covered:
                self._store.indexes[position] = index
        return index

    def _ids(self, position: int) -> Callable[[int], Ids]:
        column = self.column(position)
        return lambda start: column[start:]

    def _hashes(self, start: int) -> Ids:
        width = range(self.identified)
        return row_hashes([self.column(position)[start:] for position in width], self.size - start)

    def has_index(self, position: int) -> bool:
        """Whether a column has an index already."""
        return position in self._indexes

    def distinct_count(self, position: int) -> int:
        """How many different values a column holds, or held when it was half the size."""
        covered, count = self._counts.get(position, (-1, 0))
        if not covered <= self.size <= 2 * covered:
            seen = np.zeros(self.dictionaries[position].size, bool)
            seen[self.column(position)] = True
            count = int(np.count_nonzero(seen))
            self._counts[position] = (self.size, count)
        return count

    def all_differ(self, position: int) -> bool:
        """Whether no value repeats in a column, counted now."""
        self._counts.pop(position, None)
        return self._tombstones.count == 0 and self.distinct_count(position) == self.size

    def unique(self, position: int) -> bool:
        """Whether no value repeats in a column: a declared key, or shown by an index of the rows there are now."""
        if position in self._keys:
            return True
        index = self._indexes.get(position)
        return index is not None and index.covered == self.size and index.unique

    def find(self, columns: Sequence[Ids], length: int) -> Places:
        """The place of each of these rows, -1 for a row that is not there. No id may be -1."""
        found = np.full(length, -1, np.int64)
        if not self.rows or not length:
            return found
        if not columns:
            living = self.living()
            found[:] = 0 if living is None else living[0]
            return found
        which, places = self.matches(range(len(columns)), columns, length)
        found[which] = places
        return found

    def matches(self, positions: Sequence[int], columns: Sequence[Ids], length: int) -> tuple[Places, Places]:
        """For each question (values in these columns, in ascending order) its rows: which question, and which row."""
        by = self._best(positions)
        ids = row_hashes(columns[: self.identified], length) if by == ROW else columns[positions.index(by)]
        which, places = self.probe(by, ids)
        for position, column in zip(positions, columns, strict=True):
            if position != by and len(which):
                same = self.column(position)[places] == column[which]
                if not same.all():
                    which, places = which[same], places[same]
        dead = self.dead(places)
        return (which, places) if dead is None else (which[~dead], places[~dead])

    def probe(self, position: int, ids: Ids) -> tuple[Places, Places]:
        """The rows of each id (none of them -1), dead ones included: which id, and which row."""
        size = 1 << 31 if position == ROW else self.dictionaries[position].size
        return self.index(position).probe(ids, size)

    def _best(self, positions: Sequence[int]) -> int:
        """The index through which to ask for these columns; one that serves is used again."""
        known = self._finders.get(tuple(positions))
        if known is None:
            known = max(positions, key=self.distinct_count)
            whole = list(positions[: self.identified]) == list(range(self.identified))
            if whole and self.identified > 1 and self.distinct_count(known) * _FEW < self.size:
                known = ROW
            self._finders[tuple(positions)] = known
        return known

    def contains(self, positions: tuple[int, ...], columns: Sequence[Ids], length: int) -> Mask:
        """For each question (values in these columns, which may be -1) whether there is such a row."""
        if not positions:
            return np.full(length, self.rows > 0)
        keys = self._key_sets.get(positions)
        bulk = length > _MANY and length * _PER_ROWS > self.size
        if bulk or (keys is not None and keys[1] == self.size):
            return self.key_set(positions).contains(columns, length)
        mask = np.zeros(length, bool)
        if not self.rows or not length:
            return mask
        for column in columns:
            if column.min() < 0:  # no row has a value that nobody knows
                known = np.logical_and.reduce([each >= 0 for each in columns]).nonzero()[0]
                which, _ = self.matches(positions, [each[known] for each in columns], len(known))
                mask[known[which]] = True
                return mask
        which, _ = self.matches(positions, columns, length)
        mask[which] = True
        return mask

    def key_set(self, positions: tuple[int, ...]) -> KeySet:
        """The set of the rows' values in these columns, brought up to date."""
        keys, covered = self._key_sets.get(positions, (None, 0))
        if keys is None:
            keys = KeySet([self.dictionaries[position] for position in positions])
        if covered < self.size:
            living = self.living()
            if living is None:
                keys.add([self.column(position)[covered:] for position in positions], self.size - covered)
            else:
                keys.add([self.column(position)[living] for position in positions], len(living))
        self._key_sets[positions] = (keys, self.size)
        return keys


def row_hashes(columns: Sequence[Ids], length: int) -> Ids:
    """A number from 0 to 2^31 - 1 for each row."""
    return (mixed_rows(columns, length) >> np.uint64(33)).astype(np.int32)
