"""
Replies to rows: what a system answers in JSON, turned into typed tables as its definition says.

A row is made for each element that the table's paths lead to, so that a list
within an object (the addresses of a server) becomes a table of its own, with
what it needs of the objects around it. Paths are JMESPath, and one function
more: `items`, the entries of an object as a list of `{key, value}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jmespath
from jmespath import exceptions, functions

from congresslite.schema import Scalar
from congresslite.sources.columns import MisfitError

# A path of names alone needs no interpreter: `a.b`, `"OS-EXT-AZ:availability_zone"`, `server."a b".c`.
_NAME = r'(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")'
_NAMES = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_ONE_NAME = re.compile(_NAME)

Path = Callable[[Any], Any]


class BadPathError(ValueError):
    """A path that is no JMESPath, or one that cannot be followed in a reply."""


class _Functions(functions.Functions):
    """JMESPath's own functions and `items`."""

    @functions.signature({"types": ["object", "null"]})
    def _func_items(self, entries: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        return [{"key": key, "value": value} for key, value in (entries or {}).items()]


@cache
def compile_path(text: str) -> Path:
    """What follows a path from a value. Raises BadPathError, now or when it is followed."""
    if names := names_of(text):
        return _follow(names)
    try:
        compiled = jmespath.compile(text)
    except exceptions.JMESPathError as error:
        raise BadPathError(_first_line(error)) from None
    options = jmespath.Options(custom_functions=_Functions())

    def search(value: Any) -> Any:
        try:
            return compiled.search(value, options=options)
        except exceptions.JMESPathError as error:
            raise BadPathError(_first_line(error)) from None

    return search


def _first_line(error: Exception) -> str:
    text = (str(error).splitlines() or ["a malformed path"])[0].rstrip(":")
    return text[:1].lower() + text[1:]


def _follow(names: Sequence[str]) -> Path:
    def follow(value: Any) -> Any:
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return follow


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """Where a column's value stands, and how null is spelled there (None: as null).

    Where a value is `required`, null is an error; where one is to be `present`, a reply that does not even say null is.
    """

    name: str
    path: str
    null_as: str | None = None
    required: bool = False
    present: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step to the rows: a path to a list, whose elements go by a name in the paths that follow."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class TableMapping:
    """How a reply becomes a table. Without names, there is one step, and the paths of columns start at its elements."""

    reply: str
    steps: tuple[Step, ...]
    columns: tuple[ColumnPath, ...] = field(default=())


def elements(mapping: TableMapping, reply: Any) -> list[Any]:
    """What the paths of columns start from, for each row. Raises BadPathError where a path leads to no list."""
    if len(mapping.steps) == 1 and not mapping.steps[0].name:
        return _list(compile_path(mapping.steps[0].path)(reply), mapping.steps[0].path)
    scopes: list[dict[str, Any]] = [{}]
    for place, step in enumerate(mapping.steps):
        follow = compile_path(step.path)
        scopes = [
            {**scope, step.name: element}
            for scope in scopes
            for element in _list(follow(scope if place else reply), step.path, nothing=place > 0)
        ]
    return list(scopes)


def _list(value: Any, path: str, *, nothing: bool = False) -> list[Any]:
    if value is None and nothing:
        return []
    if not isinstance(value, list):
        what = "nothing" if value is None else "an object" if isinstance(value, dict) else "a single value"
        raise BadPathError(f"`{path}` leads to {what}, where a list of rows is expected")
    return value


def values(column: ColumnPath, rows: Sequence[Any]) -> list[Any]:
    """The values of a column, one for each row, as the reply has them. Raises BadPathError and MisfitError."""
    follow = compile_path(column.path)
    found = [follow(row) for row in rows]
    lacking = _lacking(column, rows, found)
    if lacking is not None:
        hint = "was it asked for as the definition says, with its headers and as an admin?"
        message = f"nothing at `{column.path}`, where a value is required"
        raise MisfitError(lacking, "CL407", message, hint)
    return found if column.null_as is None else [_spelled(value, column.null_as) for value in found]


def _lacking(column: ColumnPath, rows: Sequence[Any], found: Sequence[Any]) -> int | None:
    """The first row that lacks what it has to have."""
    if column.required and None in found:
        return found.index(None)
    if column.present and None in found:
        *outer, last = names_of(column.path)
        around = _follow(outer)
        for index, row in enumerate(rows):
            if found[index] is None and last not in (around(row) or {}):
                return index
    return None


def names_of(path: str) -> list[str]:
    """The names that a path consists of; none if it is more than that."""
    return [name.strip('"') for name in _ONE_NAME.findall(path)] if _NAMES.fullmatch(path) else []


def _spelled(value: Scalar, null_as: str) -> Scalar:
    """Null and booleans as Congress wrote them."""
    if value is None:
        return null_as
    return str(value) if isinstance(value, bool) else value
