"""What a batch changes of source tables, told beside what it changes of derived ones."""

from __future__ import annotations

from congresslite.api import Engine, Policy
from congresslite.schema import Column, Delta, Replacement, Row, RowsTable, TableSchema, Type

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("ghz", Type.FLOAT)))
TWICE: list[Row] = [("a", 2.0), ("a", 2.0), ("b", 1.5), ("b", 1.5), ("b", 1.5), ("c", 3.0)]


def engine() -> Engine:
    """An engine over a table whose file had rows twice."""
    return Engine.load([Policy("p", "t(id) :- inv:vm(id, _).")], {"inv:vm": RowsTable(VM, TWICE)})


def test_rows_of_sources_are_told_as_a_set():
    """Of rows that stood there twice only those are told to go which are gone; each that really comes or goes, once."""
    made = engine()
    changes = made.apply({"inv:vm": Delta([("c", 3.0), ("d", 1.0)], [("b", 1.5), ("nobody", 1.0)])})
    assert changes.part("inv:vm") == Delta([("d", 1.0)], [("b", 1.5)])
    assert changes["p:t"] == Delta([("d",)], [("b",)])
    assert sorted(made.rows("inv:vm")) == [("a", 2.0), ("c", 3.0), ("d", 1.0)]


def test_replacements_are_told_as_what_they_change():
    """A table that is replaced tells what came and went, and nothing of what stayed."""
    made = engine()
    changes = made.apply({"inv:vm": Replacement(RowsTable(VM, [("a", 2.0), ("e", 2.5)]))})
    found = changes.part("inv:vm")
    assert (list(found.insert), sorted(found.delete)) == ([("e", 2.5)], [("b", 1.5), ("c", 3.0)])
    assert sorted(made.rows("inv:vm")) == [("a", 2.0), ("e", 2.5)]
    assert sorted(made.rows("p:t")) == [("a",), ("e",)]
    assert not made.apply({"inv:vm": Delta([("e", 2.5)])}).part("inv:vm")
