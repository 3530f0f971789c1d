"""Source tables that come and go while an engine lives, and rows asked for page by page."""

from __future__ import annotations

import pytest

from congresslite.api import Delta, Engine, Policy
from congresslite.diagnostics import PolicyError
from congresslite.language.reads import base_tables
from congresslite.schema import Column, Replacement, Row, RowsTable, TableSchema, Type

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("n", Type.INT)), ("id",))
HOST = TableSchema("dc:host", (Column("id", Type.STR),))
BUSY = Policy("busy", "error(v) :- inv:vm(v, n), n > 2. warning(v) :- inv:vm(v, 1).")


@pytest.fixture
def engine() -> Engine:
    return Engine.load(BUSY, {"inv:vm": RowsTable(VM, [("a", 1), ("b", 3), ("c", 3)])})


def test_a_table_that_is_attached_can_be_read(engine: Engine) -> None:
    """A source that comes later is known to policies that come later still, and its rows count."""
    with pytest.raises(PolicyError):
        engine.apply(policies=Policy("hosts", "error(h) :- dc:host(h)."))
    engine.attach({"dc:host": RowsTable(HOST, [])})
    engine.apply(policies=Policy("hosts", "error(h) :- dc:host(h)."))
    changes = engine.apply({"dc:host": Replacement(RowsTable(HOST, [("h1",)]))})
    assert changes["hosts:error"].insert == [("h1",)]


def test_a_table_that_is_read_stays(engine: Engine) -> None:
    """A table that a rule reads cannot go; once none does, it is as if it had never been there."""
    with pytest.raises(PolicyError) as raised:
        engine.detach(["inv:vm"])
    assert [each.code for each in raised.value.diagnostics] == ["CL456"]
    engine.apply(remove=["busy"])
    engine.detach(["inv:vm"])
    with pytest.raises(PolicyError):
        engine.apply(policies=BUSY)
    other = TableSchema("inv:vm", (Column("id", Type.STR), Column("n", Type.STR)))
    engine.attach({"inv:vm": RowsTable(other, [("a", "x")])})
    engine.apply(policies=Policy("texts", 'error(v) :- inv:vm(v, "x").'))
    assert engine.rows("texts:error") == [("a",)]


def test_a_table_is_attached_once(engine: Engine) -> None:
    """A second table of one name is refused, and a table that is not there cannot be detached."""
    with pytest.raises(ValueError, match="inv:vm"):
        engine.attach({"inv:vm": RowsTable(VM, [])})
    with pytest.raises(KeyError):
        engine.detach(["dc:host"])


def test_pages_make_up_the_table(engine: Engine) -> None:
    """Pages one after the other have every row once, of a source as of violations; the total is told with each."""
    for table in ("inv:vm", "busy:error"):
        rows: list[Row] = []
        while True:
            page, total = engine.snapshot().select(table, offset=len(rows), limit=2)
            rows += page
            if not page:
                break
        assert sorted(rows) == sorted(engine.rows(table))
        assert total == len(rows)


def test_rows_are_selected_by_value(engine: Engine) -> None:
    """Only rows with the wanted values are found, among those that changes brought and not among those they took."""
    engine.apply({"inv:vm": Delta(insert=[("d", 3)], delete=[("b", 3)])})
    found, total = engine.snapshot().select("inv:vm", {"n": 3})
    assert (sorted(found), total) == ([("c", 3), ("d", 3)], 2)
    assert engine.snapshot().select("inv:vm", {"n": 99}) == ([], 0)
    assert engine.snapshot().select("inv:vm", {"n": 3, "id": "d"}) == ([("d", 3)], 1)
    with pytest.raises(KeyError):
        engine.snapshot().select("inv:vm", {"m": 3})


def test_changes_are_told_by_rule(engine: Engine) -> None:
    """What came and went can be told for each violation rule alone."""
    changes = engine.apply({"inv:vm": Delta(insert=[("d", 1)], delete=[("c", 3)])})
    parts = {rule.table: rule for rule in engine.program.rules}
    told = {rule.kind.value: changes.part(table) for table, rule in parts.items()}
    assert told == {"error": Delta([], [("c",)]), "warning": Delta([("d",)], [])}


def test_derived_tables_know_what_they_rest_on() -> None:
    """The source tables of a derived one are found through other policies, negation, `or` and recursion."""
    tables = {
        name: RowsTable(TableSchema(name, (Column("a"), Column("b"))), []) for name in ("s:x", "s:y", "s:z", "s:w")
    }
    policies = [
        Policy(
            "base",
            "path(a, b) :- s:x(a, b). path(a, c) :- path(a, b), step(b, c). "
            "step(a, b) :- s:y(a, b). step(a, b) :- path(b, a).",
        ),
        Policy(
            "top", "error(a) :- base:path(a, b), (s:z(a, b)) or (b = 1). warning(a) :- s:z(a, _), not base:step(a, a)."
        ),
    ]
    engine = Engine.load(policies, tables)
    rests = base_tables(engine.program)
    parts = {name: [rests[part] for part in engine.program.answers[name]] for name in ("top:error", "top:warning")}
    assert parts == {"top:error": [{"s:x", "s:y", "s:z"}], "top:warning": [{"s:x", "s:y", "s:z"}]}
    assert "s:w" not in set().union(*rests.values())


LATE = Policy(
    "late",
    """
    error(v) :- inv:due(v, t), now(moment), datetime_lt(t, moment).
    open_(count(v)) :- inv:due(v, t), now(moment), datetime_gt(t, moment).
    warning(n) :- open_(n), n < 2.
    fixed(v) :- inv:due(v, _).
    """,
)
DUE = TableSchema("inv:due", (Column("id", Type.STR), Column("at", Type.STR)), ("id",))


def test_time_goes_on_for_rules_that_ask_it() -> None:
    """What `now` says is the time of the last advance; answers are those of an evaluation at that time."""
    rows: list[Row] = [("a", "2026-01-01 00:00:00"), ("b", "2026-01-02 00:00:00"), ("c", "2026-01-03 00:00:00")]
    engine = Engine.load(LATE, {"inv:due": RowsTable(DUE, rows)})
    for clock, late in (
        ("2025-12-31 00:00:00", set()),
        ("2026-01-01 12:00:00", {("a",)}),
        ("2026-01-02 12:00:00", {("a",), ("b",)}),
        ("2026-01-01 12:00:00", {("a",)}),
    ):
        before = set(engine.rows("late:error"))
        changes = engine.advance(clock)
        assert set(engine.rows("late:error")) == late
        assert set(changes["late:error"].insert) == late - before
        assert set(changes["late:error"].delete) == before - late
        left = 3 - len(late)
        assert engine.rows("late:open_") == [(left,)]
        assert engine.count("late:warning") == (left < 2)
        assert changes["late:fixed"] == Delta()
        assert engine.query("now(t)").rows == [(clock,)]
    changes = engine.apply({"inv:due": Delta(insert=[("d", "2025-01-01 00:00:00")])})
    assert changes["late:error"].insert == [("d",)]


def test_an_engine_that_asks_no_time_does_not_change(engine: Engine) -> None:
    """Without a rule that asks for the time, time changes nothing."""
    assert engine.advance().changed() == ()
