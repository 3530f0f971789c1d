"""
The scenario of the IRTF draft on policy-based resource management, section 6.4, figure by figure.

A forwarding graph A–B–C spans three points of presence (11), B fails (12), and is instantiated elsewhere (13) or
replaced by an instance that stands by (14); each time the links to B are built anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from congresslite.analysis.adaptation import AdaptationPlan
from congresslite.schema import Row
from tests.analysis.adaptation.example import NO_STANDBY, chosen, load, need_clingo, planned

need_clingo()

Rows = Mapping[str, Sequence[Row]]
ALL_WELL: Rows = {"vnf": [("vnf-a", "ACTIVE"), ("vnf-b", "ACTIVE"), ("vnf-c", "ACTIVE")]}
STABLE = [("pop-a", "stable"), ("pop-b", "stable"), ("pop-c", "stable")]


def links(plan: AdaptationPlan) -> set[Row]:
    """The virtual links that are to be built: from where to where."""
    return {(row[1], row[2], row[3], row[4]) for row in plan.links.insert}


def test_figure_11_nothing_has_failed() -> None:
    """The graph stands over three points of presence, joined by two links; there is nothing to choose."""
    engine = load(ALL_WELL)
    assert set(engine.rows("adaptation:virtual_link")) == {
        ("web", "vnf-a", "pop-a", "vnf-b", "pop-b"),
        ("web", "vnf-b", "pop-b", "vnf-c", "pop-c"),
    }
    assert engine.count("adaptation:error") == 0
    plan = planned(ALL_WELL)
    assert (plan.status, plan.decisions, plan.commands) == ("nothing", (), ())


def test_figure_12_vnf_b_has_failed() -> None:
    """The graph is broken, no link of it stands, and nothing is commanded before there is a plan."""
    engine = load()
    assert engine.rows("adaptation:error") == [("web", "vnf-b")]
    assert engine.rows("adaptation:virtual_link") == []
    assert list(engine.snapshot().commands()) == []


def test_figure_12_without_a_way_out() -> None:
    """Where no place is near enough, the plan says which rule forbids it, and what each option would break."""
    plan = planned({"graph": [("web", 5, 2)]})
    assert plan.status == "impossible"
    assert (plan.stuck, [each.rule for each in plan.obstacles]) == (["vnf-b"], ["latency"])
    (decision,) = plan.decisions
    assert {each.option.row[1:]: {found.rule for found in each.breaks} for each in decision.alternatives} == {
        ("pop-a", "new"): {"latency"}, ("pop-b", "new"): {"latency", "fails-again"},
        ("pop-c", "new"): {"latency"}, ("pop-c", "b1"): {"latency"},
    }  # fmt: skip
    assert not plan.changes
    assert plan.commands == ()


# The conditions, where VNF-B goes, and the links that are built for it.
INSTANTIATED: dict[str, tuple[Rows, str]] = {
    "at A, because C is full": ({"capacity": [("pop-a", "vcpus", 8), ("pop-c", "vcpus", 7)]}, "pop-a"),
    "at C, because A is full": ({"capacity": [("pop-a", "vcpus", 7), ("pop-c", "vcpus", 8)]}, "pop-c"),
    "at C, because it must not run beside A": ({"apart": [("vnf-b", "vnf-a")]}, "pop-c"),
    "at A, because no link joins A and C":
        ({"link": [("pop-a", "pop-b", 4, 10)], "chain": [("web", 1, "vnf-a"), ("web", 2, "vnf-b")]}, "pop-a"),
    "at B again, because B is stable and nearer than anything else": ({"pop": STABLE}, "pop-b"),
    "at A, because C's links are too slow":
        ({"link": [("pop-a", "pop-c", 4, 10)], "chain": [("web", 1, "vnf-b"), ("web", 2, "vnf-a")]}, "pop-a"),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "where"), INSTANTIATED.values(), ids=INSTANTIATED.keys())
def test_figure_13_instantiated_elsewhere(rows: Rows, where: str) -> None:
    """Without an instance that stands by, VNF-B is instantiated where the rules allow it at the least cost."""
    if where == "pop-b":
        # It costs one long link to be at B, and one to be beside either neighbour; so B wins only where these are full.
        rows = {**rows, "capacity": [("pop-a", "vcpus", 7), ("pop-c", "vcpus", 7)]}
    plan = planned({"instance": NO_STANDBY, **rows})
    assert (plan.status, chosen(plan)) == ("optimal", {"vnf-b": (where, "new")})
    commanded = [(each.action, each.arguments) for each in plan.commands]
    assert commanded[0] == ("vnfm:instantiate", ("vnf-b", where))
    assert {arguments[1:] for action, arguments in commanded if action == "wim:join"} == links(plan)
    assert all("vnf-b" in (one, other) for one, _, other, _ in links(plan))
    assert where in {pop for _, one, _, other in links(plan) for pop in (one, other)}


def test_figure_13_not_where_it_would_fail_again() -> None:
    """An unstable point of presence is forbidden, even if it is the only one with room, and that is said."""
    full = [("pop-a", "vcpus", 7), ("pop-c", "vcpus", 7)]
    plan = planned({"instance": NO_STANDBY, "capacity": full})
    assert plan.status == "impossible"
    assert {each.rule for each in plan.obstacles} == {"fails-again", "capacity"}


def test_figure_14_over_to_the_redundant_instance() -> None:
    """An instance that stands by costs less than a new one: it is taken, and only links are commanded."""
    plan = planned()
    assert (plan.status, plan.cost, chosen(plan)) == ("optimal", 3, {"vnf-b": ("pop-c", "b1")})
    assert plan.decisions[0].chosen is not None
    assert plan.decisions[0].chosen.kind == "redundant"
    assert links(plan) == {("vnf-a", "pop-a", "vnf-b", "pop-c"), ("vnf-b", "pop-c", "vnf-c", "pop-c")}
    assert {each.action for each in plan.commands} == {"wim:join"}
    assert {each.rule: each.cost for each in plan.soft} == {"no-spare": 2, "far": 1}


def test_figure_14_unless_it_costs_more() -> None:
    """Weights decide: with a soft rule against it, the redundant instance stays where it is."""
    from congresslite.api import Policy

    saving = Policy("saving", 'policy saving.\n@weight(9) warning(v) :- plan:placed(v, _, "b1").', "saving.dl")
    plan = planned({}, saving)
    assert plan.cost == 6
    assert chosen(plan)["vnf-b"][1] == "new"
    costs = {each.option.row[1:]: each.cost for each in plan.decisions[0].alternatives}
    assert costs[("pop-c", "b1")] == 12
