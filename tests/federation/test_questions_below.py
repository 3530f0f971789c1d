"""Questions across the tiers: which policies are checked where, and what of the engines below is not current."""

from __future__ import annotations

from typing import Any

import pytest

from congresslite.federation.questions import Questions, Unsure
from tests.federation.world import LEASE, World

POPS = 'policy pops(tier = "pop"). @id("bad") error(id) :- inv:vm(id, "bad").'


@pytest.fixture
def world() -> World:
    """Six engines that have heard each other, with a policy that the top hands down."""
    made = World()
    made.put("top", POPS)
    wait(made, 5)
    return made


def wait(world: World, seconds: float) -> None:
    """Let time go by, and everything arrive."""
    for _ in range(int(2 * seconds)):
        world.pass_(0.5)
        world.deliver_all()


def reports(world: World, name: str, policies: dict[str, str], remove: list[str]) -> Any:
    """What an engine without children answers to a check of the one above."""
    body = {"policies": policies, "remove": remove}
    return Questions(world.nodes[name]).answer("r2" if name == "p3" else "r1", "check", body)["reports"]


def test_a_name_that_is_taken_below_is_rejected_by_the_check(world):
    """What would be refused when it is handed down is refused by the check before, with the same reason."""
    text = 'policy healing(tier = "pop"). error(id) :- inv:vm(id, "bad").'
    (report,) = reports(world, "p1", {"healing": text}, []).values()
    assert (report["verdict"], report["reasons"][0]["code"]) == ("reject", "CL365")
    assert "there is a policy of that name here already, this engine's own" in report["reasons"][0]["message"]
    assert reports(world, "p1", {"pops": POPS}, [])["p1"]["verdict"] == "ok"


def test_what_is_removed_above_is_not_what_is_an_engines_own(world):
    """A policy of an engine's own stays, though one of its name goes above."""
    assert reports(world, "p1", {}, ["healing"]) == {}
    assert reports(world, "p1", {}, ["pops"])["p1"]["verdict"] == "ok"


@pytest.mark.parametrize("tier", ["global", "region"])
def test_a_policy_that_moves_to_another_tier_goes_from_where_it_is(world, monkeypatch, tier):
    """The engines that have it until now are asked what its going makes of them."""
    asked: dict[str, Any] = {}

    def ask(child: str, what: str, body: Any, patience: float) -> Any:
        asked[child] = body
        return {}

    monkeypatch.setattr(world.nodes["top"].asking, "ask", ask)
    moved = POPS.replace('"pop"', f'"{tier}"')
    Questions(world.nodes["top"]).check({"pops": moved})
    if tier == "global":
        assert {child: body["remove"] for child, body in asked.items()} == {"r1": ["pops"], "r2": ["pops"]}
    else:
        assert {child: list(body["policies"]) for child, body in asked.items()} == {"r1": ["pops"], "r2": ["pops"]}
        assert reports(world, "p3", {"pops": moved}, [])["p3"] == {"verdict": "ok", "policies": []}


def test_engines_behind_a_silent_one_are_not_current(world):
    """Whoever is silent, and whoever is heard through it alone, is told as not current at every engine above."""
    assert Questions(world.nodes["top"]).unsure("pop") == []
    world.cut.add("p1")
    wait(world, LEASE + 5)
    for name in ("r1", "top"):
        (found,) = Questions(world.nodes[name]).unsure("pop")
        assert (found.engine, found.source) == ("p1", None)
        assert "`p1` is silent" in found.why or name == "top"
    world.cut.add("r1")
    wait(world, LEASE + 5)
    assert {each.engine for each in Questions(world.nodes["top"]).unsure()} == {"r1", "p1", "p2"}
    assert {each.engine for each in Questions(world.nodes["top"]).unsure(engine="p2")} == {"p2"}


@pytest.mark.parametrize(
    ("violation", "about"),
    [
        ({"engine": "p1", "sources": ["inv"]}, True),
        ({"engine": "p1", "sources": ["other"]}, False),
        ({"engine": "p1"}, True),
        ({"engine": "p1", "sources": 5}, True),
        ({"engine": "p2", "sources": ["inv"]}, False),
    ],
    ids=["rests on it", "rests on another", "does not say", "says nonsense", "of another engine"],
)
def test_what_rests_on_a_source_that_is_not_current(violation, about):
    """A violation is undetermined for what its rule rests on; if that is not known, for anything."""
    assert Unsure("p1", "inv", "vm", "stale", "").about(violation) is about
    assert Unsure("p1", None, "violations", "stale", "").about(violation) is (violation["engine"] == "p1")
