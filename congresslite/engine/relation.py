"""
Relations: rows as columns of ids, and the indexes through which joins find them.

An index is built when a join first asks for it. Columns of a base table may be
missing until a rule needs them. Rows are appended, never changed in place; an
index covers the rows it was built on in segments, and adds a segment for new
rows, merging small ones, so that what grows round by round stays cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.keys import KeySet, sort_places

Places = NDArray[Any]  # of int32 or int64


@dataclass(frozen=True, slots=True)
class Selection:
    """Tests that one row passes or not: columns that hold a certain id, and pairs of columns that hold the same one."""

    constants: tuple[tuple[int, int], ...] = ()
    equal: tuple[tuple[int, int], ...] = ()

    @property
    def all(self) -> bool:
        """Whether every row passes."""
        return not self.constants and not self.equal


class Relation:
    """The rows of one table. A missing column is None; `distinct` says whether rows are known not to repeat."""

    def __init__(self, name: str, dictionaries: Sequence[Dictionary], columns: Sequence[Ids | None], rows: int) -> None:
        self.name = name
        self.dictionaries = list(dictionaries)
        self.rows = rows
        self.distinct = False
        self._columns: list[Ids | None] = list(columns)
        self._keys: set[int] = set()
        self._indexes: dict[int, Index] = {}
        self._counts: dict[int, tuple[int, int]] = {}
        self._key_sets: dict[tuple[int, ...], tuple[KeySet, int]] = {}
        self._selections: dict[Selection, tuple[int, Relation]] = {}

    @staticmethod
    def empty(name: str, dictionaries: Sequence[Dictionary]) -> Relation:
        """A relation without rows, to be appended to."""
        relation = Relation(name, dictionaries, [np.zeros(0, np.int32) for _ in dictionaries], 0)
        relation.distinct = True
        return relation

    def has(self, position: int) -> bool:
        """Whether the column at this place has been read."""
        return self._columns[position] is not None

    def column(self, position: int) -> Ids:
        """The ids of a column that has been read."""
        column = self._columns[position]
        assert column is not None, f"column {position} of {self.name} was not read"
        return column[: self.rows]

    def set_column(self, position: int, dictionary: Dictionary, ids: Ids) -> None:
        """Fill in a column that was missing."""
        self.dictionaries[position] = dictionary
        self._columns[position] = ids
        self._selections.clear()  # they were made without this column

    def append(self, columns: Sequence[Ids], length: int) -> None:
        """Add rows that are not there yet."""
        end = self.rows + length
        for position, new in enumerate(columns):
            old = self._columns[position]
            assert old is not None
            if self.rows == 0 and length:
                self._columns[position] = new
                continue
            if end > len(old):
                grown = np.empty(end + end // 2 + 16, np.int32)
                grown[: self.rows] = old[: self.rows]
                self._columns[position] = old = grown
            old[self.rows : end] = new
        self.rows = end

    def replace(self, columns: Sequence[Ids], length: int) -> None:
        """Hold other rows instead."""
        self._columns = list(columns)
        self.rows = length
        for cache in (self._indexes, self._counts, self._key_sets, self._selections):
            cache.clear()

    def declare_unique(self, position: int) -> None:
        """Note that a column is a declared key, and that no value repeats in it."""
        self._keys.add(position)

    def index(self, position: int) -> Index:
        """The index on a column, brought up to date."""
        index = self._indexes.get(position)
        if index is None:
            index = self._indexes[position] = Index(self, position)
        if index.covered < self.rows:
            index.extend()
        return index

    def has_index(self, position: int) -> bool:
        """Whether a column has an index already."""
        return position in self._indexes

    def distinct_count(self, position: int) -> int:
        """How many different values a column holds."""
        covered, count = self._counts.get(position, (-1, 0))
        if covered != self.rows:
            seen = np.zeros(self.dictionaries[position].size, bool)
            seen[self.column(position)] = True
            count = int(np.count_nonzero(seen))
            self._counts[position] = (self.rows, count)
        return count

    def unique(self, position: int) -> bool:
        """Whether no value repeats in a column: a declared key, or shown by an index of the rows there are now."""
        if position in self._keys:
            return True
        index = self._indexes.get(position)
        return index is not None and index.covered == self.rows and index.unique

    def key_set(self, positions: tuple[int, ...]) -> KeySet:
        """The set of the rows' values in these columns, brought up to date."""
        keys, covered = self._key_sets.get(positions, (None, 0))
        if keys is None:
            keys = KeySet([self.dictionaries[position] for position in positions])
        if covered < self.rows:
            keys.add([self.column(position)[covered:] for position in positions], self.rows - covered)
        self._key_sets[positions] = (keys, self.rows)
        return keys

    def selection(self, selection: Selection) -> Relation:
        """The rows that a selection lets through, as a relation of its own, kept for the next who asks."""
        if selection.all:
            return self
        covered, found = self._selections.get(selection, (-1, self))
        if covered != self.rows:
            found = self.select(selection)
            self._selections[selection] = (self.rows, found)
        return found

    def select(self, selection: Selection) -> Relation:
        """The rows that a selection lets through, copied."""
        mask = np.ones(self.rows, bool)
        for position, id_ in selection.constants:
            mask &= self.column(position) == id_
        for position, other in selection.equal:
            mask &= self.column(position) == self.column(other)
        places = np.flatnonzero(mask)
        columns = [None if each is None else each[: self.rows][places] for each in self._columns]
        chosen = Relation(self.name, self.dictionaries, columns, len(places))
        chosen.distinct = self.distinct
        chosen._keys = self._keys
        return chosen


class Index:
    """Where each id of a column stands, by segments of rows."""

    def __init__(self, relation: Relation, position: int) -> None:
        self._relation = relation
        self._position = position
        self.covered = 0
        self.segments: list[Segment] = []

    @property
    def unique(self) -> bool:
        """Whether each id stands in one row at most."""
        return len(self.segments) <= 1 and all(segment.unique for segment in self.segments)

    def extend(self) -> None:
        """Cover the rows that came since."""
        start = self.covered
        while self.segments and self.segments[-1].length < 2 * (self._relation.rows - start):
            start = self.segments.pop().start
        ids = self._relation.column(self._position)[start:]
        self.segments.append(Segment(ids, start, self._relation.dictionaries[self._position].size))
        self.covered = self._relation.rows


class Segment:
    """Some rows of a column, by id: offsets into a permutation, or one place an id where none repeats.

    Where the ids are few among many, sorted ids stand in for the offsets.
    """

    def __init__(self, ids: Ids, start: int, size: int) -> None:
        self.start, self.length = start, len(ids)
        self._size = size
        self._sorted: Ids | None = None
        if len(ids) * 32 < size:
            places = sort_places(ids)
            self._sorted = ids[places]
            self._rows = places + start
            self.unique = bool((self._sorted[1:] != self._sorted[:-1]).all())
            return
        counts = np.bincount(ids, minlength=size)
        self.unique = bool(counts.max(initial=0) <= 1)
        if self.unique:
            self._place = np.full(size, -1, np.int32)
            self._place[ids] = np.arange(start, start + len(ids), dtype=np.int32)
        else:
            self._offsets = np.zeros(size + 1, np.int64)
            np.cumsum(counts, out=self._offsets[1:])
            self._rows = sort_places(ids) + start

    def lookup(self, ids: Ids) -> Places:
        """For a unique segment: the row of each id, -1 where there is none."""
        if self._sorted is None:
            return (
                self._place[ids]
                if self._in_range(ids)
                else np.where(ids < self._size, self._place[ids % self._size], -1)
            )
        places = np.searchsorted(self._sorted, ids)
        places[places == len(self._sorted)] = 0
        if not len(self._sorted):
            return np.full(len(ids), -1)
        return np.where(self._sorted[places] == ids, self._rows[places], -1)

    def spans(self, ids: Ids) -> tuple[Places, Places]:
        """For each id, where its rows start in the permutation, and how many they are."""
        if self._sorted is not None:
            first = np.searchsorted(self._sorted, ids, "left")
            return first, np.searchsorted(self._sorted, ids, "right") - first
        if self._in_range(ids):
            first = self._offsets[ids]
            return first, self._offsets[ids + 1] - first
        known = np.where(ids < self._size, ids, 0)
        first = self._offsets[known]
        return first, np.where(ids < self._size, self._offsets[known + 1] - first, 0)

    def expand(self, first: Places, counts: Places) -> tuple[Places, Places]:
        """All rows of these spans, and for each row from which span it comes."""
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        which = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(total) + np.repeat(first - (ends - counts), counts)
        return which, self._rows[within]

    def _in_range(self, ids: Ids) -> bool:
        return len(ids) == 0 or int(ids.max()) < self._size
