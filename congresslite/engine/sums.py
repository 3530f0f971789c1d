"""
Exact sums: the states of `count`, `sum` and `avg`, and the results they give.

A state is a few arrays, one entry a group: how many values there are; for sums
also how many of them are floats, the sum of the integers, and that of the
floats as integers of 2^-1074, the least that two floats can differ by. Arrays
hold 64-bit integers as long as nothing can overflow, Python's otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from congresslite.engine.counting import Weights
from congresslite.engine.dictionary import FLOAT, INT, NULL, Dictionary, Ids
from congresslite.engine.index import Places
from congresslite.engine.relation import Array
from congresslite.language.semantics import Skip, result
from congresslite.language.syntax import AggregateFunction
from congresslite.schema import Scalar

# Results of groups that have none: nothing to fold, or values that cannot be folded.
NONE, SKIPPED = -1, -2
# How many arrays the state of a fold has.
STATES: dict[AggregateFunction, int] = {"count": 1, "count_distinct": 1, "sum": 4, "avg": 4, "min": 0, "max": 0}

_BITS = 1074
_EXACT = 2**62


@dataclass(frozen=True, slots=True)
class Folded:
    """What a batch brings to one fold: values with weights, in the order of groups, each of which begins at a start."""

    values: Ids
    weights: Weights
    starts: Places
    dictionary: Dictionary

    def counted(self) -> Array:
        """How many values there are more in each group, nulls aside."""
        known = self.dictionary.kinds[self.values] != NULL
        return np.add.reduceat(np.where(known, self.weights, 0), self.starts)

    def summed(self) -> tuple[list[Array], int]:
        """What is added to the state of a sum, and how many values that are no numbers are skipped."""
        kinds = self.dictionary.kinds[self.values]
        whole, floating = kinds == INT, kinds == FLOAT
        number = whole | floating
        skipped = 0 if number.all() else int(self.weights[~number & (kinds != NULL)].sum())
        integers = np.where(whole, self.dictionary.payloads[self.values], 0)
        weights: Array = self.weights
        if _largest(integers) * int(np.abs(weights).sum()) >= _EXACT:
            integers, weights = integers.astype(object), weights.astype(object)
        sums = [
            np.add.reduceat(np.where(number, self.weights, 0), self.starts),
            np.add.reduceat(np.where(floating, self.weights, 0), self.starts),
            np.add.reduceat(integers * weights, self.starts),
            np.add.reduceat(self._fractions(floating), self.starts),
        ]
        return sums, skipped

    def _fractions(self, floating: Array) -> Array:
        """The floats, each as often as its weight says, as integers of 2^-1074; 0 for other values."""
        if not floating.any():
            return np.zeros(len(self.values), np.int64)
        exact = np.zeros(len(self.values), object)
        floats = self.dictionary.payloads[self.values[floating]].view(np.float64).tolist()
        exact[floating] = [
            _scaled(value) * weight for value, weight in zip(floats, self.weights[floating].tolist(), strict=True)
        ]
        return exact


def plus(left: Array, right: Array) -> Array:
    """Exact sums, as Python's integers where they might not fit 64 bits."""
    if object not in (left.dtype, right.dtype) and _largest(left) + _largest(right) < _EXACT:
        return left + right
    total: Array = left.astype(object) + right.astype(object)
    return total


def outcome(function: AggregateFunction, state: Sequence[Array], dictionary: Dictionary) -> Ids:
    """The ids of the results of a state, `NONE` or `SKIPPED` where there is none."""
    ids = np.full(len(state[0]), NONE, np.int32)
    present = (state[0] > 0).nonzero()[0]
    if function in ("count", "count_distinct"):
        ids[present] = dictionary.encode_integers(state[0][present].astype(np.int64))
        return ids
    numbers, floats, integers, fractions = (array[present] for array in state)
    if function == "sum" and integers.dtype == np.int64 and not floats.any():
        ids[present] = dictionary.encode_integers(integers)
        return ids
    rows = zip(numbers.tolist(), floats.tolist(), integers.tolist(), fractions.tolist(), strict=True)
    divided = ((integer, fraction if real else None, number if function == "avg" else None)
               for number, real, integer, fraction in rows)  # fmt: skip
    ids[present] = [_encoded(dictionary, *each) for each in divided]
    return ids


def _encoded(dictionary: Dictionary, integers: int, fractions: int | None, numbers: int | None) -> int:
    """The id of a sum, or of an average over `numbers` values, rounded once; `SKIPPED` beyond the numbers there are."""
    try:
        if fractions is not None:
            value: Scalar = ((integers << _BITS) + fractions) / ((numbers or 1) << _BITS)
        else:
            value = integers if numbers is None else integers / numbers
        return dictionary.add(result(value))
    except (Skip, OverflowError):
        return SKIPPED


def _largest(values: Array) -> int:
    return max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))


def _scaled(value: float) -> int:
    """A float as an exact number of 2^-1074."""
    numerator, denominator = value.as_integer_ratio()
    return (numerator << _BITS) // denominator
