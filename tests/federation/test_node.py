"""Nodes: what is taken of what others say, and what is refused, told and counted."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from congresslite.api import Policy
from congresslite.federation.host import Lapse
from congresslite.federation.messages import Alive, Position, sealed
from congresslite.federation.node import Node
from congresslite.federation.replica import Apply
from congresslite.schema import Delta, Row
from tests.federation.world import HEALING, SOFTER, EngineHost, World, no_answer, policy, settings


def settle(world: World, seconds: int = 5) -> None:
    """Let everything arrive."""
    for _ in range(2 * seconds):
        world.pass_(0.5)
        world.deliver_all()


@pytest.fixture
def world() -> World:
    """Six engines that have heard each other."""
    made = World()
    settle(made)
    return made


def refused(world: World, name: str) -> set[tuple[str, str]]:
    """What an engine has refused: codes and peers."""
    return {(each.code, each.peer) for each in world.nodes[name].refusals.all()}


def restart(world: World, name: str, **more: object) -> None:
    """Start an engine with another configuration, as another engine it may be."""
    tier = settings(name, **more)
    world.epoch += 1
    host = world.hosts[name] = EngineHost(tier, world.disks[name])
    node = Node(tier, host, world._sender(name), no_answer, epoch=world.epoch, clock=lambda: world.now)
    world.nodes[name] = node
    node.begin()
    settle(world)


def test_a_change_below_is_a_delta_above(world):
    """One row that changes at a point of presence is one small message to each engine above, and no snapshot."""
    rows: list[Row] = [(f"vm{number}", "good") for number in range(500)]
    world.change("p1", rows, [])
    settle(world)
    world.recorded.clear()
    world.change("p1", [("vm7", "bad")], [("vm7", "good")])
    world.deliver_all()
    assert world.hosts["top"].engine.rows("watch:error")
    assert [to for to, _ in world.recorded] == ["r1", "top"]
    assert max(len(body) for _, body in world.recorded) < 1000


def test_local_policies_go_on_while_the_parent_is_away(world):
    """An engine that is cut off checks what it was handed, and its parent hears of it when it is back."""
    world.put("top", 'policy pops(tier = "pop"). @id("bad") error(id) :- inv:vm(id, "bad").')
    settle(world)
    world.cut.add("r1")
    world.change("p1", [("vm1", "bad")], [])
    world.start("p1")
    assert [each.rule for each in world.hosts["p1"].engine.violations()] == ["bad"]
    for _ in range(20):
        world.pass_(1.0)
        world.deliver_all()
    assert world.hosts["top"].whys["r1", "vms"] == "`r1` is silent, or some of what it said is missing"
    assert world.hosts["top"].whys["r2", "vms"] is None
    world.cut.clear()
    settle(world)
    assert world.wrong() is None


def test_what_is_stale_below_is_told_with_the_tables_that_rest_on_it(world):
    """A source of a point of presence that is stale makes its tables undetermined at every engine above."""
    world.hosts["p1"].local = Lapse("inv", "vm", "stale", 12.0, "it cannot be reached", ("inv:vm",))
    settle(world)
    assert world.hosts["r1"].whys["p1", "vms"] == "`inv` of `p1`: it cannot be reached"
    assert world.hosts["top"].whys["r1", "vms"] is not None
    assert world.hosts["top"].whys["r2", "vms"] is None
    world.hosts["p1"].local = None
    settle(world)
    assert world.wrong() is None


def test_what_becomes_of_a_policy_is_told_above(world):
    """Who was handed a policy says whether it is in force there, and if not why."""
    world.disks["p2"].own["pops"] = policy('policy pops(tier = "pop"). t(id) :- inv:vm(id, _).')
    world.start("p2")
    world.put("top", 'policy pops(tier = "pop"). t(id) :- inv:vm(id, "bad").')
    world.put("top", 'policy wrong(tier = "pop"). t(id) :- inv:nothing(id).')
    settle(world)
    became = {(row[0], row[1], row[3]) for each in world.nodes["top"].received.values() for row in each.small["handed"]}
    assert {("p1", "pops", "applied"), ("p2", "pops", "refused"), ("p3", "pops", "applied")} <= became
    assert {(name, "wrong", "refused") for name in ("p1", "p2", "p3")} <= became
    assert refused(world, "p2") == {("CL365", "r1")}


def test_rules_below_are_opponents_above(world):
    """A command of a point of presence contradicts what is denied at the top, under the engine's name."""
    world.change("p1", [("vm1", "frozen")], [])
    world.change("p3", [("vm3", "frozen")], [])
    settle(world)
    (found,) = world.hosts["top"].engine.snapshot().conflicts()
    assert {side.engine for side in found.sides} == {"", "p1"}


SOFT = 'policy soft(tier = "global"). @id("no") @weight(1) deny[vnfm:heal(id)] :- tiers:vms(_, id, _).'


def test_hard_and_soft_rules_below_are_told_apart(world):
    """Rules of one atom that are hard and soft stay so above, each with its own rows, whatever their rows become."""

    def wins() -> set[tuple[str, str, str]]:
        found = world.hosts["top"].engine.snapshot().conflicts()
        return {(each.sides[each.winner].rule, each.by, each.row[-1]) for each in found}

    world.disks["top"].own = {"soft": policy(SOFT)}
    world.start("top")
    world.change("p2", [("vm1", "frozen"), ("vm2", "bad")], [])
    settle(world)
    assert wins() == {("heal", "hardness", "vm1"), ("no", "tier", "vm2")}
    world.change("p2", [("vm1", "bad"), ("vm2", "frozen")], [("vm1", "frozen"), ("vm2", "bad")])
    settle(world)
    assert wins() == {("heal", "hardness", "vm2"), ("no", "tier", "vm1")}


def test_rules_that_become_soft_are_told_anew(world):
    """A policy whose rules change from hard to soft is told of above as it is by then."""
    both = {("heal or sick", "vm1"), ("heal or sick", "vm2")}
    world.change("p2", [("vm1", "frozen"), ("vm2", "bad")], [])
    settle(world)
    host, node = world.hosts["p2"], world.nodes["p2"]
    for text, rules, rows in [
        (HEALING, {"heal or sick": True}, both),
        (SOFTER, {"heal": True, "sick": False}, {("heal", "vm1"), ("sick", "vm2")}),
        (SOFTER.replace("frozen", "good"), {"heal": True, "sick": False}, {("sick", "vm2")}),
        (SOFTER.replace('@id("heal")', '@id("heal") @weight(3)'), {"heal or sick": False}, both),
    ]:
        host._tell(host.engine.apply(policies=[policy(text)]))
        node.settle()
        settle(world)
        heard = world.nodes["r1"].received["p2"].small["rules"]
        assert {row[2]: row[6] for row in heard} == rules
        assert {(row[2], row[4]) for row in world.hosts["top"].engine.rows("tiers:commands") if row[0] == "p2"} == rows


def test_an_engine_that_speaks_for_another_is_refused(world):
    """What a child says in the name of somebody else's child is refused and told; the rest is taken."""
    rows: list[Row] = [("p1", "vm1", "bad"), ("p3", "vm3", "bad"), ("stranger", "vm4", "bad"), ("top", "vm5", "bad")]
    engines: list[Row] = [("p1", "pop", "r2"), ("top", "pop", "r2")]
    step = Apply({"engines": Delta(engines), "table:vms": Delta(rows, [("p2", "vm2", "good")])})
    taken = world.nodes["top"].received["r2"].take(step, world.hosts["top"].snapshot())
    assert taken.tables["tiers:vms"] == Delta([("p3", "vm3", "bad")], [])
    assert taken.tables["r2:vms"] == Delta([("vm3", "bad")], [])
    assert taken.small["engines"] == Delta()
    assert refused(world, "top") == {("CL361", "r2")}


def test_a_name_that_is_free_again_may_be_claimed(world):
    """An engine that moves from one region to another is heard there as soon as the first has dropped it."""
    world.change("p2", [("vm2", "bad")], [])
    settle(world)
    restart(world, "r2", children={"p2": {"secret": "r2-p2"}, "p3": {"secret": "r2-p3"}})
    restart(world, "p2", parent={"name": "r2", "secret": "r2-p2"})
    settle(world)
    assert ("CL361", "r2") in refused(world, "top")
    restart(world, "r1", children={"p1": {"secret": "r1-p1"}})
    settle(world, 10)
    assert world.hosts["top"].engine.rows("tiers:vms") == [("p2", "vm2", "bad")]
    assert world.hosts["top"].engine.rows("r2:vms") == [("vm2", "bad")]


def test_columns_that_were_not_agreed_on_are_refused(world):
    """A child with other columns is told, what rests on them is undetermined, and its other words are taken."""
    columns = {"id": "str", "host": "str", "cores": "int"}
    restart(world, "p3", tables={"vms": {"columns": columns}}, publish={})
    assert ("CL362", "p3") in refused(world, "r2")
    assert world.hosts["r2"].whys["p3", "vms"] == "`p3` has other columns of `vms` than were agreed on"
    assert world.hosts["r2"].whys["p3", "commands"] is None


def test_a_table_that_does_not_fit_is_not_published(world):
    """An engine whose own table has other columns than agreed publishes nothing of it, and says so."""
    world.disks["p3"].own["wide"] = policy('policy wide(tier = "pop"). t(id, host, 1) :- inv:vm(id, host).')
    world.change("p3", [("vm1", "bad")], [])
    restart(world, "p3", publish={"vms": "wide:t"})
    assert ("CL366", "p3") in refused(world, "p3")
    assert world.hosts["r2"].engine.rows("p3:vms") == []


def test_columns_in_another_order_are_not_published(world):
    """Columns are taken by their places, so one that has the name of another is refused; a name of its own is fine."""
    world.disks["p3"].own["turned"] = policy('policy turned(tier = "pop"). t(host, id) :- inv:vm(id, host).')
    world.disks["p3"].own["named"] = policy('policy named(tier = "pop"). t(id, machine) :- inv:vm(id, machine).')
    world.change("p3", [("vm1", "bad")], [])
    restart(world, "p3", publish={"vms": "turned:t"})
    assert ("CL366", "p3") in refused(world, "p3")
    assert world.hosts["r2"].engine.rows("p3:vms") == []
    restart(world, "p3", publish={"vms": "named:t"})
    assert world.hosts["r2"].engine.rows("p3:vms") == [("vm1", "bad")]


def test_an_unauthenticated_peer_is_refused(world):
    """What is not signed by whom it claims to be from is not read: it is counted, and changes nothing."""
    alive = Alive(Position(10**15, 5), None, 10**9, None)
    world.nodes["r1"].receive(sealed(alive, "p1", "r1", b"guessed"))
    world.nodes["r1"].receive(sealed(alive, "stranger", "r1", b"r1-p1"))
    world.nodes["r1"].receive(b"nonsense")
    assert refused(world, "r1") == {("CL363", "p1"), ("CL363", "stranger"), ("CL363", "")}
    settle(world)
    assert world.wrong() is None


def test_refusals_are_bounded(world):
    """However many strangers send rubbish, they take a bounded place, and are counted."""
    for number in range(1000):
        world.nodes["r1"].receive(sealed(Alive(Position(1, 1), None, 1, None), f"s{number}", "r1", b"x"))
    assert len(world.nodes["r1"].refusals.all()) <= 201
    assert world.nodes["r1"].refusals.total == 1000


@pytest.mark.parametrize(
    "more",
    [
        {"level": "continent"},
        {"children": {"p1": {"secret": "x"}}},
        {"parent": {"name": "p1", "secret": "x"}},
        {"tables": {"commands": {"columns": {"a": "str"}}}, "publish": {}},
        {"tables": {"vms": {"columns": {"pop": "str"}}}},
        {"publish": {"nothing": "inv:vm"}},
    ],
    ids=["no such tier", "own child", "own parent", "reserved table", "reserved column", "not agreed"],
)
def test_places_that_are_none_are_refused(more):
    """A configuration whose names mean two things, or nothing, is refused before anything starts."""
    with pytest.raises(ValidationError):
        settings("p1", **more)


def test_texts_for_other_tiers_are_known_by_what_they_declare():
    """A policy says of itself which tier it is for; without that it is global."""
    assert policy('policy a(tier = "pop"). t(1).').name == "a"
    assert isinstance(policy("policy b(). t(1)."), Policy)
