"""The cache: what was pulled comes back as it was, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.live.cache import TableCache
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type
from tests.examples import few

QUICK = few(30)
SCHEMA = TableSchema(
    "inv:vm/../odd name",
    (
        Column("text", Type.STR),
        Column("whole", Type.INT),
        Column("part", Type.FLOAT),
        Column("flag", Type.BOOL),
        Column("any", Type.ANY),
    ),
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=5),
    st.floats(allow_nan=False, allow_infinity=False),
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
rows = st.lists(
    st.tuples(
        st.one_of(st.none(), text),
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), text),
    ),
    max_size=6,
)


def listed(table: object, names: list[str]) -> list[tuple[object, ...]]:
    columns = table.columns(names)  # type: ignore[attr-defined]
    lists = [each if isinstance(each, list) else each.to_pylist() for each in columns.values()]
    return [tuple((type(value), value) for value in row) for row in zip(*lists, strict=True)]


@QUICK
@given(rows)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    """Every value of every type comes back, with its type, and the time of the pull with it."""
    cache = TableCache(tmp_path_factory.mktemp("cache"))
    table = RowsTable(SCHEMA, rows)
    cache.write(table, 1234.5)
    found = cache.read(SCHEMA)
    assert found is not None
    names = [column.name for column in SCHEMA.columns]
    assert found[1] == 1234.5
    assert listed(found[0], names) == listed(table, names)


def test_a_table_without_columns_keeps_its_rows(tmp_path: Path) -> None:
    """A table that has no columns is there or not; both come back."""
    cache, schema = TableCache(tmp_path), TableSchema("s:alarm", ())
    for rows in ([], [()]):
        cache.write(RowsTable(schema, rows), 1.0)
        found = cache.read(schema)
        assert found is not None
        assert found[0].num_rows == len(rows)


def test_what_is_of_no_use_is_as_good_as_nothing(tmp_path: Path) -> None:
    """A missing file, a damaged one and one of other columns are all read as none."""
    cache = TableCache(tmp_path)
    assert cache.read(SCHEMA) is None
    cache.write(RowsTable(SCHEMA, []), 1.0)
    assert cache.read(TableSchema(SCHEMA.name, SCHEMA.columns[:2])) is None
    cache.path(SCHEMA.name).write_bytes(cache.path(SCHEMA.name).read_bytes()[:100])
    assert cache.read(SCHEMA) is None


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    """A table's name may hold anything; its file is in the folder, and nothing else is written."""
    cache = TableCache(tmp_path / "cache")
    cache.write(RowsTable(TableSchema("../../x:y", (Column("a"),)), [(1,)]), 1.0)
    assert [path.parent for path in tmp_path.rglob("*.arrow")] == [tmp_path / "cache"]
    assert len(list((tmp_path / "cache").iterdir())) == 1
