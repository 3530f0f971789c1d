"""Intake: a pull is taken whole, or refused with the reason."""

from __future__ import annotations

import pytest

from congresslite.diagnostics import SourceError
from congresslite.live.intake import HeldBackError, check_columns, check_empty, check_keys, full_columns
from congresslite.schema import Column, Replacement, Row, RowsTable, TableSchema, Type

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("zone"), Column("n", Type.INT)), ("id",))
PAIR = TableSchema("inv:pair", VM.columns, ("id", "zone"))


def change(schema: TableSchema, *rows: Row, column: str | None = None) -> dict[str, Replacement]:
    return {schema.name: Replacement(RowsTable(schema, rows), column)}


KEYS: dict[str, tuple[TableSchema, list[Row], bool]] = {
    "no rows": (VM, [], True),
    "different keys": (VM, [("a", 1, 1), ("b", 1, 1)], True),
    "the same row twice": (VM, [("a", 1, 1), ("a", 1, 1), ("b", 1, 1)], True),
    "two rows of one key": (VM, [("a", 1, 1), ("a", 1, 2)], False),
    "two rows of one key, where a value of any kind differs": (VM, [("a", True, 1), ("a", 1, 1)], False),
    "a key of two columns": (PAIR, [("a", 1, 1), ("a", 2, 1)], True),
    "two rows of a key of two columns": (PAIR, [("a", 1, 1), ("a", 1, 2)], False),
    "true is not one, in a key": (PAIR, [("a", 1, 1), ("a", True, 2)], True),
    "null is a key like another": (VM, [(None, 1, 1), (None, 1, 2)], False),
}


@pytest.mark.parametrize(("schema", "rows", "fine"), KEYS.values(), ids=KEYS)
def test_rows_that_share_a_key_are_refused(schema: TableSchema, rows: list[Row], fine: bool) -> None:
    """A key names one row; a pull in which it names two is not taken, and the finding names the key."""
    if fine:
        check_keys(change(schema, *rows))
        return
    with pytest.raises(SourceError) as raised:
        check_keys(change(schema, *rows))
    assert [each.code for each in raised.value.diagnostics] == ["CL431"]


def test_a_table_that_is_suddenly_empty_is_held_back() -> None:
    """A pull without rows is held back where there were many; no part, no small table, and not if told so."""
    with pytest.raises(HeldBackError) as raised:
        check_empty(change(VM), {"inv:vm": 10}, 10)
    assert [each.code for each in raised.value.diagnostics] == ["CL573"]
    check_empty(change(VM), {"inv:vm": 9}, 10)
    check_empty(change(VM), {"inv:vm": 10}, 0)
    check_empty(change(VM, column="id"), {"inv:vm": 10}, 10)
    check_empty(change(VM, ("a", 1, 1)), {"inv:vm": 10}, 10)


def test_a_column_that_lost_all_its_values_is_no_estate() -> None:
    """Where every row had a value and now none has, the replies have changed; a null here and there is nothing."""
    held = RowsTable(VM, [("a", 1, 1), ("b", 2, None)])
    full = {"inv:vm": full_columns(held)}
    assert full == {"inv:vm": {"id", "zone"}}
    check_columns(change(VM, ("a", None, None), ("b", 2, None)), full)
    check_columns(change(VM, ("a", None, None)), full)
    with pytest.raises(SourceError) as raised:
        check_columns(change(VM, ("a", None, 1), ("b", None, 2)), full)
    assert [each.code for each in raised.value.diagnostics] == ["CL572"]
    assert "`zone`" in raised.value.diagnostics[0].message
