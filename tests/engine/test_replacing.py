"""Replacements: a table, or a part of it, as a source now shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.api import Engine, Policy
from congresslite.diagnostics import SourceError
from congresslite.schema import Column, Replacement, Row, RowsTable, TableSchema, Type
from tests.examples import few

QUICK = few(75)

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("host", Type.STR), Column("n", Type.INT)), ("id",))
HOST = TableSchema("inv:host", (Column("id", Type.STR), Column("state", Type.STR)))
POLICY = Policy(
    "p",
    """
    load(h, sum(n)) :- inv:vm(v, h, n).
    error(v, h) :- inv:vm(v, h, n), not inv:host(h, "up").
    warning(h) :- load(h, n), n > 3.
    """,
)
TABLES = ("p:load", "p:error", "p:warning")


def engine(vms: list[Row], hosts: list[Row]) -> Engine:
    return Engine.load(POLICY, {"inv:vm": RowsTable(VM, vms), "inv:host": RowsTable(HOST, hosts)})


def answers(of: Engine) -> dict[str, set[Row]]:
    return {table: set(of.rows(table)) for table in TABLES}


texts = st.sampled_from(["a", "b", "c"])
vms = st.lists(st.tuples(texts, texts, st.one_of(st.none(), st.integers(0, 4))), max_size=8)
hosts = st.lists(st.tuples(texts, st.sampled_from(["up", "down"])), max_size=4)


@QUICK
@given(vms, vms, vms, hosts)
def test_a_table_replaced_is_a_table_loaded(
    first: list[Row], second: list[Row], third: list[Row], up: list[Row]
) -> None:
    """Whatever a table held, after a replacement every answer is that of an engine loaded with the new rows."""
    live = engine(first, up)
    for rows in (second, third):
        before = answers(live)
        changes = live.apply({"inv:vm": Replacement(RowsTable(VM, rows))})
        after = answers(live)
        assert after == answers(engine(rows, up))
        for table in TABLES:
            assert set(changes[table].insert) == after[table] - before[table]
            assert set(changes[table].delete) == before[table] - after[table]


@QUICK
@given(vms, vms, st.sampled_from(["id", "host"]), st.frozensets(texts))
def test_a_part_replaced_leaves_the_rest(
    held: list[Row], given_rows: list[Row], column: str, keys: frozenset[str]
) -> None:
    """Replacing the rows of some keys leaves all other rows as they were."""
    at = 0 if column == "id" else 1
    new = [row for row in given_rows if row[at] in keys]
    live = engine(held, [])
    live.apply({"inv:vm": Replacement(RowsTable(VM, new), column, keys)})
    expected = {row for row in held if row[at] not in keys} | set(new)
    assert set(live.rows("inv:vm")) == expected
    assert answers(live) == answers(engine(sorted(expected, key=repr), []))


def test_rows_of_another_schema_are_refused() -> None:
    """A replacement with other columns changes nothing and is told as CL444."""
    live = engine([("a", "b", 1)], [])
    other = TableSchema("inv:vm", (Column("id", Type.STR),))
    with pytest.raises(SourceError) as raised:
        live.apply({"inv:vm": Replacement(RowsTable(other, [("z",)]))})
    assert [each.code for each in raised.value.diagnostics] == ["CL444"]
    assert live.rows("inv:vm") == [("a", "b", 1)]


def test_what_did_not_change_is_no_change() -> None:
    """A pull that brings the rows that are held, in another order and repeated, changes no table."""
    live = engine([("a", "b", 1), ("c", "b", 2)], [])
    rows: list[Row] = [("c", "b", 2), ("a", "b", 1), ("c", "b", 2)]
    assert live.apply({"inv:vm": Replacement(RowsTable(VM, rows))}).changed() == ()
