"""Guards: each stops what it is there for, lets everything else pass, and says why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from congresslite.config.enforcement import window
from congresslite.enforcement.executor import Outcome
from congresslite.enforcement.guards import _opens
from tests.enforcement.world import QUICK, STOPS, Obedient, World
from tests.waiting import until

STARTS = 'policy q(mode = "enforce").\nexecute[nova:start(v)] :- inv:vm(id=v, state="low").'
BOTH = 'policy r(mode = "enforce").\nexecute[nova:scale(v)] :- inv:vm(id=v, state="bad").'


@pytest.mark.parametrize(
    ("enforcement", "state", "guard", "reason"),
    [
        ({"enabled": False}, "planned", "switch", "enforcement is switched off in the configuration"),
        ({"block": [{"action": "*:stop", "reason": "T7"}]}, "stopped", "block", "`*:stop` on `*` is blocked: T7"),
        ({"block": [{"object": "a"}]}, "stopped", "block", "`*` on `a` is blocked"),
        ({"actions": {"nova:*": {"rate": {"amount": 0}}}}, "planned", "rate", "`nova:stop` ran 0 times in 60 s, of 0"),
        (
            {"actions": {"nova:*": {"object_rate": {"amount": 0}}}}, "planned", "object_rate",
            "0 actions ran on `a` in 60 s, of 0",
        ),
        ({"actions": {"nova:stop": {"approval": True}}}, "approval", "approval", "a person must approve it"),
    ],
    ids=["kill switch", "blocked action", "blocked object", "rate", "rate of an object", "approval"],
)  # fmt: skip
def test_each_guard_stops_and_says_why(
    tmp_path: Path, enforcement: Mapping[str, Any], state: str, guard: str, reason: str
) -> None:
    """A guard keeps an action from its target, and its record says which one did, and why."""
    with World(tmp_path, vms={"a": "bad"}, enforcement=enforcement).running() as world:
        until_guard(world, guard)
        (record,) = world.records()
        assert (record.state, record.guard) == (state, guard)
        assert record.reason == reason
        assert world.obedient.calls == []


@pytest.mark.parametrize(
    "enforcement",
    [
        {"block": [{"action": "*:start"}, {"object": "b"}, {"action": "nova:stop", "object": "aa"}]},
        {"actions": {"nova:start": {"rate": {"amount": 0}, "approval": True}}},
        {"actions": {"nova:*": {"approval": True}, "nova:stop": {"approval": False}}},
    ],
    ids=["other things are blocked", "other actions are limited", "the last word counts"],
)
def test_guards_let_everything_else_pass(tmp_path: Path, enforcement: Mapping[str, Any]) -> None:
    """What a guard is not there for runs."""
    with World(tmp_path, vms={"a": "bad"}, enforcement=enforcement).running() as world:
        world.reach("succeeded")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("cinder:stop(v)", "there is no target `cinder`; targets are `nova`"),
        ("nova:stpo(v)", "target `nova` has no action `stpo`; did you mean `stop`?"),
        ("stop(v)", "`stop` names no target: write `TARGET:stop`"),
        ("nova:stop(v, 1)", "`nova:stop` takes 1 terms, not 2"),
        ("nova:stop(1)", "`vm` of `nova:stop` should be of type str, and is 1"),
    ],
)
def test_what_no_target_takes_is_stopped(tmp_path: Path, command: str, reason: str) -> None:
    """A command that no target takes is never called, and its record says what is wrong with it."""
    policy = f'policy p(mode = "enforce").\nexecute[{command}] :- inv:vm(id=v, state="bad").'
    with World(tmp_path, policy, {"a": "bad"}).running() as world:
        (record,) = world.reach("stopped")
        assert (record.guard, record.reason) == ("target", reason)


def test_an_object_of_another_site_is_refused(tmp_path: Path) -> None:
    """A target is called for objects of its own site, and for those whose site nobody knows."""
    world = World(tmp_path, site="oslo")
    world.place(here="oslo", there="bergen")
    with world.running():
        world.set(here="bad", there="bad", nowhere="bad")
        world.reach("succeeded", "succeeded", "stopped")
        (refused,) = [each for each in world.records() if each.state == "stopped"]
        assert refused.reason == "`there` is at bergen, and its target is at oslo"


def test_the_kill_switch_holds_over_restarts(tmp_path: Path) -> None:
    """Once somebody pauses, nothing is given to a target until somebody resumes, whoever restarts what."""
    with World(tmp_path).running() as world:
        world.enforcer.pause("", "ada", "maintenance")
        world.set(a="bad")
        until_guard(world, "switch")
    with World(tmp_path, vms={"a": "bad"}).running() as world:
        until_guard(world, "switch")
        (record,) = world.records()
        assert record.reason == "everything is paused by ada: maintenance"
        assert world.obedient.calls == []
        world.enforcer.resume("", "ada")
        world.reach("succeeded")


@pytest.mark.parametrize("scope", ["nova", "policy p"])
def test_a_part_may_be_paused(tmp_path: Path, scope: str) -> None:
    """A target or a policy may be paused alone."""
    with World(tmp_path, [STOPS, STARTS]).running() as world:
        world.enforcer.pause(scope, "ada")
        world.set(a="bad", b="low")
        if scope == "nova":
            until_guard(world, "switch")
            assert world.obedient.calls == []
        else:
            world.reach("planned", "succeeded")
            assert world.obedient.objects() == ["start b"]
        with pytest.raises(KeyError):
            world.enforcer.pause("policy nobody", "ada")


def test_two_actions_never_act_on_one_object_at_once(tmp_path: Path) -> None:
    """An action waits while another is under way on its object, and while one is held; then it goes on by itself."""
    executor = Obedient({"perform": [Outcome("underway", reference="op1"), Outcome("succeeded")],
                         "follow": [Outcome("underway", reference="op1")]})  # fmt: skip
    with World(tmp_path, [STOPS, BOTH], {"a": "bad"}, executor=executor).running() as world:
        until_guard(world, "conflict")
        waiting = next(each for each in world.records() if each.guard == "conflict")
        assert re.fullmatch(r"`nova:\w+` on `a` is under way \(\w{12}\)", waiting.reason)
        assert len(executor.performed()) == 1
        executor.replies["follow"] = [Outcome("succeeded")]
        world.reach("succeeded", "succeeded")


def test_a_loop_is_slowed_by_the_cooldown_and_ended_by_the_loop_guard(tmp_path: Path) -> None:
    """Two policies that undo each other are stopped, and told of each other."""
    limits = {"defaults": {**QUICK, "cooldown": 0.2, "loop": {"times": 2, "within": 3600}}}
    with World(tmp_path, [STOPS, STARTS], enforcement=limits).running() as world:
        world.set(a="bad")
        for _ in range(3):
            world.settle_all()
            world.set(a="low")
            world.settle_all()
            world.set(a="bad")
        world.settle_all()
        stopped = [each for each in world.records() if each.state == "stopped"]
        assert stopped[0].guard == "loop"
        assert "ran 2 times on `a`" in stopped[0].reason
        assert "between that ran `nova:start` of policy `q`: do the two undo each other?" in stopped[0].reason
        slowed = [
            step for each in world.records() for step in world.enforcer.get(each.id)[1] if "cools down" in step.reason
        ]
        assert slowed
        assert len(world.obedient.objects()) <= 4


@pytest.mark.parametrize(
    ("text", "at", "opens"),
    [
        ("01:00-05:00", "2026-11-26 03:00", "2026-11-26 03:00"),
        ("01:00-05:00", "2026-11-26 05:00", "2026-11-27 01:00"),
        ("22:00-06:00", "2026-11-26 05:59", "2026-11-26 05:59"),
        ("22:00-06:00", "2026-11-26 12:00", "2026-11-26 22:00"),
        ("mon-fri 22:00-06:00", "2026-11-28 05:00", "2026-11-28 05:00"),  # Saturday, of Friday's night
        ("mon-fri 22:00-06:00", "2026-11-29 05:00", "2026-11-30 22:00"),  # Sunday
        ("sat,sun", "2026-11-26 12:00", "2026-11-28 00:00"),
        ("sat,sun", "2026-11-29 23:59", "2026-11-29 23:59"),
        ("sun-mon 10:00-11:00", "2026-11-24 12:00", "2026-11-29 10:00"),
        ("thu 12:00-24:00", "2026-11-26 23:59", "2026-11-26 23:59"),
        ("00:00-00:00", "2026-11-26 12:00", "2026-11-26 12:00"),
    ],
)
def test_windows(text: str, at: str, opens: str) -> None:
    """A window is open from its beginning to before its end, over midnight too, on the days on which it opens."""
    zone = ZoneInfo("Europe/Stockholm")
    moment, wanted = (datetime.fromisoformat(each).replace(tzinfo=zone) for each in (at, opens))
    assert _opens(text, moment) == wanted


@pytest.mark.parametrize("text", ["", "25:00-26:00", "mon..fri", "mon-fri 22-06", "noon", "mox 10:00-11:00", "10:00"])
def test_windows_that_are_none(text: str) -> None:
    """What is no window is refused with the way to write one."""
    with pytest.raises(ValueError, match="mon"):
        window(text)


def test_an_action_waits_for_its_window(tmp_path: Path) -> None:
    """Outside its windows an action waits, and its record says when it may run."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    tomorrow = days[(datetime.now(ZoneInfo("UTC")).weekday() + 2) % 7]
    enforcement = {"actions": {"nova:stop": {"windows": [tomorrow]}}}
    with World(tmp_path, vms={"a": "bad"}, enforcement=enforcement).running() as world:
        until_guard(world, "window")
        (record,) = world.records()
        assert record.reason == f"it may run from {tomorrow.capitalize()} 00:00 on ({tomorrow})"
        assert world.obedient.calls == []


def until_guard(world: World, guard: str) -> None:
    """Wait until a guard has spoken."""
    until(lambda: any(each.guard == guard for each in world.records()))
