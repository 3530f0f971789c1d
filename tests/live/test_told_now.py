"""What is told of an open violation: object, message, site and tenant are those of now, for all who see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from congresslite.config.models import Config
from congresslite.live import Caller, LiveEstate
from congresslite.live.values import Event
from congresslite.store.records import ViolationFilter, ViolationRecord, WaiverRecord
from tests.live.estates import ADMIN, opened
from tests.opening import stopped_afterwards

INVENTORY = """\
source: inv
tables:
  tenant: {key: [id], columns: {id: str}}
  ns:
    key: [id]
    owner: tenant
    columns: {id: str, tenant: {type: str, references: tenant.id}}
  host: {key: [id], columns: {id: str, site: str, state: str}}
  vm:
    key: [id]
    owner: ns
    columns: {id: str, host: {type: str, references: host.id}, n: int, ns: {type: str, references: ns.id}}
"""
POLICY = """\
policy p(description = "p").
@id("R") @object(v) @message("vm {v} has {n} vcpus on {h}")
error(v) :- inv:vm(id=v, host=h, n=n), n > 1.
@id("S") @object(h) @message("{h} of {s} has {k} machines")
warning(h, count(v)) :- inv:vm(id=v, host=h), inv:host(id=h, state=s), used(k).
used(count(v)) :- inv:vm(id=v).
@id("plain") @object(v) @message("{v}")
error(v) :- inv:vm(id=v, n=n), n > 1.
"""
SITES = """\
policy where(description = "where").
at(o, s) :- inv:vm(id=o, host=h), inv:host(id=h, site=s).
at(o, s) :- inv:host(id=o, site=s).
"""
T1, T2 = (Caller(name, "viewer", tenant=name) for name in ("t1", "t2"))
EVERY = ("open", "waived", "resolved")
Open = Callable[[], LiveEstate]


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Open]:
    (tmp_path / "inv.yaml").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "p.dl").write_text(POLICY, encoding="utf-8")
    (tmp_path / "where.dl").write_text(SITES, encoding="utf-8")
    config = Config.model_validate(
        {
            "state": tmp_path / "state",
            "policies": [tmp_path / "p.dl", tmp_path / "where.dl"],
            "sources": {"inv": {"driver": "push", "definition": str(tmp_path / "inv.yaml")}},
            "console": {"sites": "where:at"},
        }
    )
    yield from stopped_afterwards(lambda: opened(config))


@pytest.fixture
def estate(open_: Open) -> LiveEstate:
    """A machine on a host of Paris, in a namespace that belongs to nobody yet."""
    made = open_()
    made.put_rows(ADMIN, "inv", "tenant", [{"id": "t1"}, {"id": "t2"}])
    hosts = [{"id": "h1", "site": "par", "state": "up"}, {"id": "h2", "site": "lyo", "state": "down"}]
    made.put_rows(ADMIN, "inv", "host", hosts)
    made.put_rows(ADMIN, "inv", "vm", [vm("a", "h1", 20, "n1"), vm("b", "h1", 2, "n2")])
    return made


def vm(id_: str, host: str, n: int, ns: str) -> dict[str, Any]:
    return {"id": id_, "host": host, "n": n, "ns": ns}


def own(estate: LiveEstate, tenant: str) -> None:
    estate.push_rows(ADMIN, "inv", "ns", [{"id": "n1", "tenant": tenant}])


def found(estate: LiveEstate, caller: Caller = ADMIN, **wanted: Any) -> list[ViolationRecord]:
    page = estate.violations(caller, ViolationFilter(rules=["R"], **wanted), sort="object")
    return list(page.items)


def of_a(estate: LiveEstate) -> ViolationRecord:
    (one,) = found(estate, objects=["a"])
    return one


def events(estate: LiveEstate, caller: Caller, after: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """The events of violations up to the last one, without those that tell nothing."""
    watch = estate.watch(caller, after)
    told: list[Event] = []
    last = estate._store.violations.last_batch()
    while not told or told[-1].number < last:
        event = next(watch)
        assert event is not None
        told.append(event)
    watch.close()
    read = [(each.kind, json.loads(each.data)) for each in told if each.kind != "sources"]
    parts = ("opened", "resolved", "changed")
    return [(kind, data) for kind, data in read if kind == "reload" or any(data[part] for part in parts)]


def test_message_and_site_follow_the_rows(estate: LiveEstate) -> None:
    """Words, sites, filters by site and counts are of what holds now, and the episode is the one that it was."""
    before = of_a(estate)
    assert (before.message, before.site) == ("vm a has 20 vcpus on h1", "par")
    estate.push_rows(ADMIN, "inv", "vm", [vm("a", "h2", 99, "n1")])
    now = of_a(estate)
    assert (now.message, now.site) == ("vm a has 99 vcpus on h2", "lyo")
    assert (now.seq, now.first_seen) == (before.seq, before.first_seen)
    assert [each.object for each in found(estate, sites=["lyo"])] == ["a"]
    assert [each.object for each in found(estate, sites=["par"])] == ["b"]
    counted = {(each.rule, each.site): each.open for each in estate.counts(ADMIN)}
    assert (counted["R", "lyo"], counted["R", "par"], counted["plain", "lyo"]) == (1, 1, 1)
    estate.push_rows(ADMIN, "inv", "host", [{"id": "h2", "site": "nce", "state": "up"}])
    assert of_a(estate).site == "nce"


def test_what_an_aggregate_says_follows_the_rows(estate: LiveEstate) -> None:
    """A message may rest on other rules, and on rows that the aggregate of its head does not count."""

    def words() -> set[str]:
        page = estate.violations(ADMIN, ViolationFilter(rules=["S"]))
        return {each.message for each in page.items}

    assert words() == {"h1 of up has 2 machines"}
    estate.push_rows(ADMIN, "inv", "host", [{"id": "h1", "site": "par", "state": "late"}])
    assert words() == {"h1 of late has 2 machines"}
    estate.push_rows(ADMIN, "inv", "vm", [vm("c", "h2", 1, "n1")])
    assert words() == {"h1 of late has 3 machines", "h2 of down has 3 machines"}


def test_a_tenant_that_gains_an_object_sees_it_and_one_that_loses_it_learns_that_it_is_gone(estate: LiveEstate) -> None:
    """Lists, counts and streams of tenants follow whom an object belongs to, and tell nobody what is another's."""
    own(estate, "t1")
    assert [each.object for each in found(estate, T1)] == ["a"]
    assert {each.rule: each.open for each in estate.counts(T1)} == {"R": 1, "plain": 1}
    first = estate._store.violations.last_batch()
    own(estate, "t2")
    estate.push_rows(ADMIN, "inv", "vm", [vm("a", "h2", 99, "n1")])
    estate.push_rows(ADMIN, "inv", "vm", [], [{"id": "a"}])
    assert found(estate, T1, states=EVERY) == []
    assert estate.counts(T1) == ()
    assert [each.object for each in found(estate, T2, states=EVERY)] == ["a"]
    (lost,) = events(estate, T1, first)
    assert {each["object"] for each in lost[1]["resolved"]} == {"a"}
    gained, moved, gone = events(estate, T2, first)
    assert {each["message"] for each in gained[1]["opened"]} == {"vm a has 20 vcpus on h1", "a"}
    assert {each["message"] for each in moved[1]["changed"]} == {"vm a has 99 vcpus on h2", "a"}
    assert {each["message"] for each in gone[1]["resolved"]} == {"vm a has 99 vcpus on h2", "a"}
    changed = [told["changed"] for _, told in events(estate, ADMIN, first) if told["changed"]]
    assert [[one["object"] for one in each if one["object"] == "a"] for each in changed] == [["a", "a"]] * 2 + [[]]


def test_what_is_told_otherwise_outlives_the_process(open_: Open, estate: LiveEstate) -> None:
    """A restart finds what was told, a stream that begins before it is told to list anew, and changes go on."""
    own(estate, "t1")
    first = estate._store.violations.last_batch()
    own(estate, "t2")
    before = found(estate)
    estate.stop()
    again = open_()
    assert found(again) == before
    assert again._store.violations.last_batch() == first + 1, "what is unchanged costs no write"
    assert [kind for kind, _ in events(again, T1, first)] == ["reload"]
    assert [each.object for each in found(again, T2)] == ["a"]
    own(again, "t1")
    assert [each.object for each in found(again, T1)] == ["a"]


def test_a_replaced_rule_tells_its_violations_anew(estate: LiveEstate) -> None:
    """Under the same id, object, message and the waivers that cover an object are those of the new text."""
    old = '@id("R") @object(v) @message("old {v}")\nerror(h, v) :- inv:vm(id=v, host=h).'
    new = '@id("R") @object(h) @message("new {v} of {h}")\nerror(h, v) :- inv:vm(id=v, host=h).'
    made = estate.put_policy(ADMIN, "q", old, None)
    estate.add_waiver(ADMIN, WaiverRecord("", "ops", "known", "", "2999-01-01", policy="q", object="h1"))
    before = found(estate, policies=["q"])
    assert [each.object for each in before] == ["a", "b"]
    estate.put_policy(ADMIN, "q", new, made.etag)
    assert found(estate, policies=["q"]) == []
    told = found(estate, policies=["q"], states=["waived"], objects=["h1"])
    assert sorted(each.message for each in told) == ["new a of h1", "new b of h1"]
    assert {each.id for each in told} == {each.id for each in before}
    assert [each.waived for each in estate.counts(ADMIN) if each.policy == "q"] == [2]


def test_a_batch_that_changes_what_is_told_costs_what_changed(estate: LiveEstate) -> None:
    """Nothing is recomputed of violations that a change says nothing about."""
    last = estate._store.violations.last_batch()
    estate.push_rows(ADMIN, "inv", "ns", [{"id": "n9", "tenant": "t1"}])
    estate.push_rows(ADMIN, "inv", "host", [{"id": "h9", "site": "par", "state": "up"}])
    assert estate._store.violations.last_batch() == last
