"""Plans: what is commanded becomes an action once, and nothing is concluded from what is not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from congresslite.enforcement.enforcer import RefusedError
from congresslite.enforcement.executor import Outcome
from congresslite.server.mends import mend_of
from tests.enforcement.world import KINDS, STOPS, Obedient, World
from tests.waiting import until

DRYRUN = STOPS.replace('"enforce"', '"dryrun"')
WARN = STOPS.replace('"enforce"', '"warn"')
APPROVAL = STOPS.replace('"enforce"', '"enforce", approval = true')
UNDERWAY = Outcome("underway", reference="op1")
UNDO = STOPS.replace('"enforce"', '"enforce", undo = true')
NAMED = UNDO.replace("execute", '@id("stop") execute')
NARROWED = NAMED.replace("state=", 'state="worse").\nother(v) :- inv:vm(id=v, state=')
DERIVED = (
    NAMED.replace("inv:vm(id=v", "some(v").replace(', state="bad"', "") + '\nsome(v) :- inv:vm(id=v, state="bad").'
)


def test_a_command_that_holds_is_run_once(tmp_path: Path) -> None:
    """However often the engine changes while a command holds, its action is called once."""
    with World(tmp_path, vms={"a": "bad"}).running() as world:
        world.reach("succeeded")
        for number in range(5):
            world.set(**{f"other{number}": "good"})
        assert world.obedient.objects() == ["stop a"]
        assert world.states() == ["succeeded"]


def test_a_command_that_comes_back_is_run_again(tmp_path: Path) -> None:
    """A command that went, and comes back, is another action with another key."""
    with World(tmp_path, vms={"a": "bad"}).running() as world:
        world.reach("succeeded")
        world.set(a="good")
        world.set(a="bad")
        first, second = world.reach("succeeded", "succeeded")
        assert first.id != second.id
        assert first.command == second.command
        assert (first.commanded, second.commanded) == (False, True)


def test_a_command_that_went_between_two_looks_is_another_one(tmp_path: Path) -> None:
    """What goes and comes back before anybody looks is commanded anew, and run again."""
    with World(tmp_path, vms={"a": "bad"}).running() as world:
        (first,) = world.reach("succeeded")
        world.enforcer.changed([first.command])
        world.reach("succeeded", "succeeded")
        assert world.obedient.objects() == ["stop a", "stop a"]


def test_after_a_restart_what_holds_is_not_run_again(tmp_path: Path) -> None:
    """A restart is no reason to do anything again."""
    executor = Obedient()
    with World(tmp_path, vms={"a": "bad"}, executor=executor).running() as world:
        world.reach("succeeded")
    with World(tmp_path, vms={"a": "bad", "b": "bad"}, executor=executor).running() as world:
        world.reach("succeeded", "succeeded")
        assert executor.objects() == ["stop a", "stop b"]


def test_dryrun_shows_and_never_runs(tmp_path: Path) -> None:
    """A policy that is tried out has its actions shown; not even somebody's approval runs one."""
    with World(tmp_path, DRYRUN, {"a": "bad"}).running() as world:
        (shown,) = world.reach("shown")
        with pytest.raises(RefusedError, match="shown, and cannot be approved"):
            world.enforcer.approve(shown.id, "ada")
        world.set(a="good")
        world.reach("cancelled")
        assert world.obedient.calls == []


def test_warn_plans_nothing(tmp_path: Path) -> None:
    """A policy that only warns has no actions."""
    with World(tmp_path, WARN, {"a": "bad"}).running() as world:
        world.settle()
        assert world.records() == ()


def test_a_policy_that_is_switched_to_enforce_runs_what_was_shown(tmp_path: Path) -> None:
    """Another mode of the policy is another plan."""
    with World(tmp_path, DRYRUN, {"a": "bad"}).running() as world:
        world.reach("shown")
        world.revise(STOPS)
        world.reach("cancelled", "succeeded")
        world.revise(WARN)
        assert world.obedient.objects() == ["stop a"]


@pytest.mark.parametrize("other", [DRYRUN, WARN], ids=["dryrun", "warn"])
@pytest.mark.parametrize(
    "first",
    [Outcome("succeeded"), UNDERWAY, Outcome("failed", "no", retry=False)],
    ids=["done", "under way", "failed"],
)
def test_a_policy_that_is_switched_and_back_does_nothing_again(tmp_path: Path, other: str, first: Outcome) -> None:
    """What was begun stays the action of its command, and is followed to its end, whatever the mode of its policy."""
    executor = Obedient({"perform": [first], "follow": [UNDERWAY]})
    with World(tmp_path, vms={"a": "bad"}, executor=executor).running() as world:
        begun = world.reach("running" if first is UNDERWAY else first.state)
        world.revise(other)
        executor.replies["follow"] = [Outcome("succeeded")]
        world.settle_all()
        world.revise(STOPS)
        world.settle_all()
        (ended,) = world.records()
        assert (ended.id, ended.commanded) == (begun[0].id, True)
        assert ended.state == ("failed" if first.state == "failed" else "succeeded")
        assert executor.objects() == ["stop a"]
        world.set(a="good")
        world.set(a="bad")
        world.settle_all()
        assert executor.objects() == ["stop a", "stop a"]


def test_what_fails_while_its_policy_is_not_enforced_is_not_tried_again(tmp_path: Path) -> None:
    """An attempt that was under way when its policy came to be tried out is the last one."""
    executor = Obedient({"perform": [UNDERWAY], "follow": [UNDERWAY]})
    with World(tmp_path, vms={"a": "bad"}, executor=executor).running() as world:
        world.reach("running")
        world.revise(DRYRUN)
        executor.replies["follow"] = [Outcome("failed", "no")]
        (failed,) = world.reach("failed")
        assert failed.reason == "no; it is not tried again, as its policy is not enforced"
        assert executor.objects() == ["stop a"]


def test_what_waits_to_be_tried_again_is_not_while_its_policy_is_not_enforced(tmp_path: Path) -> None:
    """An action that is certainly not done is let go for one that is shown; in `enforce` it is planned anew."""
    executor = Obedient({"perform": [Outcome("failed", "no"), Outcome("succeeded")]})
    late = {"defaults": {"backoff": 3600, "cooldown": 0}}
    with World(tmp_path, vms={"a": "bad"}, executor=executor, enforcement=late).running() as world:
        until(lambda: [each for each in world.records() if each.not_before])
        world.revise(DRYRUN)
        world.reach("cancelled", "shown")
        assert executor.objects() == ["stop a"]
        world.revise(STOPS)
        world.reach("cancelled", "cancelled", "succeeded")


def test_what_is_held_is_not_approved_while_its_policy_is_not_enforced(tmp_path: Path) -> None:
    """Nobody's approval runs an action of a policy that is tried out; it may be cancelled, or approved in `enforce`."""
    silent = Obedient({"perform": [Outcome("unknown"), Outcome("succeeded")], "inspect": [Outcome("unknown")]})
    silent.kinds = {**KINDS, "stop": replace(KINDS["stop"], repeatable=False)}
    with World(tmp_path, vms={"a": "bad"}, executor=silent).running() as world:
        (held,) = world.reach("held")
        world.revise(DRYRUN)
        assert world.states() == ["held"]
        with pytest.raises(RefusedError, match="cannot be approved: its policy `p` is not enforced"):
            world.enforcer.approve(held.id, "ada")
        world.revise(STOPS)
        world.enforcer.approve(held.id, "ada")
        (done,) = world.reach("succeeded")
        assert done.id == held.id
        assert silent.objects() == ["stop a", "stop a"]


def test_an_approval_outlasts_no_other_mode_unless_it_was_acted_upon(tmp_path: Path) -> None:
    """What waits for approval is asked for anew once its policy is enforced again; what was done is not."""
    with World(tmp_path, APPROVAL, {"a": "bad"}).running() as world:
        (done,) = world.reach("approval")
        world.enforcer.approve(done.id, "ada")
        world.reach("succeeded")
        world.set(b="bad")
        world.reach("succeeded", "approval")
        world.revise(DRYRUN)
        world.reach("succeeded", "cancelled", "shown")
        world.revise(APPROVAL)
        world.reach("succeeded", "cancelled", "cancelled", "approval")
        assert world.obedient.objects() == ["stop a"]


def test_what_is_no_longer_commanded_is_not_begun(tmp_path: Path) -> None:
    """An action that waits is cancelled when its condition goes, and its record says why it waited."""
    with World(tmp_path, vms={"a": "bad"}, enforcement={"enabled": False}).running() as world:
        world.reach("planned")
        world.set(a="good")
        (gone,) = world.reach("cancelled")
        assert gone.reason.startswith("what commanded it no longer holds")
        assert world.obedient.calls == []


def test_an_approved_action_is_the_one_that_was_shown(tmp_path: Path) -> None:
    """What waits for approval runs when it is approved, with the key that it was shown with."""
    with World(tmp_path, APPROVAL, {"a": "bad"}).running() as world:
        (waiting,) = world.reach("approval")
        assert waiting.guard == "approval"
        world.enforcer.approve(waiting.id[:8], "ada")
        (done,) = world.reach("succeeded")
        assert (done.id, done.approved_by) == (waiting.id, "ada")
        assert [order.key for _, order in world.obedient.calls] == [waiting.id]
        _, steps = world.enforcer.get(done.id)
        assert [(step.state, step.by) for step in steps] == [
            ("approval", ""), ("planned", "ada"), ("running", ""), ("succeeded", "")
        ]  # fmt: skip


def test_a_plan_runs_as_it_was_shown_or_not_at_all(tmp_path: Path) -> None:
    """Whoever approves a plan of which a part has gone meanwhile is told, and nothing of it runs."""
    with World(tmp_path, APPROVAL, {"a": "bad", "b": "bad", "c": "bad"}).running() as world:
        (plan,) = {each.plan for each in world.reach("approval", "approval", "approval")}
        world.set(b="good")
        with pytest.raises(RefusedError, match="1 of its 3 actions are cancelled by now"):
            world.enforcer.approve_plan(plan, "ada")
        assert world.obedient.calls == []
        world.set(d="bad", e="bad")
        later = world.reach("approval", "cancelled", "approval", "approval", "approval")[-1].plan
        assert later != plan
        world.enforcer.approve_plan(later, "ada")
        world.reach("approval", "cancelled", "approval", "succeeded", "succeeded")
        assert sorted(world.obedient.objects()) == ["stop d", "stop e"]


def test_a_condition_that_goes_by_itself_is_undone(tmp_path: Path) -> None:
    """With `undo`, what was done is undone once its reason is gone; the undoing is recorded as such."""
    with World(tmp_path, UNDO, {"a": "bad"}).running() as world:
        (done,) = world.reach("succeeded")
        world.set(a="good")
        _, undo = world.reach("succeeded", "succeeded")
        assert (undo.action, undo.undoes) == ("nova:start", done.id)
        assert world.obedient.objects() == ["stop a", "start a"]
        world.set(a="good")
        assert world.states() == ["succeeded", "succeeded"]


@pytest.mark.parametrize("how", ["policy", "rule", "no undo", "failed"])
def test_what_is_not_undone(tmp_path: Path, how: str) -> None:
    """Nothing is undone when the rule itself went, when nobody asked for it, or when nothing was done."""
    executor = Obedient({"perform": [Outcome("failed", "no", retry=False)]} if how == "failed" else None)
    with World(tmp_path, STOPS if how == "no undo" else UNDO, {"a": "bad"}, executor=executor).running() as world:
        world.reach("failed" if how == "failed" else "succeeded")
        if how == "policy":
            world.revise(remove=["p"])
        elif how == "rule":
            world.revise(UNDO.replace('"bad"', '"worse"'))
        else:
            world.set(a="good")
        assert world.obedient.objects() == ["stop a"]
        assert len(world.records()) == 1


EDITS = {
    "the rule": (NAMED, [NARROWED]),
    "what it follows from": (DERIVED, [DERIVED.replace("bad", "worse")]),
    "what overrules it": (NAMED, ["policy q(priority = 5).\ndeny[nova:stop(v)] :- inv:vm(id=v)."]),
}


@pytest.mark.parametrize("stale", [False, True], ids=["", "stale"])
@pytest.mark.parametrize(("policy", "edits"), EDITS.values(), ids=EDITS.keys())
def test_an_edit_undoes_nothing(tmp_path: Path, policy: str, edits: list[str], stale: bool) -> None:
    """What a rule commands no more since somebody edited it is not undone, now or once its tables are current."""
    with World(tmp_path, policy, {"a": "bad"}).running() as world:
        world.reach("succeeded")
        world.stale_because = "inv is away" if stale else None
        world.revise(*edits)
        world.stale_because = None
        world.settle_all()
        (done,) = world.records()
        assert not done.commanded
        assert world.obedient.objects() == ["stop a"]


def test_an_edit_undoes_nothing_late(tmp_path: Path) -> None:
    """What was under way when an edit let it go is not undone when it succeeds."""
    slow = Obedient({"perform": [UNDERWAY], "follow": [UNDERWAY]})
    with World(tmp_path, NAMED, {"a": "bad"}, executor=slow).running() as world:
        world.reach("running")
        world.revise(NARROWED)
        world.set(other="good")
        slow.replies["follow"] = [Outcome("succeeded")]
        world.reach("succeeded")
        world.settle_all()
        assert slow.objects() == ["stop a"]


def test_an_edit_of_something_else_keeps_no_undo_away(tmp_path: Path) -> None:
    """After edits that left a command as it was, its condition still goes by itself."""
    with World(tmp_path, NAMED, {"a": "bad"}).running() as world:
        world.reach("succeeded")
        world.revise("policy q().\nseen(v) :- inv:vm(id=v).")
        world.revise(DERIVED)
        world.set(a="good")
        world.reach("succeeded", "succeeded")
        assert world.obedient.objects() == ["stop a", "start a"]


def test_what_succeeds_after_its_condition_went_is_undone(tmp_path: Path) -> None:
    """With `undo`, what was under way when its reason went is undone once it has succeeded, over a restart too."""
    slow = Obedient({"perform": [UNDERWAY], "follow": [UNDERWAY]})
    with World(tmp_path, UNDO, {"a": "bad"}, executor=slow).running() as world:
        world.reach("running")
        world.set(a="good")
        assert world.states() == ["running"]
    with World(tmp_path, UNDO, {"a": "good"}).running() as world:
        done, undo = world.reach("succeeded", "succeeded")
        assert (undo.action, undo.undoes, undo.commanded) == ("nova:start", done.id, False)
        assert world.obedient.objects() == ["start a"]


@pytest.mark.parametrize("how", ["back", "failed", "policy", "no undo"])
def test_what_ends_after_its_condition_went_and_is_not_undone(tmp_path: Path, how: str) -> None:
    """Nothing is undone late that is commanded again, came to nothing, or would not have been undone at once."""
    slow = Obedient({"perform": [UNDERWAY, Outcome("succeeded")], "follow": [UNDERWAY]})
    with World(tmp_path, STOPS if how == "no undo" else UNDO, {"a": "bad"}, executor=slow).running() as world:
        world.reach("running")
        world.set(a="good")
        if how == "back":
            world.set(a="bad")
        elif how == "policy":
            world.revise(remove=["p"])
        slow.replies["follow"] = [Outcome("failed" if how == "failed" else "succeeded", retry=False)]
        world.settle_all()
        states = {"back": ["succeeded", "succeeded"], "failed": ["failed"]}.get(how, ["succeeded"])
        assert world.states() == states
        assert slow.objects() == ["stop a"] * len(states)


def test_what_is_held_and_wanted_no_more_is_not_approved(tmp_path: Path) -> None:
    """Nobody lets an action run that nothing wants; if its target tells later that it was done, it is undone."""
    silent = Obedient({"perform": [Outcome("unknown"), Outcome("succeeded")], "inspect": [Outcome("unknown")]})
    silent.kinds = {**KINDS, "stop": replace(KINDS["stop"], repeatable=False)}
    with World(tmp_path, UNDO, {"a": "bad"}, executor=silent).running() as world:
        (held,) = world.reach("held")
        assert "approve it if it was not done" in (mend_of(held) or "")
        world.set(a="good")
        (held,) = world.records()
        assert "nothing wants it any more" in (mend_of(held) or "")
        with pytest.raises(RefusedError, match="is wanted no more, and cannot be approved"):
            world.enforcer.approve(held.id, "ada")
        silent.replies["inspect"] = [Outcome("succeeded")]
        world.enforcer._runner.wake(held.id)  # instead of waiting for a minute
        world.reach("succeeded", "succeeded")
        assert silent.objects() == ["stop a", "start a"]


def test_nothing_is_concluded_from_stale_tables(tmp_path: Path) -> None:
    """While what a rule rests on is not current, nothing is planned, nothing run, nothing undone and nothing ended."""
    with World(tmp_path, UNDO, {"a": "bad"}).running() as world:
        world.reach("succeeded")
        world.stale_because = "inv is away"
        world.set(a="good", b="bad")
        assert world.states() == ["succeeded"]
        world.stale_because = None
        world.set(a="bad")
        world.reach("succeeded", "succeeded")
        assert sorted(world.obedient.objects()) == ["stop a", "stop b"]


def test_a_runaway_rule_is_stopped_before_its_first_call(tmp_path: Path) -> None:
    """A rule that matches every VM of 10,000 calls nobody, and each action says how much it would have acted upon."""
    vms = {f"vm{number}": "bad" for number in range(10_000)}
    with World(tmp_path, vms=vms, affected={"amount": 100, "percent": 10}).running() as world:
        found = until(world.records, 60)
        assert {each.state for each in found} == {"stopped"}
        assert len(found) == 10_000
        assert found[0].guard == "blast_radius"
        assert "10,000 objects of the 10,000 in `inv:vm`" in found[0].reason
        assert "limit is 100" in found[0].reason
        assert world.obedient.calls == []


def test_a_runaway_rule_is_stopped_though_it_comes_in_pieces(tmp_path: Path) -> None:
    """What was acted upon a moment ago counts too, so that many small changes do no more than one large one."""
    with World(tmp_path, affected={"amount": 10, "percent": None}).running() as world:
        for number in range(30):
            world.set(**{f"vm{number}": "bad"})
        world.reach(*["succeeded"] * 10, *["stopped"] * 20)
        assert len(world.obedient.objects()) == 10


def test_the_share_is_of_what_is_of_that_kind(tmp_path: Path) -> None:
    """A share bounds the objects of its own kind; over all kinds, an action has the number for a bound."""
    other = 'policy q(mode = "enforce").\nexecute[nova:stop(v)] :- inv:site(vm=v, site="north").'
    limits = {"amount": 4, "percent": 100}
    with World(tmp_path, [STOPS, other], {"a": "bad", "b": "bad", "c": "bad"}, affected=limits).running() as world:
        world.reach(*["succeeded"] * 3)
        world.place(x="north")
        world.settle()
        assert {each.kind for each in world.reach(*["succeeded"] * 4)} == {"inv:vm", "inv:site"}
        world.place(y="north")
        world.settle()
        stopped = world.reach(*["succeeded"] * 4, "stopped")[-1]
        assert stopped.reason == "it would act upon 5 objects at once; the limit is 4 (`max_affected`)"


def test_what_is_stopped_is_told_in_the_log(tmp_path: Path) -> None:
    """Whichever guard stops actions, a warning says which one, and why: one warning for all of a plan."""
    vms = {"a": "bad", "b": "bad"}
    with capture_logs() as told, World(tmp_path, vms=vms, affected={"amount": 1, "percent": None}).running() as world:
        first, _ = world.reach("stopped", "stopped")
        (line,) = until(lambda: [each for each in told if each["log_level"] == "warning"])
        assert line == {
            "event": "actions are stopped", "log_level": "warning", "plan": first.plan, "action": "nova:stop",
            "count": 2, "guard": "blast_radius", "why": first.reason,
        }  # fmt: skip
    blocked = {"block": [{"action": "nova:stop"}]}
    with capture_logs() as told, World(tmp_path, vms={"c": "bad"}, enforcement=blocked).running() as world:
        last = world.reach("cancelled", "cancelled", "stopped")[-1]
        (line,) = [each for each in told if each["log_level"] == "warning"]
        assert (line["event"], line["guard"], line["why"]) == ("an action is stopped", "block", last.reason)


def test_what_the_blast_radius_stopped_may_be_approved(tmp_path: Path) -> None:
    """A person who looked at a plan that is too big may let it run, all of it."""
    vms = {f"vm{number}": "bad" for number in range(20)}
    with World(tmp_path, vms=vms, affected={"amount": 10, "percent": None}).running() as world:
        (plan,) = {each.plan for each in world.reach(*["stopped"] * 20)}
        world.enforcer.approve_plan(plan, "ada")
        world.reach(*["succeeded"] * 20)


def test_what_is_overruled_is_not_run(tmp_path: Path) -> None:
    """A command that a rule of a higher priority denies has no action; when that goes, it has."""
    deny = 'policy q(priority = 5).\ndeny[nova:stop(v)] :- inv:vm(id=v), v = "a".'
    with World(tmp_path, [STOPS, deny], {"a": "bad", "b": "bad"}).running() as world:
        world.reach("succeeded")
        assert world.obedient.objects() == ["stop b"]
        world.revise(remove=["q"])
        world.reach("succeeded", "succeeded")
        assert world.obedient.objects() == ["stop b", "stop a"]
