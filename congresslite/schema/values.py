"""
Scalar values: what a cell of a table holds, and when two cells are the same.

The rule to keep: an integer and a float of equal value are one value, in every
join, group and answer, so `canonical` turns a float without a fraction into
its integer as soon as it enters. `true` is not 1, though Python says so:
whoever puts values into a dict or set goes through `identity`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable

Scalar = None | bool | int | float | str
Row = tuple[Scalar, ...]

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1


def canonical(value: Scalar) -> Scalar:
    """The one representative of a value: a float that equals a 64-bit integer becomes it.

    Raises ValueError for what is no value of the language: NaN, an infinity, an integer beyond 64 bits.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"`{value}` is not a number")
        if value.is_integer() and INT_MIN <= value <= INT_MAX and INT_MIN <= int(value) <= INT_MAX:
            return int(value)
    elif isinstance(value, int) and not isinstance(value, bool) and not INT_MIN <= value <= INT_MAX:
        raise ValueError(f"`{value}` does not fit in 64 bits")
    return value


def as_float(value: Scalar) -> Scalar:
    """A value as a column of floats shows it: 2 as 2.0, but an integer that no float equals as it is."""
    if isinstance(value, int) and not isinstance(value, bool) and float(value) == value:
        return float(value)
    return value


def identity(value: Scalar) -> Hashable:
    """A hashable stand-in that is equal exactly for equal values (canonical ones), so that `true` is not 1."""
    return (value,) if isinstance(value, bool) else value


def row_identity(values: Iterable[Scalar]) -> tuple[Hashable, ...]:
    """The same of the values of a row or a key."""
    return tuple(map(identity, values))


def order_key(value: Scalar) -> tuple[int, str, float | int]:
    """Sorts values of any kinds in a stable order: null, booleans, numbers, strings by code point."""
    if value is None:
        return (0, "", 0)
    if isinstance(value, bool):
        return (1, "", int(value))
    if isinstance(value, str):
        return (3, value, 0)
    return (2, "", value)
