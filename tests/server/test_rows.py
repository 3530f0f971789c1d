"""Rows on their way in and out: every kind of body, in pieces of every size, and CSV that no spreadsheet runs."""

from __future__ import annotations

import io
import json
import re

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from congresslite.schema import Column, TableSchema, Type
from congresslite.server import rows
from congresslite.server.problems import ProblemError

SCHEMA = TableSchema(
    "inv:t", (Column("id", Type.STR), Column("n", Type.INT), Column("f", Type.FLOAT), Column("b", Type.BOOL))
)


class Drip:
    """A body that comes in pieces of one size."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content, self._size = io.BytesIO(content), size

    def read(self, size: int = -1) -> bytes:
        """Read at most a piece."""
        return self._content.read(self._size if size < 0 else min(size, self._size))


def read(content: bytes | str, kind: str, size: int = 65_536) -> list[dict[str, object]]:
    """The rows of a body."""
    raw = content.encode() if isinstance(content, str) else content
    environ = EnvironBuilder(method="PUT", content_type=kind).get_environ()
    environ |= {"wsgi.input": Drip(raw, size), "CONTENT_LENGTH": str(len(raw))}
    return [dict(row) for row in rows.read_rows(Request(environ), SCHEMA)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 65_536])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", '[{"id": "a", "n": 1}, {"id": "\\"}]{é\\u00e9\\\\", "n": [{"x": "]"}]}]'),
        ("application/json", ' [ {"id":"a","n":1} , {"id":"\\"}]{éé\\\\","n":[{"x":"]"}]} ] \n'),
        ("application/x-ndjson", '{"id": "a", "n": 1}\n\n{"id": "\\"}]{éé\\\\", "n": [{"x": "]"}]}\r\n'),
    ],
    ids=["compact", "spaced", "lines"],
)
def test_json_in_pieces(kind: str, body: str, size: int) -> None:
    """However a body is cut, its rows are the same."""
    assert read(body, kind, size) == [{"id": "a", "n": 1}, {"id": '"}]{éé\\', "n": [{"x": "]"}]}]


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers(-(2**63), 2**63) | st.lists(st.text()))),
    st.integers(1, 50),
    st.booleans(),
)
def test_any_list_is_read_as_it_was_written(value: list[dict[str, object]], size: int, ascii_only: bool) -> None:
    """What JSON can say comes through; NUL and halves of characters are refused."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    hostile = re.search(r"\\u0000|\\ud[89a-f]", json.dumps(value)) is not None
    try:
        assert read(body, "application/json", size) == value
    except ProblemError:
        assert hostile


def test_csv_is_typed_by_the_schema() -> None:
    """A cell has the type of its column, and an empty one is null."""
    body = '﻿id,n,f,b\r\n007,7,1.5,true\r\n"a,""b\nc",,,\r\n'
    assert read(body, "text/csv", 3) == [
        {"id": "007", "n": 7, "f": 1.5, "b": True},
        {"id": 'a,"b\nc', "n": None, "f": None, "b": None},
    ]


def test_separators_within_a_text_end_no_row() -> None:
    """A line separator of Unicode is a character like any other."""
    assert read('{"id": "a\u2028b\x85c"}\n', "application/x-ndjson") == [{"id": "a\u2028b\x85c"}]


@pytest.mark.parametrize(
    ("kind", "body", "status", "told"),
    [
        ("application/json", '{"id": 1}', 400, "no list"),
        ("application/json", "[1]", 400, "no object"),
        ("application/json", '[{"id": 1} {"id": 2}]', 400, "comma"),
        ("application/json", '[{"id": 1},]', 400, "no object"),
        ("application/json", '[{"id": 1}', 400, "comma"),
        ("application/json", '[{"id": ', 400, "ends within"),
        ("application/json", '[{"id": 1}] x', 400, "goes on"),
        ("application/json", '[{"id": NaN}]', 400, "number"),
        ("application/json", '[{"id": ' + "9" * 5000 + "}]", 400, "number"),
        ("application/json", '[{"id": ' + "[" * 100 + "]" * 100 + "}]", 400, "nested"),
        ("application/json", '[{"id": ' + "[" * 100_000 + "]" * 100_000 + "}]", 400, "nested"),
        ("application/json", '[{"id": "' + "x" * 2_000_000 + '"}]', 400, "longer"),
        ("application/json", b'[{"id": "\xff"}]', 400, "UTF-8"),
        ("application/json", '[{"id": "\\ud800"}]', 400, "half"),
        ("application/json", '[{"id": "\\u0000"}]', 400, "NUL"),
        ("application/json", "", 400, "no list"),
        ("application/x-ndjson", '{"id": 1}\n[1]\n', 400, "no object"),
        ("application/x-ndjson", "x" * 2_000_000, 400, "longer"),
        ("text/csv", "", 400, "names of columns"),
        ("text/csv", "id,id\n", 400, "names of columns"),
        ("text/csv", "id,n\na\n", 400, "fields"),
        ("text/csv", "id,n\na,x\n", 422, "does not fit"),
        ("text/csv", 'id,n\n"a\n', 400, "no CSV"),
        ("text/csv", "id\n" + "x" * 500_000 + "\n", 400, "no CSV"),
        ("text/csv", "id\na\0b\n", 400, "NUL"),
        ("application/xml", "<a/>", 415, "no rows"),
        ("", "[]", 415, "no rows"),
    ],
)  # fmt: skip
def test_bad_bodies(kind: str, body: str | bytes, status: int, told: str) -> None:
    """A body that is wrong is refused with what is wrong with it, whatever it is."""
    with pytest.raises(ProblemError, match=told) as caught:
        read(body, kind)
    assert caught.value.status == status


def test_csv_that_no_spreadsheet_runs() -> None:
    """A text that begins like a formula is led by an apostrophe; numbers stay numbers."""
    written = "".join(rows.csv_text(("a", "=b"), [("=1+1", -5), ("@x", 1.0), ("-y", None), ('q"', True), ("\tz", "a")]))
    assert written == "a,'=b\r\n'=1+1,-5\r\n'@x,1.0\r\n'-y,\r\n\"q\"\"\",true\r\n'\tz,a\r\n"


def test_empty_fields() -> None:
    """As the page on REST says, CSV does not tell null from an empty text, and takes an empty field for null."""
    assert "".join(rows.csv_text(("a", "b"), [("", None)])) == "a,b\r\n,\r\n"
    assert read('id,n\n"",\n', "text/csv") == [{"id": None, "n": None}]


def test_csv_in_pieces() -> None:
    """Many rows are written in pieces that make one table."""
    pieces = list(rows.csv_text(("n",), ([number] for number in range(2500))))
    assert len(pieces) == 3
    assert "".join(pieces).splitlines() == ["n", *map(str, range(2500))]
