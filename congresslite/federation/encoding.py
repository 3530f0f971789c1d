"""
Encoding: values as compact JSON and back, exactly.

An integer stays one and a float a float, and any text comes back as it was, half of a surrogate pair too. What is read
comes from outside: whatever does not have just the fields of its kind, of just their types, is Malformed. Messages of
Malformed tell what is wrong, never what stood there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn

from congresslite.schema import INT_MAX, INT_MIN, Delta, Row

# As UTF-8 with both halves of a pair on their own, if that is what a text has: escapes would be read as one character.
_ENCODING = ("utf-8", "surrogatepass")
_SCALARS = frozenset({type(None), bool, int, float, str})
_SURELY_64_BITS = 18  # digits, with the sign


class Malformed(Exception):  # noqa: N818 - said of a message, and told to a person as part of a refusal
    """What is no message. Its text tells nothing that stood there."""


def write_json(document: object) -> bytes:
    """A document as JSON. Raises ValueError for a number that is none of JSON's."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(*_ENCODING)


def read_json(text: bytes | memoryview) -> object:
    """What JSON says. Raises Malformed, for numbers too that no scalar can be."""
    try:
        document: object = json.loads(
            str(text, *_ENCODING), parse_int=_integer, parse_float=_float, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise Malformed("its body is no JSON, or has a number out of range") from None
    return document


def _integer(text: str) -> int:
    value = int(text)
    if len(text) > _SURELY_64_BITS and not INT_MIN <= value <= INT_MAX:
        _no_number(text)
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _no_number(text)
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


class Reader:
    """The fields of a document: each is taken once, by its type, and none may be left."""

    def __init__(self, document: object) -> None:
        self._fields = dict(_table(document, "it"))

    def end(self) -> None:
        """No field may be left."""
        if self._fields:
            raise Malformed("it has fields that its kind has not")

    def text(self, name: str) -> str:
        """A text."""
        value = self._take(name)
        if not isinstance(value, str):
            raise Malformed(f"`{name}` is no text")
        return value

    def flag(self, name: str) -> bool:
        """A boolean."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise Malformed(f"`{name}` is no boolean")
        return value

    def number(self, name: str) -> int:
        """An integer from 0."""
        return _natural(self._take(name), name)

    def pair(self, name: str) -> tuple[int, int] | None:
        """Two integers from 0, or null."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            raise Malformed(f"`{name}` is no pair")
        return _natural(value[0], name), _natural(value[1], name)

    def mapping(self, name: str, deepest: int) -> dict[str, object]:
        """An object, with lists and objects within each other at most `deepest` times."""
        value = _table(self._take(name), f"`{name}`")
        if _deeper(value, deepest):
            raise Malformed(f"`{name}` is too deep")
        return value

    def relations(self, name: str) -> dict[str, list[Row]]:
        """Rows by the names of their relations."""
        return {table: _rows(rows) for table, rows in _table(self._take(name), f"`{name}`").items()}

    def deltas(self, name: str) -> dict[str, Delta]:
        """What comes and what goes, by the names of the relations."""
        return {table: _delta(delta) for table, delta in _table(self._take(name), f"`{name}`").items()}

    def _take(self, name: str) -> object:
        try:
            return self._fields.pop(name)
        except KeyError:
            raise Malformed(f"`{name}` is missing") from None


def _natural(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"`{name}` has what is no number from 0")
    return value


def _table(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    return value


def _delta(value: object) -> Delta:
    if not isinstance(value, list) or len(value) != 2:
        raise Malformed("a change is not two lists")
    return Delta(_rows(value[0]), _rows(value[1]))


def _rows(value: object) -> list[Row]:
    if not isinstance(value, list) or not all(map(_is_row, value)):
        raise Malformed("rows are no lists of scalars")
    return list(map(tuple, value))


def _is_row(value: object) -> bool:
    return isinstance(value, list) and _SCALARS.issuperset(map(type, value))


def _deeper(value: object, deepest: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(deepest == 0 or _deeper(each, deepest - 1) for each in inner)
