"""
Rows on their way in and out: JSON lists, lines of JSON and CSV, read row by row; and CSV that no spreadsheet runs.

The rule to keep: whatever the size of a body, what is held of it at a time is
one row and one piece of the body. A fault names the row, and the rows before it
do not count either: whoever takes them sees the exception.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, NoReturn

from flask import Request

from congresslite.diagnostics import Diagnostic
from congresslite.schema import Scalar, TableSchema, Type
from congresslite.server.intake import check_text, parse_json
from congresslite.server.problems import ProblemError
from congresslite.sources.texts import read_text

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
KINDS = (JSON, NDJSON, CSV)
_PIECE = 65_536
_LONGEST = 1_000_000  # characters of a row
_SPACE = " \t\r\n"
_IN_VALUE = re.compile(r'["{}\[\]]')
_IN_TEXT = re.compile(r'"|\\.', re.DOTALL)
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

PushedRow = Mapping[str, Any]


def read_rows(request: Request, schema: TableSchema) -> Iterator[PushedRow]:
    """The rows of a body, objects by column. Raises ProblemError: for a wrong kind at once, else as they come."""
    match request.mimetype:
        case "application/json":
            return _json_rows(_texts(request.stream))
        case "application/x-ndjson" | "application/ndjson" | "application/jsonl":
            return _ndjson_rows(_texts(request.stream))
        case "text/csv":
            return _csv_rows(_lines(_texts(request.stream)), schema)
    message = "the body holds no rows"
    raise ProblemError(415, Diagnostic("CL553", message, hint=f"send `{JSON}`, `{NDJSON}` or `{CSV}`"))


def _texts(stream: IO[bytes]) -> Iterator[str]:
    """A body in pieces of text."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        while piece := stream.read(_PIECE):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        _unreadable("the body is not UTF-8", "body")


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines with their ends. Only a line feed ends one: other separators may stand within a text."""
    rest = ""
    for text in texts:
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            yield f"{line}\n"
        if len(rest) > _LONGEST:
            _unreadable(f"a row is longer than {_LONGEST} characters", "body")
    if rest:
        yield rest


def _ndjson_rows(texts: Iterable[str]) -> Iterator[PushedRow]:
    for number, line in enumerate(_lines(texts), start=1):
        if line.strip():
            yield _row(parse_json(line, f"body:{number}"), f"body:{number}")


def _csv_rows(lines: Iterator[str], schema: TableSchema) -> Iterator[PushedRow]:
    reader = csv.reader(lines, strict=True)
    types = {column.name: column.type for column in schema.columns}
    try:
        header = next(reader, None)
        if header is None or len(set(header)) < len(header):
            _unreadable("the body does not begin with the names of columns, each once", "body:1")
        for cells in reader:
            place = f"body:{reader.line_num}"
            if not cells:
                continue
            if len(cells) != len(header):
                _unreadable(f"a row has {len(cells)} fields, and the header {len(header)}", place)
            yield {
                name: _cell(text, types.get(name, Type.STR), f"{place}.{name[:100]}")
                for name, text in zip(header, cells, strict=True)
            }
    except csv.Error as error:
        _unreadable(f"the body is no CSV: {error}", f"body:{reader.line_num}")


def _cell(text: str, type_: Type, place: str) -> Scalar:
    """The value of a cell; empty is null."""
    if text == "":
        return None
    check_text(text, place)
    try:
        return read_text(text, type_)
    except ValueError:
        finding = Diagnostic("CL550", f"`{text[:100]}` does not fit a column of type {type_.value}", place=place)
        raise ProblemError(422, finding) from None


def _json_rows(texts: Iterator[str]) -> Iterator[PushedRow]:
    """The elements of a JSON list, one by one."""
    text = _Ahead(texts)
    if text.skip() != "[":
        _unreadable("the body is no list of objects", "body")
    text.at += 1
    number = 0
    while text.skip() != "]":
        if number:
            if text.skip() != ",":
                _unreadable("the body is no JSON: a comma is missing between rows", f"body[{number}]")
            text.at += 1
            text.skip()
        yield _row(text.value(f"body[{number}]"), f"body[{number}]")
        number += 1
    text.at += 1
    if text.skip():
        _unreadable("the body goes on after the end of its list", "body")


class _Ahead:
    """A text that is read in pieces: from `at` on, as much of it as somebody had to see."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self.at = 0

    def _more(self) -> bool:
        """Read one piece more, and forget what is behind."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._text, self.at = self._text[self.at :] + piece, 0
        return True

    def skip(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self.at < len(self._text):
                if self._text[self.at] not in _SPACE:
                    return self._text[self.at]
                self.at += 1
            if not self._more():
                return ""

    def value(self, place: str) -> Any:
        """The object that begins here."""
        if self.skip() != "{":
            _unreadable("a row is no object", place)
        end = self._end(place)
        text, self.at = self._text[self.at : end], end
        return parse_json(text, place)

    def _end(self, place: str) -> int:
        """Where the object ends: brackets are counted and texts passed over, so that nothing is looked at twice."""
        depth, position, inside = 0, self.at, False
        while True:
            while match := (_IN_TEXT if inside else _IN_VALUE).search(self._text, position):
                position = match.end()
                match match[0]:
                    case '"':
                        inside = not inside
                    case "{" | "[":
                        depth += 1
                    case "}" | "]":
                        depth -= 1
                        if depth == 0:
                            return position
            # An escape may be cut in two, so its backslash is looked at again.
            cut = inside and self._text.endswith("\\") and position < len(self._text)
            seen = len(self._text) - self.at - cut
            if seen > _LONGEST:
                _unreadable(f"a row is longer than {_LONGEST} characters", place)
            if not self._more():
                _unreadable("the body ends within a row", place)
            position = seen


def _row(value: Any, place: str) -> PushedRow:
    if not isinstance(value, dict):
        _unreadable("a row is no object", place)
    return value


def _unreadable(message: str, place: str) -> NoReturn:
    raise ProblemError(400, Diagnostic("CL551", message, place=place))


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Scalar]]) -> Iterator[str]:
    """Rows as CSV, in pieces. A text that a spreadsheet would run is led by an apostrophe; null is an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_safe(column) for column in columns])
    for number, row in enumerate(rows, start=1):
        writer.writerow([_safe(value) for value in row])
        if number % 1000 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _safe(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return json.dumps(value) if isinstance(value, bool | float) else value
