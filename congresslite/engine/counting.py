"""
Counting: how many derivations each row has, and what of a table comes and goes when they change.

Every derivation of a row adds 1 to it; a row is in its table while it has one.
So what a batch does to a table is a bag of signed rows, and only a count that
passes between 0 and positive goes on to whoever reads the table (Gupta, Mumick
and Subrahmanian, "Maintaining views incrementally", 1993). Counts work where no
row derives itself; recursion has `rederive`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.keys import grouped
from congresslite.engine.relation import Relation

Weights = NDArray[np.int64]
NOWHERE = np.zeros(0, np.int64)


@dataclass(eq=False, slots=True)  # never changed, but made so often that `frozen` would cost
class Bag:
    """Rows as columns, each with a weight: how often it came, less how often it went.

    `net` says that no row is listed twice, and none with a weight of 0.
    """

    columns: list[Ids]
    weights: Weights
    net: bool = False

    @property
    def length(self) -> int:
        """How many rows are listed."""
        return len(self.weights)

    def take(self, places: NDArray[np.generic]) -> Bag:
        """The rows at these places, or where the mask is true."""
        return Bag([column[places] for column in self.columns], self.weights[places], self.net)


@dataclass(eq=False, slots=True)  # never changed, but made so often that `frozen` would cost
class TableDelta:
    """What came to and went from a table, as rows of ids; no row stands in both.

    With `same`, each row that came stands for one that went, and agrees with it in these columns: what reads no other
    column sees no change.
    """

    came: list[Ids]
    came_rows: int
    gone: list[Ids]
    gone_rows: int
    same: frozenset[int] | None = None

    def __bool__(self) -> bool:
        return bool(self.came_rows or self.gone_rows)

    def signed(self) -> Bag:
        """Both as one bag, +1 and -1."""
        weights = np.ones(self.came_rows + self.gone_rows, np.int64)
        weights[self.came_rows :] = -1
        return Bag([np.concatenate(pair) for pair in zip(self.came, self.gone, strict=True)], weights)


def delta_of(bag: Bag) -> TableDelta:
    """The delta whose rows of positive weight came and whose other rows went."""
    plus = bag.weights > 0
    came, gone = bag.take(plus), bag.take(~plus)
    return TableDelta(came.columns, came.length, gone.columns, gone.length)


def united(bags: Sequence[Bag], width: int) -> Bag:
    """All bags as one."""
    if len(bags) == 1:
        return bags[0]
    if not bags:
        return Bag([np.zeros(0, np.int32) for _ in range(width)], NOWHERE)
    columns = [np.concatenate([bag.columns[at] for bag in bags]) for at in range(width)]
    return Bag(columns, np.concatenate([bag.weights for bag in bags]))


def consolidated(bag: Bag, dictionaries: Sequence[Dictionary]) -> Bag:
    """Each row once, with the sum of its weights; without rows whose weights cancel out."""
    if bag.net:
        return bag
    if bag.length < 2:
        return bag if bag.length == 0 or bag.weights[0] else bag.take(bag.weights != 0)
    order, starts = grouped(bag.columns, bag.length, dictionaries)
    weights = np.add.reduceat(bag.weights[order], starts)
    first = order[starts]
    kept = weights != 0
    if not kept.all():
        first, weights = first[kept], weights[kept]
    return Bag([column[first] for column in bag.columns], weights, net=True)


def merged(relation: Relation, bag: Bag, owner: object) -> tuple[Relation, TableDelta]:
    """The relation with a consolidated bag of derivations added, and what that changes of its rows."""
    places = relation.find(bag.columns, bag.length)
    known = places >= 0
    there = places[known]
    if relation.extras:
        before = np.zeros(bag.length, np.int64)
        before[known] = relation.beside(0)[there]
    else:
        before = known.astype(np.int64)
    after = before + bag.weights
    fresh = after > 0
    assert not bag.length or after.min() >= 0, f"a row of {relation.name} has less than no derivation"
    # A row whose count changes is written anew: relations are values.
    new = bag.take(fresh)
    counts = after[fresh]
    if not relation.extras and new.length and counts.max() > 1:
        relation = _counted(relation, owner)
        there = relation.find([column[known] for column in bag.columns], len(there))
    extras = [counts.astype(np.int32)] if relation.extras else []
    result = relation.changed(there, new.columns, new.length, owner, extras=extras)
    appeared = new if not relation.extras else bag.take(fresh & ~known)
    vanished = bag.take(known & ~fresh)
    return result, TableDelta(appeared.columns, appeared.length, vanished.columns, vanished.length)


def _counted(relation: Relation, owner: object) -> Relation:
    """The same rows with their counts beside them, which are 1."""
    columns = relation.columns()
    ones = np.ones(relation.rows, np.int32)
    result = Relation(relation.name, relation.dictionaries, columns, relation.rows, extras=[ones], owner=owner)
    result.distinct = relation.distinct
    return result
