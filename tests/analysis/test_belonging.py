"""Whom objects belong to, held against following the rows one by one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from congresslite.analysis.belonging import Belonging
from congresslite.schema import Reference, Row
from tests.analysis.estate import OWNERS, ROWS, engine, policy
from tests.examples import few

VM = Reference("inv:vm", "id")
ALL = policy("all", '@id("all") error(vm, f) :- inv:vm(id=vm, vnf=f).')


def test_services_and_tenants() -> None:
    """The service is the last object before the tenant; what belongs to a tenant itself is its own service."""
    belonging, snapshot = Belonging(OWNERS), engine(ALL).snapshot()
    ways = belonging.ways(snapshot, VM)
    assert ways is not None and ways.service is not None
    assert snapshot.follow(["ims-a", "stray-a", "unknown", None], ways.service) == ["voice", "gone", None, None]
    assert snapshot.follow(["ims-a", "stray-a", "unknown", None], ways.tenant) == ["acme", None, None, None]
    of_services = belonging.ways(snapshot, Reference("inv:ns", "id"))
    assert of_services is not None and of_services.service == ()
    assert belonging.tenants_of(snapshot, Reference("inv:tenant", "id"), ["acme"]) == ["acme"]
    assert belonging.ways(snapshot, Reference("inv:host", "id")) is None


names = st.sampled_from(["a", "b", "c", "d", None])
rows = st.lists(st.tuples(names, names), max_size=12)


@few(60)
@given(machines=rows, functions=rows, services=rows)
def test_sets_are_followed_as_rows_are(machines: list[Row], functions: list[Row], services: list[Row]) -> None:
    """Following all values at once, and counting where rows lead, gives what following each row does.

    Keys may be repeated, and lead to several: then the least by its text counts. Null leads nowhere.
    """
    given_rows = {
        **ROWS,
        "inv:vm": [(*each, "h1") for each in machines],
        "inv:vnf": [(*each, "ACTIVE") for each in functions],
        "inv:ns": services,
    }
    live = engine(ALL, rows=given_rows)
    snapshot = live.snapshot()
    ways = Belonging(OWNERS).ways(snapshot, VM)
    assert ways is not None

    def one(value: object) -> object:
        for table in ("inv:vm", "inv:vnf", "inv:ns"):
            beside = [row[1] for row in given_rows[table] if row[0] == value and row[1] is not None]
            value = min(beside, default=None, key=str) if value is not None else None
        return value

    asked = ["a", "b", "c", "d", "e", None]
    assert snapshot.follow(asked, ways.tenant) == [one(each) for each in asked]
    violations = live.rows("all:error")
    table = next(rule.table for rule in live.program.rules if rule.kind == "error")
    assert snapshot.counted([(table, 0), (table, 0)], ways.tenant) == {
        key: 2 * count for key, count in Counter(one(row[0]) for row in violations).items()
    }
