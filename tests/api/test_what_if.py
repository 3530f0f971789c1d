"""`Engine.what_if`: the changes that would follow, exactly, and nothing changed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from congresslite import Delta, Engine, Policy
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type
from tests.engine.world import same

LINK = TableSchema("net:link", (Column("a", Type.INT), Column("b", Type.INT)))
HOST = TableSchema("net:host", (Column("id", Type.INT), Column("zone", Type.STR)))
NET = """
reach(a, b) :- net:link(a, b).
reach(a, c) :- reach(a, b), net:link(b, c).
degree(a, count(b)) :- net:link(a, b).
alone(h) :- net:host(h, _), not net:link(h, _).
error(a) :- reach(a, a).
error(a, zone) :- net:host(a, zone), degree(a, n), n > 2.
"""
AUDIT = "across(a, b) :- net:reach(a, b)."
TIMEOUT = 120  # seconds: only a test that fails waits for so long


def loaded(text: str = NET) -> Engine:
    """An engine with a chain of links between hosts of two zones."""
    rows: dict[TableSchema, list[Row]] = {
        LINK: [(number, number + 1) for number in range(6)],
        HOST: [(number, "east" if number % 2 else "west") for number in range(8)],
    }
    tables = {schema.name: RowsTable(schema, given) for schema, given in rows.items()}
    return Engine.load([Policy("main", text), Policy("audit", AUDIT.replace("net:reach", "main:reach"))], tables)


def state(engine: Engine) -> dict[str, Any]:
    """All that an engine answers, so that it can be compared."""
    names = [*engine.tables(), "net:link", "net:host"]
    return {
        **{name: (engine.count(name), Counter(engine.rows(name)), engine.schema(name)) for name in names},
        "violations": [(each.rule, each.row, each.message) for each in engine.violations()],
        "query": sorted(engine.query("net:link(x, y), not net:link(y, x)").rows),
        "program": engine.program,
        "findings": engine.diagnostics,
        "skipped": dict(engine.skipped()),
    }


@dataclass(frozen=True)
class Ask:
    """What is asked: rows, policies, and names of policies that go."""

    changes: Mapping[str, Delta] = field(default_factory=dict)
    policies: Sequence[Policy] = ()
    remove: Sequence[str] = ()


ACROSS = """
across(a, b) :- main:reach(a, b), net:host(a, z), net:host(b, other), z != other.
"""
ASKED: dict[str, Ask] = {
    "nothing": Ask(),
    "a row comes": Ask({"net:link": Delta(insert=[(6, 0)])}),
    "a row goes": Ask({"net:link": Delta(delete=[(3, 4)])}),
    "rows come and go in two tables": Ask(
        {"net:link": Delta(insert=[(7, 1), (0, 5), (0, 6)], delete=[(1, 2)]), "net:host": Delta(delete=[(3, "east")])}
    ),
    "values that were never seen": Ask(
        {"net:host": Delta(insert=[(99, "north")]), "net:link": Delta(insert=[(99, 98)])}
    ),
    "what changes nothing": Ask({"net:link": Delta(insert=[(0, 1)], delete=[(9, 9)])}),
    "a new policy that joins three tables": Ask(policies=[Policy("new", ACROSS)]),
    "a policy is replaced": Ask(policies=[Policy("audit", ACROSS)]),
    "a policy goes": Ask(remove=["audit"]),
    "all policies go": Ask(remove=["audit", "main"]),
    "rows and policies": Ask({"net:link": Delta(insert=[(6, 0)])}, [Policy("new", ACROSS)], ["audit"]),
    "a recursion is cut": Ask(
        {"net:link": Delta(insert=[(6, 7)])}, [Policy("main", NET.replace("reach(b, c)", "net:link(b, c)"))]
    ),
    "a table that no policy reads": Ask(policies=[Policy("main", "reach(a, b) :- net:link(a, b), a > 2.")]),
}


def foretell(engine: Engine, ask: Ask) -> Mapping[str, Delta]:
    """The changes that would follow."""
    return engine.what_if(ask.changes, policies=ask.policies, remove=ask.remove)


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_what_if_is_what_applying_would_do(ask: Ask) -> None:
    """A what-if gives what `apply` would, asked once or twice; the live state is as it was, also for later batches."""
    engine = loaded()
    before = state(engine)
    first, second = foretell(engine, ask), foretell(engine, ask)
    assert state(engine) == before
    real = loaded().apply(ask.changes, policies=ask.policies, remove=ask.remove)
    assert same(first, real)
    assert same(second, real)
    # Nothing that was only asked for stands in the way of another batch.
    batch = {"net:link": Delta(insert=[(99, 0), (6, 3)], delete=[(4, 5)])}
    assert same(engine.apply(batch), loaded().apply(batch))
    other = loaded()
    other.apply(batch)
    assert same(foretell(engine, ask), other.apply(ask.changes, policies=ask.policies, remove=ask.remove))


def test_what_a_new_rule_would_find() -> None:
    """A what-if with a new policy tells all rows of its tables."""
    engine = loaded()
    policy = Policy("new", "t(a, z) :- main:reach(a, 6), net:host(a, z), not net:link(a, 6). n(count(a)) :- t(a, _).")
    changes = engine.what_if({"net:link": Delta(delete=[(1, 2)])}, policies=policy)
    assert sorted(changes["new:t"].insert) == [(2, "west"), (3, "east"), (4, "west")]
    assert list(changes["new:n"].insert) == [(3,)]
    assert "new:t" not in engine.tables()
    with pytest.raises(KeyError):
        engine.rows("new:t")


def test_what_is_told_lasts() -> None:
    """The changes of a what-if stay as they are, however late they are looked at."""
    engine = loaded()
    changes = engine.what_if({"net:link": Delta(insert=[(6, 7), (7, 0)])}, policies=[Policy("new", ACROSS)])
    for number in range(10, 60):
        engine.apply({"net:link": Delta(insert=[(number, number + 1)], delete=[(number - 10, number - 9)])})
    engine.apply(remove=["audit"])
    expected = loaded().apply({"net:link": Delta(insert=[(6, 7), (7, 0)])}, policies=[Policy("new", ACROSS)])
    assert same(changes, expected)


def test_several_at_a_time() -> None:
    """What-ifs from several threads do not see each other, nor anything of each other's values and policies."""
    engine = loaded()
    before = state(engine)
    expected = [foretell(loaded(), ask) for ask in ASKED.values()]
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda ask: foretell(engine, ask), [*ASKED.values()] * 4))
    for number, each in enumerate(found):
        assert same(each, expected[number % len(expected)])
    assert state(engine) == before


def test_beside_a_writer() -> None:
    """What-ifs while batches are applied each see one complete state: the changes fit the state before or after."""
    engine = loaded()
    # The writer opens and closes the chain; the answer to one question has two right values, and no other.
    opened, ask = {"net:link": Delta(delete=[(2, 3)])}, {"net:link": Delta(delete=[(4, 5)])}
    closed = {"net:link": Delta(insert=[(2, 3)])}
    other = loaded()
    whole = other.what_if(ask)
    other.apply(opened)
    right = [whole, other.what_if(ask)]
    done = threading.Event()

    def question() -> int:
        asked = 0
        while not done.is_set() or not asked:
            found = engine.what_if(ask)
            assert any(same(found, each) for each in right)
            asked += 1
        return asked

    with ThreadPoolExecutor(max_workers=2) as pool:
        readers = [pool.submit(question) for _ in range(2)]
        try:
            for _ in range(60):
                engine.apply(opened)
                engine.apply(closed)
        finally:
            done.set()
        assert all(each.result(TIMEOUT) for each in readers)
    assert same(engine.what_if(ask), whole)
