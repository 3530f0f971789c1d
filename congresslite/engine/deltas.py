"""
Deltas as literals read them: what came and went, narrowed to the columns that a rule uses.

Two rows that agree in those columns, one that came and one that went, cancel
out: a machine that moved to another host is no news to a rule that does not
read hosts. For a negation only what is there at all counts, not how often.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from congresslite.engine.access import Access
from congresslite.engine.counting import Bag, TableDelta, consolidated
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.frames import WEIGHT, Frame
from congresslite.engine.run import Relations
from congresslite.engine.steps import exists
from congresslite.engine.vectors import Coded, Vector


class Deltas:
    """What changed in a batch so far, by table. `relations` are those of the batch, `before` those it began with."""

    def __init__(self, relations: Relations, before: Relations) -> None:
        self.tables: dict[str, TableDelta] = {}
        self._relations, self._before = relations, before
        self._signed: dict[str, Bag] = {}
        self._frames: dict[object, Frame] = {}

    def add(self, table: str, delta: TableDelta) -> None:
        """Note what changed in a table. Each table is noted once, before anybody reads it."""
        if delta:
            self.tables[table] = delta

    def frame(self, access: Access, *, negated: bool) -> Frame:
        """The bindings that a literal gains (weight above 0) and loses (below), of the variables of its access."""
        key = (access.table, tuple(access.columns.items()), access.constants, access.equal, negated)
        found = self._frames.get(key)
        if found is None:
            same = self.tables[access.table].same
            if same is not None and same.issuperset(access.read):
                found = self._nothing(access)
            else:
                found = self._negated(access) if negated else self._positive(access)
            self._frames[key] = found
        return found

    def _nothing(self, access: Access) -> Frame:
        columns = [np.zeros(0, np.int32) for _ in access.columns]
        return _frame(access, Bag(columns, np.zeros(0, np.int64)), self._relations[access.table].dictionaries)

    def _bag(self, table: str) -> Bag:
        if table not in self._signed:
            self._signed[table] = self.tables[table].signed()
        return self._signed[table]

    def _positive(self, access: Access) -> Frame:
        return self._narrowed(access, self._bag(access.table))

    def _negated(self, access: Access) -> Frame:
        now, then = self._relations[access.table], self._before[access.table]
        bag = self._bag(access.table)
        if access.given == len(now.dictionaries) and now.distinct and then.distinct:
            return self._narrowed(access, Bag(bag.columns, -bag.weights))
        # Rows may have come and gone, and others still be there: what counts is whether there is one.
        asked = self._narrowed(access, Bag(bag.columns, np.abs(bag.weights)))
        change = exists(access, then, asked).astype(np.int64) - exists(access, now, asked)
        return Frame(asked.length, {**asked.vectors, WEIGHT: change}).filter(change != 0)

    def _narrowed(self, access: Access, bag: Bag) -> Frame:
        """The rows that a literal lets through, in the columns it looks at, each once with the sum of its weights."""
        dictionaries = self._relations[access.table].dictionaries
        bag = passing(access, bag, dictionaries)
        positions = list(access.columns.values())
        chosen = [dictionaries[position] for position in positions]
        bag = consolidated(Bag([bag.columns[position] for position in positions], bag.weights), chosen)
        return _frame(access, bag, dictionaries)


def _weights(frame: Frame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    weights = frame.vectors[WEIGHT]
    assert isinstance(weights, np.ndarray)
    return weights


def gains(frame: Frame) -> Frame:
    """What a literal gains, as a set."""
    return _without_weights(frame.filter(_weights(frame) > 0))


def losses(frame: Frame) -> Frame:
    """What a literal loses, as a set."""
    return _without_weights(frame.filter(_weights(frame) < 0))


def _without_weights(frame: Frame) -> Frame:
    return Frame(frame.length, {name: each for name, each in frame.vectors.items() if name != WEIGHT})


def passing(access: Access, bag: Bag, dictionaries: Sequence[Dictionary]) -> Bag:
    """The rows of a table that an access lets through."""
    mask = access.mask(bag.columns.__getitem__, dictionaries)
    return bag if mask is None else bag.take(mask)


def frame_of_rows(access: Access, columns: Sequence[Ids], length: int, dictionaries: Sequence[Dictionary]) -> Frame:
    """Rows of a table as bindings of a literal, without weights."""
    bag = passing(access, Bag(list(columns), np.ones(length, np.int64)), dictionaries)
    vectors: dict[str, Vector] = {
        name: Coded(bag.columns[position], dictionaries[position]) for name, position in access.columns.items()
    }
    return Frame(bag.length, vectors)


def _frame(access: Access, bag: Bag, dictionaries: Sequence[Dictionary]) -> Frame:
    vectors: dict[str, Vector] = {
        name: Coded(column, dictionaries[position])
        for (name, position), column in zip(access.columns.items(), bag.columns, strict=True)
    }
    vectors[WEIGHT] = bag.weights
    return Frame(bag.length, vectors)
