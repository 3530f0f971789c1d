"""
What aggregates mean: a group of values folded into one.

A fold is given the values of its argument in all distinct bindings of the
group, repeated ones included. Its result never depends on their order: sums
are exact, and rounded once at the end. An aggregate is never null, so None
says that the group has no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, assert_never

from congresslite.language.semantics import Skip, is_number, result
from congresslite.language.syntax import AggregateFunction
from congresslite.schema import Scalar, identity


class Folded(NamedTuple):
    """The value of a group, or None if it has no row; `skipped` counts against the rule."""

    value: Scalar
    skipped: int


def fold(function: AggregateFunction, values: Sequence[Scalar]) -> Folded:
    """Fold the values of one group. Nulls are ignored; if nothing remains, there is no row.

    `sum` and `avg` skip values that are no numbers; `min` and `max` skip the
    whole group (counted once) unless it is all numbers or all strings.
    """
    known = [value for value in values if value is not None]
    match function:
        case "count":
            return Folded(len(known) or None, 0)
        case "count_distinct":
            return Folded(len({identity(value) for value in known}) or None, 0)
        case "sum" | "avg":
            numbers = [value for value in known if is_number(value)]
            skipped = len(known) - len(numbers)
            if not numbers:
                return Folded(None, skipped)
            try:
                return Folded(_sum(numbers) if function == "sum" else _average(numbers), skipped)
            except (Skip, OverflowError):
                return Folded(None, skipped + 1)
        case "min" | "max":
            return _extreme(function == "max", known)
        case _:
            assert_never(function)


def exact_sum(numbers: Sequence[int | float]) -> Fraction:
    """The sum as a rational number, whatever the order of the numbers.

    Numerators are gathered by denominator first, all of which are powers of
    two, so that big groups need no division (as in CPython's `statistics`).
    """
    numerators: dict[int, int] = {}
    for number in numbers:
        numerator, denominator = number.as_integer_ratio()
        numerators[denominator] = numerators.get(denominator, 0) + numerator
    return sum((Fraction(numerator, denominator) for denominator, numerator in numerators.items()), Fraction())


def _sum(numbers: Sequence[int | float]) -> Scalar:
    """Exact among integers; with a float the exact sum, rounded once."""
    if any(isinstance(number, float) for number in numbers):
        return result(float(exact_sum(numbers)))
    return result(sum(numbers))


def _average(numbers: Sequence[int | float]) -> Scalar:
    """The exact sum divided by the count, rounded once."""
    return result(float(exact_sum(numbers) / len(numbers)))


def _extreme(greatest: bool, known: Sequence[Scalar]) -> Folded:
    """The least or greatest of numbers, or of strings."""
    if not known:
        return Folded(None, 0)
    numbers = [value for value in known if is_number(value)]
    strings = [value for value in known if isinstance(value, str)]
    if len(numbers) == len(known):
        return Folded(max(numbers) if greatest else min(numbers), 0)
    if len(strings) == len(known):
        return Folded(max(strings) if greatest else min(strings), 0)
    return Folded(None, 1)
