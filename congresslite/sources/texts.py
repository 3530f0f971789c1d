"""
How the text of a CSV cell becomes a value: one spelling for each number, so that nothing is lost on the way.

`007`, `+1` and an integer beyond 64 bits are text, because reading them as
numbers and printing them again would give something else; `1e5`, `nan` and
`inf` are text as well, unless the column is declared `float`. Whole columns
are converted at once; the functions on single texts say the same, one by one,
and serve to find the cell that an error is about.
"""

from __future__ import annotations

import math
import re

import pyarrow as pa
import pyarrow.compute as pc

from congresslite.schema import INT_MAX, INT_MIN, ColumnValues, Scalar, Type, canonical

_INT = r"0|-?[1-9][0-9]*"
_DECIMAL = r"-?(?:0|[1-9][0-9]*)\.[0-9]+"
_EXPONENT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_IS_INT = re.compile(_INT)
_IS_DECIMAL = re.compile(_DECIMAL)
_IS_EXPONENT = re.compile(_EXPONENT)
# Within these, a double holds every integer exactly.
_EXACT = 2.0**53
TRUE = ("true", "True", "TRUE")
FALSE = ("false", "False", "FALSE")


def read_text(text: str, type_: Type) -> Scalar:
    """The value of a cell that is not empty, in a column declared to be of a type. Raises ValueError if it has none."""
    match type_:
        case Type.STR:
            return text
        case Type.INT:
            if (number := _integer(text)) is not None:
                return number
        case Type.FLOAT:
            if (number := _integer(text)) is not None:
                return number
            if _IS_EXPONENT.fullmatch(text) and math.isfinite(float(text)):
                return canonical(float(text))
        case Type.BOOL:
            if text in TRUE or text in FALSE:
                return text in TRUE
        case Type.ANY:
            if (number := _integer(text)) is not None:
                return number
            if _IS_DECIMAL.fullmatch(text) and math.isfinite(float(text)):
                return canonical(float(text))
            return text
    raise ValueError(text)


def _integer(text: str) -> int | None:
    # The length first: Python refuses to convert thousands of digits.
    number = int(text) if len(text) <= 20 and _IS_INT.fullmatch(text) else None
    return number if number is not None and INT_MIN <= number <= INT_MAX else None


def infer(texts: pa.ChunkedArray) -> tuple[Type, ColumnValues]:
    """The type of a column that nobody declared, and its values: integers, else numbers, else strings."""
    first = _first(texts)
    if first is None:
        return Type.ANY, pa.chunked_array([pa.nulls(len(texts))])
    # Most columns of most files are strings, and their first value says so.
    if _IS_INT.fullmatch(first) and (whole := _integers(texts)) is not None:
        return Type.INT, whole
    is_number = _IS_INT.fullmatch(first) or _IS_DECIMAL.fullmatch(first)
    if is_number and (numbers := _numbers(texts, rf"^(?:{_INT}|{_DECIMAL})$", exact=True)) is not None:
        return Type.FLOAT, numbers
    return Type.STR, texts


def convert(texts: pa.ChunkedArray, type_: Type) -> ColumnValues | None:
    """The values of a column of a declared type, or None if some text is none of that type."""
    match type_:
        case Type.STR:
            return texts
        case Type.INT:
            return _integers(texts)
        case Type.FLOAT:
            return _numbers(texts, rf"^(?:{_EXPONENT})$", exact=False)
        case Type.BOOL:
            return _booleans(texts)
        case Type.ANY:
            return [None if text is None else read_text(text, Type.ANY) for text in texts.to_pylist()]


def _first(texts: pa.ChunkedArray) -> str | None:
    """The first text that is not null."""
    place = pc.index(texts.is_valid(), pa.scalar(True)).as_py()
    return None if place < 0 else texts[place].as_py()


def _integers(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    # Printing them again is the cheapest way to tell `7` from `007` and `0x7`.
    return numbers if _all(pc.equal(numbers.cast(pa.string()), texts)) else None


def _numbers(texts: pa.ChunkedArray, pattern: str, *, exact: bool) -> ColumnValues | None:
    """Doubles; a plain list if some integer would lose digits. `exact` refuses integers beyond 64 bits."""
    if not _all(pc.match_substring_regex(texts, pattern)):
        return None
    numbers = texts.cast(pa.float64())
    if not _all(pc.is_finite(numbers)):
        return None
    largest = pc.max(pc.abs(numbers)).as_py()
    if largest is None or largest < _EXACT:
        return numbers
    values = [None if text is None else read_text(text, Type.FLOAT) for text in texts.to_pylist()]
    if exact and any(isinstance(read_text(text, Type.ANY), str) for text in texts.to_pylist() if text is not None):
        return None
    return values


def _booleans(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    true, false = pc.is_in(texts, pa.array(TRUE)), pc.is_in(texts, pa.array(FALSE))
    if not _all(pc.or_(pc.or_(true, false), texts.is_null())):
        return None
    return pc.if_else(texts.is_null(), pa.scalar(None, pa.bool_()), true)


def _all(truths: pa.ChunkedArray) -> bool:
    """Whether all that is not null is true."""
    return pc.all(truths, min_count=0).as_py() is True
