"""CSV tables: typing held against a reader that goes cell by cell, and what is read when."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from congresslite.schema import ColumnValues, Scalar, TableData, Type, canonical
from congresslite.sources import csvfiles, open_inventory
from tests.examples import few

Opened = Callable[[str, str], TableData]


def as_list(values: ColumnValues) -> list[Scalar]:
    """A column as Python values, each in its canonical form."""
    plain = values if isinstance(values, list) else values.to_pylist()
    return [canonical(value) for value in plain]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a CSV text as table `inv:t`, with a `_schema.yaml` if one is given."""

    def open_text(text: str, schema: str = "") -> TableData:
        folder = tmp_path / "inv"
        folder.mkdir(exist_ok=True)
        (folder / "t.csv").write_text(text, encoding="utf-8", newline="")
        if schema:
            (folder / "_schema.yaml").write_text(schema, encoding="utf-8")
        return open_inventory(tmp_path).table("inv:t")

    return open_text


def naive_integer(text: str) -> int | None:
    """What Python prints back unchanged, within 64 bits."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if str(number) == text and -(2**63) <= number < 2**63 else None


def naive_number(text: str) -> int | float | None:
    """An integer, or digits on both sides of one dot."""
    if (whole := naive_integer(text)) is not None:
        return whole
    left, dot, right = text.removeprefix("-").partition(".")
    digits = set("0123456789")
    if not dot or not left or not right or not set(left + right) <= digits or (left[0] == "0" and left != "0"):
        return None
    return float(text) if math.isfinite(float(text)) else None


def naive_column(texts: list[str]) -> tuple[Type, list[Scalar]]:
    """The type and the values of a column, one cell after the other."""
    given = [text for text in texts if text]
    if not given:
        return Type.ANY, [None] * len(texts)
    for type_, read in ((Type.INT, naive_integer), (Type.FLOAT, naive_number)):
        if all(read(text) is not None for text in given):
            return type_, [canonical(read(text)) if text else None for text in texts]
    return Type.STR, [text or None for text in texts]


WHOLE = st.integers(-(2**63), 2**63 - 1).map(str)
DECIMAL = st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: f"{value:.3f}")
ODD = st.sampled_from(
    [
        *("007", "+1", "-0", "1e5", "nan", "inf", "1.", ".5", "0x1F", " 1", "1 ", "1_0", "١", "00.5", "1" * 400),
        *("9223372036854775808", "-9223372036854775809", "9007199254740993", "9007199254740993.5"),
        *("true", "null", 'say "hi"', "a,b"),
    ]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=6)
CELLS = [st.one_of(WHOLE, st.just("")), st.one_of(WHOLE, DECIMAL, st.just("")), st.one_of(WHOLE, DECIMAL, ODD), TEXT]


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows of cells; the cells of a column are mostly of one kind, with something odd now and then."""
    kinds = draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=4))
    return draw(st.lists(st.tuples(*kinds).map(list), max_size=12))


@few(300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables(), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans()
)  # fmt: skip
def test_typing_agrees_with_a_naive_reader(
    opened: Opened, rows: list[list[str]], end: str, quoted: bool, mark: bool
) -> None:
    """Whatever a file holds, types and values are those that reading cell by cell gives."""
    width = len(rows[0]) if rows else 2
    names = [f"c{place}" for place in range(width)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([names, *rows])
    table = opened(("\ufeff" if mark else "") + text.getvalue(), "")
    for place, name in enumerate(names):
        type_, values = naive_column([row[place] for row in rows])
        assert (table.schema.columns[place].type, as_list(table.columns([name])[name])) == (type_, values)
    assert table.num_rows == len(rows)


@pytest.mark.parametrize(
    ("type_", "cells", "expected"),
    [
        ("int", ["1", "", "-5"], [1, None, -5]),
        ("float", ["1", "2.5", "1e-05", ""], [1, 2.5, 1e-05, None]),
        ("float", ["9007199254740993", "0.5"], [9007199254740993, 0.5]),
        ("str", ["007", "1e5", "", "true"], ["007", "1e5", None, "true"]),
        ("bool", ["true", "False", "TRUE", ""], [True, False, True, None]),
        ("any", ["1", "x", "2.5", "", "007"], [1, "x", 2.5, None, "007"]),
    ],
    ids=["int", "float", "exact integers among floats", "str", "bool", "any"],
)
def test_declared_types(opened: Opened, type_: str, cells: list[str], expected: list[Scalar]) -> None:
    """A declared column has the declared type, whatever its values look like."""
    table = opened("\n".join(["c,d", *(f"{cell},x" for cell in cells)]), f"t: {{columns: {{c: {type_}, d: str}}}}")
    assert table.schema.columns[0].type is Type(type_)
    assert [value if value is None else (type(value), value) for value in as_list(table.columns(["c"])["c"])] == [
        value if value is None else (type(canonical(value)), canonical(value)) for value in expected
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b", []),
        ("a,b\n", []),
        ("\n\na,b\n\n1,x\n\n2,y\n\n", [(1, "x"), (2, "y")]),
        ('a,b\n1,"two\nlines"\n2,""\n', [(1, "two\nlines"), (2, None)]),
        ('a,b\n1,5" disk\n', [(1, '5" disk')]),
        ("a,b\r1,x\r", [(1, "x")]),
        ("a,b\n1,é漢\n", [(1, "é漢")]),
        ('"a","b"\n1,"say ""hi"", she"\n', [(1, 'say "hi", she')]),
        ("a,b\n1," + "x" * (9 << 20) + "\n", [(1, "x" * (9 << 20))]),
    ],
    ids=[
        "header only",
        "header line",
        "blank lines",
        "line break",
        "a quote inside",
        "CR",
        "unicode",
        "quotes",
        "long",
    ],
)
def test_forms(opened: Opened, text: str, rows: list[tuple[Scalar, ...]]) -> None:
    """The forms of CSV that programs write are read as they mean it."""
    table = opened(text, "")
    found = table.columns(["a", "b"])
    assert list(zip(*map(as_list, found.values()), strict=True)) == rows


def test_only_asked_columns_are_read(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that are asked for together cost one pass, each is read once, and nobody reads the others."""
    asked: list[list[str]] = []
    read = csvfiles.CsvTable._parsed

    def counted(self: csvfiles.CsvTable, names: list[str], *, quoted: bool) -> pa.Table:
        asked.append(list(names))
        return read(self, names, quoted=quoted)

    monkeypatch.setattr(csvfiles.CsvTable, "_parsed", counted)
    table = opened("a,b,c\n1,2,3\n", "t: {columns: {a: int, b: int, c: int}}")
    assert [column.name for column in table.schema.columns] == ["a", "b", "c"]
    assert asked == []
    table.columns(["a", "b"])
    table.columns(["b", "c"])
    table.columns(["a", "b", "c"])
    assert (asked, table.num_rows) == ([["a", "b"], ["c"]], 1)


def test_columns_are_arrow(opened: Opened) -> None:
    """Values stay in Arrow's memory: no column of a sound file becomes a Python list."""
    table = opened("a,b,c,d\n1,x,2.5,\n", "")
    types = [values.type for values in table.columns(["a", "b", "c", "d"]).values() if not isinstance(values, list)]
    assert types == [pa.int64(), pa.string(), pa.float64(), pa.null()]
