"""
Columns made of Python values, as JSON and replies give them: typed, or else an error that names the rows.

The common case is settled by the set of the values' Python types, which costs
next to nothing; only a column with something wrong is looked at value by value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyarrow as pa

from congresslite.schema import INT_MAX, INT_MIN, ColumnValues, Scalar, Type, canonical

_ARROW = {Type.STR: pa.string(), Type.INT: pa.int64(), Type.FLOAT: pa.float64(), Type.BOOL: pa.bool_()}
_KINDS = {bool: Type.BOOL, int: Type.INT, float: Type.FLOAT, str: Type.STR}
_ALLOWED: dict[Type, frozenset[type]] = {
    Type.BOOL: frozenset({bool}),
    Type.INT: frozenset({int, float}),
    Type.FLOAT: frozenset({int, float}),
    Type.STR: frozenset({str}),
    Type.ANY: frozenset({bool, int, float, str}),
}
_WORDS = {bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "a list", dict: "an object"}
_EXACT = 2**53


class MisfitError(Exception):
    """A value that cannot stand in its column: which row (from 0), why, under which code, and perhaps a hint."""

    def __init__(self, row: int, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.code = code
        self.message = message
        self.hint = hint


def infer(values: Sequence[object]) -> tuple[Type, ColumnValues]:
    """The type of a column that nobody declared, and its values. Raises MisfitError for mixed and for nested values."""
    found = set(map(type, values)) - {type(None)}
    if not found:
        return Type.ANY, pa.chunked_array([pa.nulls(len(values))])
    if not found <= _KINDS.keys():
        raise _nested(values)
    if found == {int, float}:
        found = {float}
    if len(found) > 1:
        raise _mixed(values)
    type_ = _KINDS[found.pop()]
    return type_, column(values, type_)


def column(values: Sequence[object], type_: Type) -> ColumnValues:
    """The values of a column of a declared type. Raises MisfitError for one that does not fit it."""
    found = set(map(type, values)) - {type(None)}
    if not found <= _ALLOWED[type_]:
        raise _unfit(values, type_)
    if found & {int, float}:
        _check_numbers(values)
    if type_ is Type.ANY:
        _check_texts(values)
        return [canonical(value) for value in values]  # type: ignore[arg-type]  # checked above, by type
    if type_ is Type.INT and float in found:
        return _array(_whole(values), type_)
    if type_ is Type.FLOAT and any(isinstance(value, int) and abs(value) > _EXACT for value in values):
        return [canonical(value) for value in values]  # type: ignore[arg-type]
    return _array(values, type_)


def _array(values: Sequence[object], type_: Type) -> pa.ChunkedArray:
    try:
        return pa.chunked_array([pa.array(values, _ARROW[type_])])
    except UnicodeEncodeError:
        _check_texts(values)
        raise


def _check_texts(values: Sequence[object]) -> None:
    """Raise MisfitError for a text with half of a character, which nobody could write down."""
    for row, value in enumerate(values):
        if isinstance(value, str) and not _is_unicode(value):
            message = f"{value!a} holds half of a character"
            raise MisfitError(row, "CL412", message, "escape both halves, or none") from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_numbers(values: Sequence[object]) -> None:
    """Raise MisfitError for an infinity, for NaN and for an integer beyond 64 bits: the language has no such values."""
    for row, value in enumerate(values):
        if isinstance(value, float) and not math.isfinite(value):
            raise MisfitError(row, "CL412", "a number too big, or none at all", "there is no NaN and no infinity")
        if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
            raise MisfitError(row, "CL412", f"`{value}` does not fit in 64 bits", "write it as a string")


def _whole(values: Sequence[object]) -> list[Scalar]:
    """Values of a column of integers, where 1.0 is 1 and 1.5 is an error."""
    result: list[Scalar] = []
    for row, value in enumerate(values):
        whole = canonical(value)  # type: ignore[arg-type]
        if isinstance(whole, float):
            raise MisfitError(row, "CL407", f"`{value}` is no integer", "declare the column `float`")
        result.append(whole)
    return result


def shown(value: object) -> str:
    """A value for a message: what it is, and the value itself if it is short."""
    word = _WORDS.get(type(value), "something")
    if isinstance(value, list | dict):
        return word
    text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return f"{word}, {text if len(text) <= 60 else text[:57] + '…'}"


def _unfit(values: Sequence[object], type_: Type) -> MisfitError:
    for row, value in enumerate(values):
        if value is not None and type(value) not in _ALLOWED[type_]:
            if isinstance(value, list | dict):
                return MisfitError(row, "CL411", f"{_WORDS[type(value)]} within a row", _FLATTEN)
            return MisfitError(row, "CL407", f"{shown(value)}, where the column is of type {type_}")
    raise AssertionError("no value that does not fit")


_FLATTEN = "a column holds single values: flatten it, or describe the source by a definition"


def _nested(values: Sequence[object]) -> MisfitError:
    for row, value in enumerate(values):
        if isinstance(value, list | dict):
            return MisfitError(row, "CL411", f"{_WORDS[type(value)]} within a row", _FLATTEN)
    raise AssertionError("no nested value")


def _mixed(values: Sequence[object]) -> MisfitError:
    """The first row whose value is of another kind than those before it; integers and floats are one kind."""
    first: tuple[int, object] | None = None
    for row, value in enumerate(values):
        if value is None:
            continue
        if first is None:
            first = (row, value)
        elif _kind(value) != _kind(first[1]):
            message = f"{shown(value)} in row {row + 1}, but {shown(first[1])} in row {first[0] + 1}"
            return MisfitError(row, "CL410", message, "declare the column `any` in `_schema.yaml` if that is meant")
    raise AssertionError("no mixed values")


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)
