"""What tests of batches share: an engine over links and hosts, all that it answers, and changes as sets."""

from __future__ import annotations

from typing import Any

from congresslite import Delta, Engine, Policy
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type

LINK = TableSchema("net:link", (Column("a", Type.INT), Column("b", Type.INT)))
HOST = TableSchema("net:host", (Column("id", Type.STR), Column("load", Type.FLOAT), Column("up", Type.BOOL)))
TAG = TableSchema("net:tag", (Column("x"),))
NET = """
policy net_rules(description = "links").
reach(a, b) :- net:link(a, b).
reach(a, c) :- reach(a, b), net:link(b, c).
"""
HOSTS = """
policy hosts(description = "hosts").
busy(h) :- net:host(h, load, true), load > 0.5.
error(h, load) :- busy(h), net:host(h, load, _).
"""


def loaded(*policies: Policy, **options: Any) -> Engine:
    """An engine with links and hosts, and perhaps other policies than the two."""
    rows: dict[TableSchema, list[Row]] = {
        LINK: [(1, 2), (2, 3)],
        HOST: [("h1", 0.5, True), ("h2", 1.0, True), ("h3", 2.5, False)],
        TAG: [("x",), (1,)],
    }
    data = {schema.name: RowsTable(schema, given) for schema, given in rows.items()}
    chosen = policies or (Policy("net_rules", NET), Policy("hosts", HOSTS))
    return Engine.load(list(chosen), data, **options)


def state(engine: Engine) -> dict[str, Any]:
    """All that an engine answers, so that it can be compared."""
    names = [*engine.tables(), "net:link", "net:host", "net:tag"]
    rows = {name: (engine.count(name), sorted(engine.rows(name), key=repr)) for name in names}
    return {
        **rows,
        "violations": [(each.rule, each.row) for each in engine.violations()],
        "reached": sorted(engine.query("net:link(x, y), not net:link(y, x)").rows),
    }


def net(delta: Delta) -> tuple[set[Row], set[Row]]:
    """A change as two sets; asserts that no row of it repeats."""
    insert, delete = set(delta.insert), set(delta.delete)
    assert (len(insert), len(delete)) == (len(delta.insert), len(delta.delete))
    return insert, delete
