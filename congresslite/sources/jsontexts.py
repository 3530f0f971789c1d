"""
JSON as other systems write it, read strictly, with the line of each element at hand when something is wrong.

The good path is Python's own parser; the text is gone through a second time
only to say where a mistake is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.shapes import unreadable

_SPACE = " \t\r\n"


def _refuse(constant: str) -> NoReturn:
    raise _NoNumberError(constant)


class _NoNumberError(Exception):
    """`NaN` or an infinity, which Python's parser would take."""


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def read_utf8(path: Path) -> str:
    """The text of a file, a byte order mark left out. Raises SourceError if it cannot be read or is not UTF-8."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(unreadable(path, error)) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"this is not UTF-8: byte {error.start + 1} of the file cannot be read"
        raise SourceError(Diagnostic("CL403", message, place=f"{path}:{line}", hint="save the file as UTF-8")) from None


def parse(text: str, path: Path, first_line: int = 1) -> Any:
    """The value of a JSON text. Raises SourceError with line and column of what is wrong.

    `first_line` is where the text starts in its file.
    """
    if not text.strip(_SPACE):
        hint = "write `[]` for a table without rows"
        raise SourceError(Diagnostic("CL404", f"`{path}` is empty", place=str(path), hint=hint))
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line, column = error.lineno - 1 + first_line, error.colno
        message = f"this is no JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise SourceError(Diagnostic("CL408", message, place=f"{path}:{line}:{column}")) from None
    except _NoNumberError as error:
        line = _line_of_constant(text, str(error)) - 1 + first_line
        message = f"`{error}` is no value of JSON, and none of the language"
        raise SourceError(Diagnostic("CL412", message, place=f"{path}:{line}", hint="write `null`")) from None
    except ValueError:
        # Python refuses integers of more than some thousand digits.
        message = "a number with thousands of digits"
        raise SourceError(
            Diagnostic("CL412", message, place=f"{path}:{first_line}", hint="write it as a string")
        ) from None
    except RecursionError:
        raise SourceError(Diagnostic("CL408", "this is nested too deeply", place=f"{path}:{first_line}")) from None


def line_of_element(text: str, index: int) -> int:
    """The line on which an element of a JSON list starts, counted from 1. The text must be sound."""
    position = text.index("[") + 1
    for _ in range(index):
        _, position = _DECODER.raw_decode(text, _skip(text, position))
        position = text.index(",", position) + 1
    return text.count("\n", 0, _skip(text, position)) + 1


def _skip(text: str, position: int) -> int:
    while text[position] in _SPACE:
        position += 1
    return position


def _line_of_constant(text: str, constant: str) -> int:
    """The line of the first `NaN` or the like that stands outside of a string."""
    position, inside = 0, False
    while position < len(text):
        if text[position] == '"':
            inside = not inside
        elif inside and text[position] == "\\":
            position += 1
        elif not inside and text.startswith(constant, position):
            break
        position += 1
    return text.count("\n", 0, position) + 1
