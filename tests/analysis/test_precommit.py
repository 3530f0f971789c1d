"""The pre-commit check: impact, freshness, verdict, fingerprint."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from congresslite import precommit as public
from congresslite.analysis.documents import report_document
from congresslite.analysis.fingerprint import differences
from congresslite.analysis.precommit import Context, Elsewhere, precommit, with_tiers
from congresslite.analysis.report import Report
from congresslite.api import Delta, Policy
from tests.analysis.estate import BROKEN, OWNERS, SLOW, engine, policy

CONTEXT = Context(owners=OWNERS)


def test_the_package_offers_it() -> None:
    """`congresslite.precommit` is this function."""
    assert public is precommit


def groups(report: Report) -> dict[str | None, tuple[int, int, int]]:
    """What becomes of the violations of each service."""
    return {each.name: (each.new, each.resolved, each.unchanged) for each in report.impact.services}


def test_violations_are_counted_by_service_and_tenant() -> None:
    """New, resolved and unchanged violations are told apart for each service and tenant, None for what has none."""
    report = precommit(engine(BROKEN), [SLOW], context=CONTEXT)
    assert report.impact.totals == {"new": 4, "resolved": 0, "unchanged": 3}
    # The stray machine has a service that no table knows, and no tenant.
    assert groups(report) == {"voice": (1, 0, 0), "data": (1, 0, 1), "tv": (1, 0, 1), "gone": (1, 0, 1)}
    assert {each.name: each.new for each in report.impact.tenants} == {"acme": 2, "bell": 1, None: 1}


def test_what_goes_is_resolved() -> None:
    """A policy that goes takes its violations with it, and nobody else's."""
    report = precommit(engine(BROKEN, SLOW), remove=["slow"], context=CONTEXT)
    assert report.impact.totals == {"new": 0, "resolved": 4, "unchanged": 3}
    assert groups(report)["data"] == (0, 1, 1)
    assert [each.change for each in report.policies] == ["removed"]
    assert report.verdict == "ok"


def test_a_changed_rule_moves_only_what_it_changes() -> None:
    """A rule that is widened keeps the violations that it had."""
    wider = policy("slow", '@id("hdd") error(vm, h) :- inv:vm(id=vm, host=h), inv:host(id=h).')
    report = precommit(engine(SLOW), [wider], context=CONTEXT)
    assert report.impact.totals == {"new": 1, "resolved": 0, "unchanged": 4}
    assert [each["object"] for each in report.impact.new] == ["ims-b"]
    assert [(each.name, each.change) for each in report.policies] == [("slow", "changed")]


def test_services_come_first_and_lists_are_bounded() -> None:
    """Violations of services come before those of none, the gravest first; beyond the limit they are counted only."""
    rules = (
        '@id("b") @severity("low") error(f) :- inv:vnf(id=f).',
        '@id("a") @severity("critical") error(f) :- inv:vnf(id=f, ns="data").',
        '@id("c") @severity("critical") error(h) :- inv:host(id=h).',
    )
    report = precommit(engine(), [policy("p", *rules)], context=replace(CONTEXT, limit=3))
    assert [(each["rule"], each["service"]) for each in report.impact.new] == [
        ("a", "data"),
        ("b", "data"),
        ("b", "gone"),
    ]
    assert report.impact.totals["new"] == 7
    assert len(report.impact.services) == 3
    assert report.impact.affected == {"services": 5, "tenants": 3}


def test_nothing_changes() -> None:
    """The engine is as it was, and so are its answers."""
    live = engine(BROKEN)
    before = (live.tables(), live.rows("broken:warning"), live.policies)
    precommit(live, [SLOW], ["broken"], CONTEXT)
    assert (live.tables(), live.rows("broken:warning"), live.policies) == before


@pytest.mark.parametrize(
    ("proposed", "remove", "code"),
    [
        ([Policy("bad", "error(x) :- inv:nothing(x).")], [], "CL101"),
        ([Policy("bad", "error(x) :-")], [], "CL026"),
        ([], ["nobody"], "CL455"),
        ([policy("nowhere", tier='"moon"')], [], "CL231"),
    ],
    ids=["unknown table", "syntax", "unknown policy to remove", "unknown tier"],
)
def test_what_is_wrong_is_rejected(proposed: list[Policy], remove: list[str], code: str) -> None:
    """Policies that cannot be taken make a report that says why, and that nothing else was looked into."""
    report = precommit(engine(BROKEN), proposed, remove, CONTEXT)
    assert report.verdict == "reject"
    assert [each.code for each in report.reasons] == ["CL320"]
    assert code in {each.code for each in report.findings}
    assert "violations" in report.not_analysed
    json.dumps(report_document(report))


STALE = {"source": "inv", "feed": "vm", "health": "stale", "tables": ["inv:vm"], "policies": []}
OTHER = {"source": "inv", "feed": "ns", "health": "stale", "tables": ["inv:ns"], "policies": []}


@pytest.mark.parametrize(
    ("live", "proposed", "remove", "told"),
    [
        ((), [SLOW], (), [STALE]),
        ((), [BROKEN], (), []),
        ((SLOW,), [SLOW], (), [STALE]),
        ((SLOW,), [], ("slow",), [STALE]),
    ],
    ids=["reads it", "reads another", "does not change", "goes"],
)
def test_only_what_it_rests_on_is_undetermined(live: Any, proposed: Any, remove: Any, told: Any) -> None:
    """A check tells of stale tables if the policies that are named rest on them, and of no others."""
    context = replace(CONTEXT, undetermined=[STALE, OTHER])
    assert list(precommit(engine(*live), proposed, remove, context).undetermined) == told


def test_fingerprints_follow_what_matters() -> None:
    """The same answer has the same fingerprint, whatever else came; another answer, or another policy, has another."""
    live = engine(BROKEN)
    first = precommit(live, [SLOW], context=CONTEXT).fingerprint
    live.apply({"inv:tenant": Delta(insert=[("cable", "silver")])})
    assert precommit(live, [SLOW], context=CONTEXT).fingerprint == first
    live.apply({"inv:vm": Delta(insert=[("fw-b", "fw", "h1")], delete=[("fw-a", "fw", "h1")])})
    moved = precommit(live, [SLOW], context=CONTEXT)
    assert moved.impact.totals["new"] == 4  # as many as before, and not the same
    assert moved.fingerprint != first
    live.apply(policies=[policy("more", "seen(f) :- inv:vnf(id=f).")])
    assert precommit(live, [SLOW], context=CONTEXT).fingerprint != moved.fingerprint


def test_differences_are_told_in_words() -> None:
    """Whoever is refused learns which policies and which numbers have changed."""
    live = engine(BROKEN)
    before = report_document(precommit(live, [SLOW], context=CONTEXT))
    live.apply({"inv:host": Delta(insert=[("h2", "hdd")], delete=[("h2", "ssd")])}, remove=["broken"])
    after = report_document(precommit(live, [SLOW], context=CONTEXT))
    assert differences(before, after) == ["policy `broken` has been removed", "new violations: 4 then, 5 now"]


def test_engines_below_make_a_verdict_graver() -> None:
    """What an engine below rejects is rejected, and its report is kept under its name."""
    report = precommit(engine(), [SLOW], context=CONTEXT)
    assert report.verdict == "warn"
    above = with_tiers(report, {"pop_a": {"verdict": "reject"}, "pop_b": {"verdict": "ok"}})
    assert (above.verdict, above.reasons[0].code) == ("reject", "CL326")
    assert report_document(above)["tiers"] == {"pop_a": {"verdict": "reject"}, "pop_b": {"verdict": "ok"}}


def test_engines_below_warn_with_their_reasons() -> None:
    """What an engine below warns of is a reason here, in its numbers; what is `ok` there says nothing."""
    report = precommit(engine(SLOW), [SLOW], context=CONTEXT)
    assert report.verdict == "ok"
    reasons = [{"verdict": "warn", "code": "CL327", "message": "2 new violations of 1 service"},
               {"verdict": "warn", "code": "CL330", "message": "not current: `inv/vm`"}]  # fmt: skip
    above = with_tiers(report, {"pop_a": {"verdict": "warn", "reasons": reasons}, "pop_b": {"verdict": "ok"}})
    assert above.verdict == "warn"
    assert [(each.code, each.message) for each in above.reasons] == [
        ("CL326", "engine `pop_a` warns: 2 new violations of 1 service; not current: `inv/vm`")
    ]


def test_an_engine_below_that_finds_something_else_is_named() -> None:
    """Whoever is refused because of an engine below learns which one, and what it finds."""
    live = engine(BROKEN)
    here, below = (report_document(precommit(live, proposed, context=CONTEXT)) for proposed in ([], [SLOW]))
    live.apply({"inv:host": Delta(insert=[("h2", "hdd")], delete=[("h2", "ssd")])})
    changed = report_document(precommit(live, [SLOW], context=CONTEXT))
    silent = {"verdict": "needs_decision", "fingerprint": "needs_decision"}
    before = {**here, "tiers": {"malmo": below, "lyon": below, "oslo": below, "new": below}}
    after = {**here, "tiers": {"malmo": changed, "lyon": silent, "oslo": below}}
    assert differences(before, after) == [
        "engine `lyon`: its verdict was warn, and is needs decision",
        "engine `malmo`: new violations: 4 then, 5 now",
        "engine `new` has nothing to say of it",
    ]


def test_a_conflict_whose_winner_changes_is_told() -> None:
    """Where the other side wins from now on, each conflict goes as it was and comes as it is, though no row moves."""
    acting = policy("acting", '@id("stop") execute[nova:stop(v)] :- inv:vm(id=v).', mode='"enforce"', priority="1")
    denying = [policy("denying", '@id("no") deny[nova:stop(v)] :- inv:vm(id=v).', priority=each) for each in "978"]
    live = engine(acting, denying[0])
    report = precommit(live, [policy("acting", acting.text.partition("\n")[2], mode='"enforce"', priority="10")])
    assert report.conflict_totals == {"new": 5, "resolved": 5, "unchanged": 0}
    assert [(each.status, each.document["winner"]) for each in report.conflicts] == [("new", 0)] * 5 + [
        ("resolved", 1)
    ] * 5
    assert "CL328" in {each.code for each in report.reasons}
    assert precommit(live, denying[1:2]).conflict_totals == {"new": 0, "resolved": 0, "unchanged": 5}


def test_what_may_contradict_it_and_is_not_current_makes_it_undetermined() -> None:
    """Whether a policy contradicts another is not known while what the other one rests on is not current."""
    acting = policy("acting", '@id("stop") execute[nova:stop(f)] :- inv:vm(vnf=f).')
    denying = policy("denying", '@id("no") deny[nova:stop(f)] :- inv:vnf(id=f, state="ERROR").')
    context = replace(CONTEXT, undetermined=[STALE, OTHER])
    assert list(precommit(engine(acting), [denying], context=context).undetermined) == [STALE]
    assert list(precommit(engine(acting), [BROKEN], context=context).undetermined) == []


def test_what_is_for_other_engines_is_told_and_covered() -> None:
    """Policies that other engines check are listed, and a text of theirs that changes, live or proposed, is noticed."""
    live, first, second = (policy("down", f"t({each}).", tier='"pop"') for each in (1, 2, 3))

    def check(elsewhere: Elsewhere) -> Report:
        return precommit(engine(BROKEN), context=replace(CONTEXT, elsewhere=elsewhere))

    report = check(Elsewhere([live], [first]))
    assert [(each.name, each.tier, each.change) for each in report.policies] == [("down", "pop", "changed")]
    assert {each.change for each in check(Elsewhere([], [first])).policies} == {"added"}
    assert {each.change for each in check(Elsewhere([live], [], ["down"])).policies} == {"removed"}
    others = [check(Elsewhere([live], [second])), check(Elsewhere([second], [first]))]
    assert len({each.fingerprint for each in (report, *others)}) == 3
    documents = [report_document(each) for each in (report, others[1])]
    assert differences(*documents) == ["policy `down` has changed"]
