"""The blast-radius limit, as a check counts it before anything is planned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from congresslite.analysis.limits import MaxAffected
from congresslite.analysis.precommit import Context, precommit
from congresslite.api import Policy, Snapshot
from congresslite.policy.conflicts.told import Command
from tests.analysis.estate import SLOW, engine, policy

# Five machines and two hosts, by one action; the number of hosts is no bound for machines.
MACHINES = policy("machines", '@object(v) execute[hooks:run(v, "a.sh")] :- inv:vm(id=v).', mode='"enforce"')
HOSTS = policy("hosts", '@object(h) execute[hooks:run(h, "a.sh")] :- inv:host(id=h).', mode='"enforce"')


@pytest.mark.parametrize(
    ("limit", "counted"),
    [
        (MaxAffected(50, 100), {"machines": (5, 5, False), "hosts": (2, 2, False)}),
        (MaxAffected(None, 50), {"machines": (5, 2, True), "hosts": (2, 1, True)}),
        (MaxAffected(6, 100), {"machines": (7, 6, True), "hosts": (7, 6, True)}),
        (MaxAffected(4, 100), {"machines": (5, 4, True), "hosts": (7, 4, True)}),
    ],
    ids=["within", "a share of each kind", "the number over all kinds", "the number of one kind"],
)
def test_the_share_is_of_one_kind_and_the_number_of_all(
    limit: MaxAffected, counted: dict[str, tuple[int, int, bool]]
) -> None:
    """A share bounds the objects of one kind, and the number also those of one action whatever their kinds."""
    report = precommit(engine(), [MACHINES, HOSTS], context=Context(max_affected=limit))
    assert {each.policy: (each.together, each.limit, each.exceeded) for each in report.commands} == counted


ACT = '@id("stop") execute[nova:stop(v)] :- inv:vm(id=v, host="h1").'
DENY = '@id("no") deny[nova:stop(v)] :- inv:vm(id=v).'
ACTING, WARNING = (policy("acting", ACT, mode=f'"{mode}"', priority="1") for mode in ("enforce", "warn"))
SHOWING = policy("acting", ACT, mode='"dryrun"', priority="1")
WIDER = policy("acting", ACT.replace('"h1"', "_"), mode='"enforce"', priority="1")
DENYING = policy("denying", DENY, priority="9")


@pytest.mark.parametrize(
    ("live", "proposed", "remove", "new"),
    [
        ([ACTING, DENYING], [policy("denying", DENY, priority="0")], [], 4),
        ([ACTING, DENYING], [policy("denying", DENY, priority="9", mode='"dryrun"')], [], 4),
        ([ACTING, DENYING], [], ["denying"], 4),
        ([ACTING, DENYING], [policy("acting", ACT, mode='"enforce"', priority="10")], [], 4),
        ([WARNING], [ACTING], [], 4),
        ([SHOWING], [ACTING], [], 4),
        ([WARNING], [WIDER], [], 5),
        ([ACTING], [WIDER], [], 1),
        ([ACTING], [WARNING], [], 0),
        ([ACTING], [policy("acting", ACT, mode='"enforce"', priority="2")], [], 0),
        ([ACTING, DENYING], [policy("denying", DENY, priority="8")], [], 0),
        ([ACTING], [policy("again", ACT, mode='"enforce"')], [], 0),
        ([WARNING], [policy("again", ACT, mode='"enforce"')], [], 4),
    ],
    ids=[
        "who denies has a lower priority",
        "who denies is tried out",
        "who denies goes",
        "who acts has a higher priority",
        "enforced, and only told before",
        "enforced, and only shown before",
        "enforced and wider",
        "wider",
        "no longer enforced",
        "another priority, and nothing against it",
        "another priority, and denied still",
        "what is done already",
        "what another policy only tells of",
    ],
)
def test_what_is_newly_done_counts_whatever_lets_it(
    live: list[Policy], proposed: list[Policy], remove: list[str], new: int
) -> None:
    """An action that is run from now on counts as new, also where no row moves: by mode, priority, or who denied it."""
    report = precommit(engine(*live), proposed, remove, Context(max_affected=MaxAffected(0, 100)))
    assert sum(each.new for each in report.commands) == new
    assert ("CL322" in {each.code for each in report.reasons}) is (new > 0)


def test_actions_that_nothing_touches_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a check takes does not grow with the commands of policies that it changes nothing of."""
    asked: list[set[str]] = []

    def commands(self: Snapshot, actions: set[str]) -> Iterator[Command]:
        asked.append(actions)
        return iter(())

    monkeypatch.setattr(Snapshot, "commands", commands)
    live = engine(ACTING, DENYING, HOSTS)
    precommit(live, [SLOW, policy("other", '@id("o") deny[nova:start(v)] :- inv:vm(id=v).')])
    assert asked == []
    precommit(live, remove=["denying"])
    assert asked == [{"nova:stop"}] * 2
