"""
What is wrong with a CSV file, and on which line: read slowly, and only when the fast reader has given up.

Lines are counted as an editor counts them, so that a row after a quoted line
break is still found; a row's line is the one that it starts on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from congresslite.diagnostics import Diagnostic
from congresslite.schema import Type
from congresslite.sources.texts import read_text

# After the last line: in a file whose last quote is never closed, it ends up inside a value.
_SENTINEL = "\x00end of the file\x00"
_LONGEST = (1 << 31) - 1


def fault(path: Path, width: int) -> Diagnostic:
    """Why the fast reader could not split a file into rows of `width` fields."""
    return _encoding(path) or _unclosed_or_ragged(path, width) or _unknown(path)


def misfit(path: Path, position: int, column: str, type_: Type) -> Diagnostic:
    """The first value of a column, by its position, that does not fit the declared type."""
    for line, fields in rows(path):
        text = fields[position] if position < len(fields) else ""
        if text and not _fits(text, type_):
            shown = text if len(text) <= 60 else f"{text[:57]}…"
            message = f'"{shown}" in column `{column}`, which is of type {type_}'
            return Diagnostic("CL407", message, place=f"{path}:{line}", hint=_hint(text, type_))
    return _unknown(path)


def rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file after its header, blank lines left out, each with the line it starts on."""
    every = _records(path)
    next(every, None)
    for line, fields in every:
        if fields != [_SENTINEL]:
            yield line, fields


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    # The rest of a file after an open quote is one field, and longer than Python takes by default.
    limit = csv.field_size_limit(_LONGEST)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(chain(file, ["\n", _SENTINEL]))
            line = 1
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)


def _fits(text: str, type_: Type) -> bool:
    try:
        read_text(text, type_)
    except ValueError:
        return False
    return True


def _hint(text: str, type_: Type) -> str | None:
    if type_ is Type.BOOL:
        return "write `true` or `false`"
    if type_ is Type.INT and text.lstrip("+-").isdigit():
        too_long = not text.startswith(("+", "-0", "0"))
        return (
            "it does not fit in 64 bits; declare the column `str`"
            if too_long
            else "declare the column `str` to keep it"
        )
    return "leave the cell empty for null" if text.lower() in ("null", "none", "n/a", "-") else None


def _encoding(path: Path) -> Diagnostic | None:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                message = f"this is not UTF-8: byte {error.start + 1} of the line cannot be read"
                return Diagnostic("CL403", message, place=f"{path}:{number}", hint="save the file as UTF-8")
    return None


def _unclosed_or_ragged(path: Path, width: int) -> Diagnostic | None:
    for line, fields in _records(path):
        if _swallows_the_end(fields):
            return _unclosed(path, line)
        if fields != [_SENTINEL] and len(fields) != width:
            return _ragged(path, line, len(fields), width)
    return None


def unclosed(path: Path) -> Diagnostic | None:
    """The finding for a file whose last quoted value never ends, if it is one."""
    try:
        return next((_unclosed(path, line) for line, fields in _records(path) if _swallows_the_end(fields)), None)
    except UnicodeDecodeError:
        return _encoding(path)


def _swallows_the_end(fields: list[str]) -> bool:
    return fields != [_SENTINEL] and any(_SENTINEL in field for field in fields)


def _ragged(path: Path, line: int, found: int, width: int) -> Diagnostic:
    few = found < width
    message = f"the row has {found} field{'s' * (found != 1)}, the header {width}"
    hint = "is the file complete?" if few else "a value that holds a comma needs quotes"
    return Diagnostic("CL405", message, place=f"{path}:{line}", hint=hint)


def _unclosed(path: Path, line: int) -> Diagnostic:
    message = "a quoted value that starts in this row never ends"
    return Diagnostic(
        "CL417", message, place=f"{path}:{line}", hint='close it with `"`; a quote inside is written `""`'
    )


def _unknown(path: Path) -> Diagnostic:
    return Diagnostic("CL402", f"`{path}` cannot be read as CSV", place=str(path))
