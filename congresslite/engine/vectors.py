"""
Vectors: the values of one variable in many bindings, and what is calculated from them.

A vector is either coded (ids of a dictionary) or plain (an array of integers,
of floats, or of Python values). Whole-array arithmetic is used only where it
gives exactly what `semantics` gives for each value: on 64-bit integers without
overflow, and on floats as long as every number fits a float exactly. All else
is handed to `semantics`, once for each distinct combination of values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.dictionary import BOOL, FLOAT, INT, NULL, STR, Dictionary, Ids
from congresslite.language.semantics import Skip
from congresslite.language.semantics import calculate as calculate_scalars
from congresslite.language.semantics import compare as compare_scalars
from congresslite.language.syntax import ArithmeticOperator, ComparisonOperator
from congresslite.schema import Scalar, canonical

Plain = NDArray[Any]  # of int64, float64 or object
Mask = NDArray[np.bool_]

# Integers up to here, and their sums and differences, are exact as floats.
_EXACT = 2**53


@dataclass(eq=False, slots=True)  # never changed, but made so often that `frozen` would cost
class Coded:
    """Ids of a dictionary, one a binding."""

    ids: Ids
    dictionary: Dictionary


@dataclass(frozen=True, slots=True)
class Same:
    """One value in each of `length` bindings."""

    value: Scalar
    length: int


Vector = Coded | Same | Plain


def length_of(vector: Vector) -> int:
    """In how many bindings the vector has a value."""
    match vector:
        case Coded(ids, _):
            return len(ids)
        case Same(_, length):
            return length
        case _:
            return len(vector)


def take(vector: Vector, rows: NDArray[Any]) -> Vector:
    """The values at these places, or where the mask is true."""
    match vector:
        case Coded(ids, dictionary):
            return Coded(ids[rows], dictionary)
        case Same(value, _):
            return Same(value, int(rows.sum()) if rows.dtype == bool else len(rows))
        case _:
            chosen: Plain = vector[rows]
            return chosen


def _repeated(value: Scalar, length: int) -> Plain:
    if isinstance(value, int) and not isinstance(value, bool):
        return np.full(length, value, np.int64)
    if isinstance(value, float) and abs(value) <= _EXACT:
        return np.full(length, value, np.float64)
    values = np.empty(length, object)
    values[:] = value
    return values


def plain(vector: Vector) -> Plain:
    """The values of a vector: integers or floats where all are, Python values otherwise."""
    if isinstance(vector, Same):
        return _repeated(vector.value, vector.length)
    if not isinstance(vector, Coded):
        return vector
    dictionary = vector.dictionary
    kinds = np.bincount(dictionary.kinds[vector.ids], minlength=5)
    if kinds[INT] == len(vector.ids):
        return dictionary.payloads[vector.ids]
    if kinds[FLOAT] == len(vector.ids):
        floats: Plain = dictionary.payloads[vector.ids].view(np.float64)
        if np.abs(floats).max(initial=0.0) <= _EXACT:
            return floats
    values = np.empty(len(vector.ids), object)
    values[:] = dictionary.decode(vector.ids)
    return values


def scalars(vector: Vector) -> list[Scalar]:
    """The values of a vector as canonical Python values."""
    values = plain(vector)
    if values.dtype == np.float64:
        return [canonical(value) for value in values.tolist()]
    return values.tolist()  # type: ignore[no-any-return]


def encode(vector: Vector, dictionary: Dictionary) -> Ids:
    """The ids that the values have in `dictionary`, new ones included."""
    if isinstance(vector, Same):
        return np.full(vector.length, dictionary.add(vector.value), np.int32)
    if isinstance(vector, Coded):
        if vector.dictionary is dictionary:
            return vector.ids
        return vector.dictionary.translate(vector.ids, dictionary, add=True)
    if vector.dtype == np.int64:
        return dictionary.encode_integers(vector)
    if vector.dtype == np.float64:
        distinct, inverse = np.unique(vector, return_inverse=True)
        return dictionary.encode(distinct.tolist())[inverse]
    return dictionary.encode(vector.tolist())


def find(vector: Vector, dictionary: Dictionary) -> Ids:
    """The ids that the values have in `dictionary`, -1 for values that it does not hold."""
    if isinstance(vector, Same):
        return np.full(vector.length, dictionary.find(vector.value), np.int32)
    if isinstance(vector, Coded):
        if vector.dictionary is dictionary:
            return vector.ids
        return vector.dictionary.translate(vector.ids, dictionary, add=False)
    if vector.dtype == object:
        return np.fromiter((dictionary.find(canonical(value)) for value in vector.tolist()), np.int32, len(vector))
    distinct, inverse = np.unique(vector, return_inverse=True)
    found = (dictionary.find(canonical(value)) for value in distinct.tolist())
    return np.fromiter(found, np.int32, len(distinct))[inverse]


def calculate(operator: ArithmeticOperator, left: Vector, right: Vector) -> tuple[Plain, Mask | None]:
    """The values of `left operator right`, and where they exist (None: everywhere)."""
    a, b = plain(left), plain(right)
    if object not in (a.dtype, b.dtype):
        quick = _integers(operator, a, b) if a.dtype == b.dtype == np.int64 else _floats(operator, a, b)
        if quick is not None:
            return quick, None
    return map_rows(lambda x, y: calculate_scalars(operator, x, y), (left, right))


def _integers(operator: ArithmeticOperator, a: Plain, b: Plain) -> Plain | None:
    """Exact integer arithmetic; None if a row overflows, divides by zero or has a quotient to be rounded with care."""
    if len(a) == 0:
        return a
    bound = max(abs(int(a.min())), abs(int(a.max())))
    other = max(abs(int(b.min())), abs(int(b.max())))
    match operator:
        case "+" | "-" if bound + other < 2**62:
            return a + b if operator == "+" else a - b
        case "*" if bound * other < 2**62:
            return a * b
        case "%" if not (b == 0).any():
            return a % b
        case "/" if bound <= _EXACT and other <= _EXACT and not (b == 0).any():
            return a / b
    return None


def _floats(operator: ArithmeticOperator, a: Plain, b: Plain) -> Plain | None:
    """Float arithmetic; None where a number is too large to be exact as a float, or a row divides by zero."""
    if len(a) == 0:
        return np.zeros(0, np.float64)
    if not (_exact(a) and _exact(b)) or (operator in "/%" and (b == 0).any()):
        return None
    x, y = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        match operator:
            case "+":
                result = x + y
            case "-":
                result = x - y
            case "*":
                result = x * y
            case "/":
                result = x / y
            case "%":
                result = np.mod(x, y)
    # Two integers must be calculated with as such; beyond the bound only `semantics` knows how. The bound itself may be
    # what a larger result was rounded to.
    return result if np.abs(result).max() < _EXACT else None


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

_MIRRORED: dict[ComparisonOperator, ComparisonOperator] = {
    "=": "=",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


def compare(operator: ComparisonOperator, left: Vector, right: Vector) -> tuple[Mask, Mask | None]:
    """Where `left operator right` is true, and where it is true or false at all (None: everywhere)."""
    if isinstance(left, Same) and isinstance(right, Coded):
        return compare(_MIRRORED[operator], right, left)
    if isinstance(left, Coded) and operator in ("=", "!="):
        if isinstance(right, Same):
            return _COMPARISONS[operator](left.ids, left.dictionary.find(right.value)), None
        if isinstance(right, Coded) and left.dictionary is right.dictionary:
            return _COMPARISONS[operator](left.ids, right.ids), None
    if isinstance(left, Coded) and isinstance(right, Coded) and left.dictionary is right.dictionary:
        return _compare_order(operator, left, right)
    return _compare_values(operator, left, right)


def _compare_order(operator: ComparisonOperator, left: Coded, right: Coded) -> tuple[Mask, Mask | None]:
    """An ordering of two vectors of one dictionary. Equal ids are settled first: a self-join has many."""
    kinds = left.dictionary.kinds[left.ids]
    settled = (left.ids == right.ids) & (kinds != NULL) & (kinds != BOOL)
    open_ = np.flatnonzero(~settled)
    if len(open_) > len(settled) // 2:
        ordered = _ordered_ids(left, right)
        if ordered is not None:
            return _COMPARISONS[operator](*ordered), None
        return _compare_values(operator, left, right)
    result = np.full(len(settled), operator in ("<=", ">="))
    result[open_], decided = _compare_values(operator, take(left, open_), take(right, open_))
    if decided is None:
        return result, None
    known = np.ones(len(settled), bool)
    known[open_] = decided
    return result, known


def _compare_values(operator: ComparisonOperator, left: Vector, right: Vector) -> tuple[Mask, Mask | None]:
    a, b = plain(left), plain(right)
    if object not in (a.dtype, b.dtype) and (a.dtype == b.dtype or (_exact(a) and _exact(b))):
        return _COMPARISONS[operator](a, b), None
    result, known = map_rows(lambda x, y: compare_scalars(operator, x, y), (left, right))
    return result.astype(bool), known


def _exact(values: Plain) -> bool:
    """Whether all numbers are exact as floats."""
    return len(values) == 0 or bool(values.min() >= -_EXACT and values.max() <= _EXACT)


def _ordered_ids(left: Coded, right: Coded) -> tuple[Plain, Plain] | None:
    """Two vectors of strings of one dictionary as numbers in their order; None if they are not all strings, or few."""
    dictionary, count = left.dictionary, len(left.ids)
    if count < dictionary.size // 8:
        return None  # to sort all strings of the dictionary would cost more than to compare these
    kinds = dictionary.kinds
    if (kinds[left.ids] == STR).all() and (kinds[right.ids] == STR).all():
        ranks = dictionary.ranks()
        return ranks[left.ids], ranks[right.ids]
    return None


def map_rows(function: Callable[..., Any], vectors: Sequence[Vector]) -> tuple[Plain, Mask | None]:
    """Apply a function of scalars to each row, once for each distinct one.

    Returns the results (integers as int64 where all are) and where there is one (None: everywhere):
    not where the function raises Skip.
    """
    length = length_of(vectors[0])
    first, inverse = distinct_rows(vectors, length)
    columns = [scalars(take(each, first)) for each in vectors]
    results = np.empty(len(first), object)
    known = np.ones(len(first), bool)
    for place, row in enumerate(zip(*columns, strict=True)):
        try:
            results[place] = function(*row)
        except Skip:
            known[place] = False
    values = _narrowed(results) if known.all() else results
    if inverse is not None:
        values, known = values[inverse], known[inverse]
    return values, None if known.all() else known


def distinct_rows(vectors: Sequence[Vector], length: int) -> tuple[NDArray[np.intp], NDArray[np.intp] | None]:
    """Places of one row of each distinct combination, and for each row which of these it is (None: all, in order)."""
    coded = [each for each in vectors if isinstance(each, Coded)]
    if any(isinstance(each, np.ndarray) for each in vectors) or len(coded) not in (1, 2) or length < 16:
        return np.arange(length), None
    key = coded[0].ids.astype(np.int64)
    for each in coded[1:]:
        key = (key << 32) | each.ids
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first, inverse


def _narrowed(results: Plain) -> Plain:
    """Python integers as an int64 array, if all results are; else as they are."""
    if len(results) and all(type(value) is int for value in results):
        return results.astype(np.int64)
    return results
