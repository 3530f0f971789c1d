"""
Rows of ids for tests of what handles nothing else: from Python's rows to columns and back.

Ids stand for themselves; what values they have, if any, does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from congresslite.engine.counting import Bag
from congresslite.engine.dictionary import Dictionary, Ids

IdRow = tuple[int, ...]


def sized(size: int) -> Dictionary:
    """A dictionary as large as wanted, without values."""
    dictionary = Dictionary()
    dictionary.size = size
    return dictionary


def ids(values: Sequence[int]) -> Ids:
    """These ids as a column."""
    return np.array(values, np.int32)


def columns_of(rows: Sequence[Sequence[int]], width: int) -> list[Ids]:
    """The columns of some rows."""
    return [ids([row[place] for row in rows]) for place in range(width)]


def rows_of(columns: Sequence[Ids], length: int) -> list[IdRow]:
    """The rows of some columns, in their order."""
    return list(zip(*(column.tolist() for column in columns), strict=True)) if columns else [()] * length


def bag_of(weights: Iterable[tuple[IdRow, int]], width: int) -> Bag:
    """A bag of rows with weights, in this order."""
    listed = list(weights)
    return Bag(columns_of([row for row, _ in listed], width), np.array([each for _, each in listed], np.int64))


def listed(bag: Bag) -> list[tuple[IdRow, int]]:
    """The rows of a bag with their weights, in order of rows."""
    return sorted(zip(rows_of(bag.columns, bag.length), bag.weights.tolist(), strict=True))


def summed(weights: Iterable[tuple[IdRow, int]]) -> Mapping[IdRow, int]:
    """The weight of each row whose weights do not cancel out."""
    total: Counter[IdRow] = Counter()
    for row, weight in weights:
        total[row] += weight
    return {row: weight for row, weight in total.items() if weight}
