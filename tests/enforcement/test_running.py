"""Running: what an executor says of an attempt, and what is made of it."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from congresslite.enforcement.enforcer import RefusedError
from congresslite.enforcement.executor import Order, Outcome
from tests.enforcement.world import STOPS, Obedient, World
from tests.waiting import until

SCALES = STOPS.replace("nova:stop", "nova:scale")  # of all kinds the one that must not be done twice
DONE, FAILED, FINAL = Outcome("succeeded", "done"), Outcome("failed", "no"), Outcome("failed", "never", retry=False)
UNDERWAY, UNKNOWN, ABSENT = Outcome("underway", reference="op1"), Outcome("unknown", "silence"), Outcome("absent")
NEVER = Outcome("absent", "it was not started")


@pytest.mark.parametrize(
    ("policy", "replies", "state", "performed", "reason"),
    [
        (SCALES, {"perform": [DONE]}, "succeeded", 1, "done"),
        (SCALES, {"perform": [FAILED, FAILED, DONE]}, "succeeded", 3, "done"),
        (SCALES, {"perform": [FAILED]}, "failed", 3, "no (attempt 3 of 3)"),
        (SCALES, {"perform": [FINAL]}, "failed", 1, "never"),
        (SCALES, {"perform": [UNDERWAY], "follow": [UNDERWAY, DONE]}, "succeeded", 1, "done"),
        (SCALES, {"perform": [UNDERWAY], "follow": [UNKNOWN, UNDERWAY, FINAL]}, "failed", 1, "never"),
        (SCALES, {"perform": [UNKNOWN], "inspect": [DONE]}, "succeeded", 1, "done"),
        (SCALES, {"perform": [UNKNOWN], "inspect": [UNDERWAY], "follow": [DONE]}, "succeeded", 1, "done"),
        (SCALES, {"perform": [UNKNOWN, DONE], "inspect": [ABSENT]}, "succeeded", 2, "done"),
        (SCALES, {"perform": [UNKNOWN], "inspect": [NEVER]}, "failed", 3,
         "its target never got it (it was not started) (attempt 3 of 3)"),
        (SCALES, {"perform": [UNKNOWN], "inspect": [UNKNOWN]}, "held", 1,
         "it is not known whether it was done: silence"),
        (STOPS, {"perform": [UNKNOWN, DONE], "inspect": [UNKNOWN]}, "succeeded", 2, "done"),
        (STOPS, {"perform": [UNKNOWN], "inspect": [UNKNOWN]}, "failed", 3,
         "it is not known whether it was done (silence) (attempt 3 of 3)"),
    ],
    ids=[
        "done", "failed twice", "failed thrice", "failed for good", "under way", "under way, then failed",
        "unknown, and was done", "unknown, and is under way", "unknown, and never came", "never came",
        "unknown for ever",
        "unknown for ever, and repeatable", "unknown each time",
    ],
)  # fmt: skip
def test_outcomes(  # noqa: PLR0917
    tmp_path: Path, policy: str, replies: Mapping[str, Sequence[Outcome]], state: str, performed: int, reason: str
) -> None:
    """Each thing that an executor may say leads to the state, and to as many calls, as it must."""
    executor = Obedient(replies)
    with World(tmp_path, policy, {"a": "bad"}, executor=executor).running() as world:
        (record,) = world.reach(state)
        assert list(executor.performed().values()) == [performed]
        assert record.reason == reason
        assert record.attempt == performed


def test_what_is_not_there_yet_may_still_be_on_its_way(tmp_path: Path) -> None:
    """That a target has not got it is not believed before nothing can be on its way any more."""
    executor = Obedient({"perform": [UNKNOWN], "inspect": [ABSENT, ABSENT, DONE]})
    slow = {"defaults": {"call_timeout": 5, "cooldown": 0}}
    with World(tmp_path, SCALES, {"a": "bad"}, executor=executor, enforcement=slow).running() as world:
        world.reach("succeeded")
        assert list(executor.performed().values()) == [1]


def test_what_may_be_done_twice_by_a_frozen_engine_is_held(tmp_path: Path) -> None:
    """An attempt of another engine that may still be running is not made again, though its target has not got it."""
    executor = Obedient({"inspect": [ABSENT]})
    left_behind(tmp_path, executor)
    second = World(tmp_path, SCALES, {"a": "bad"}, executor=executor)
    second.now, second.over_for_sure = 2, False
    with second.running():
        (held,) = second.reach("held")
        assert "may still be running" in held.reason
        assert executor.performed() == {}
        executor.replies["inspect"] = [DONE]  # it was, and did it
        second.enforcer._runner.wake(held.id)  # instead of waiting for a minute
        second.reach("succeeded")
        assert executor.performed() == {}


def test_what_a_dead_engine_began_is_looked_up_before_it_is_done(tmp_path: Path) -> None:
    """An attempt of an engine that is certainly gone is made again only once its target is known not to have it."""
    executor = Obedient({"inspect": [ABSENT]})
    left_behind(tmp_path, executor)
    second = World(tmp_path, SCALES, {"a": "bad"}, executor=executor)
    second.now = 2
    with second.running():
        second.reach("succeeded")
        assert executor.calls[0][0] == "inspect"
        assert list(executor.performed().values()) == [1]


def test_where_it_is_begun_is_journaled_before(tmp_path: Path) -> None:
    """The place that remembers an attempt is in the journal before the call, so that any engine finds it there."""
    first, second = Obedient(), Obedient({"follow": [UNKNOWN, DONE]})
    first.place, second.place = "here", "there"
    left_behind(tmp_path, first)
    with World(tmp_path, SCALES, {"a": "bad"}, executor=second).running() as world:
        world.reach("succeeded")
        assert {order.reference for _, order in second.calls} == {"here"}
        assert second.performed() == {}


def left_behind(folder: Path, executor: Obedient) -> None:
    """Leave a journal with an attempt that was started, and never called."""
    world = World(folder, SCALES, {"a": "bad"}, executor=executor)
    with world.running():
        changed = world.enforcer.journal.change

        def change(record: Any, by: str = "", **fields: Any) -> Any:
            found = changed(record, by, **fields)
            world.may_act = world.may_act and found.state != "running"
            return found

        world.enforcer.journal.change = change  # type: ignore[method-assign]
        world.enforcer.changed()
        world.reach("running")
    assert executor.performed() == {}


def test_an_engine_without_its_lease_calls_nobody(tmp_path: Path) -> None:
    """Once the lease is lost, nothing is given to a target any more, not even what was journaled a moment ago."""
    executor = Obedient()
    left_behind(tmp_path, executor)
    assert executor.calls == []


def test_what_takes_too_long_is_told_and_still_followed(tmp_path: Path) -> None:
    """An action that its target does not end in time is timed out, keeps others off its object, and may yet end."""
    executor = Obedient({"perform": [UNDERWAY], "follow": [UNDERWAY]})
    limits = {"defaults": {"timeout": 0.2, "call_timeout": 5, "cooldown": 0}}
    with World(tmp_path, vms={"a": "bad"}, executor=executor, enforcement=limits).running() as world:
        (late,) = world.reach("timed_out")
        assert late.reason == "its target still has it after 0 s"
        executor.replies["follow"] = [DONE]
        world.enforcer._runner.wake(late.id)  # instead of waiting for a minute
        world.reach("succeeded")


def test_a_person_may_say_that_what_is_held_was_not_done(tmp_path: Path) -> None:
    """To approve an action that is held is to do it once more; to cancel it is to let it be."""
    executor = Obedient({"perform": [UNKNOWN, UNKNOWN, DONE], "inspect": [UNKNOWN]})
    with World(tmp_path, SCALES, {"a": "bad", "b": "bad"}, executor=executor).running() as world:
        first, second = world.reach("held", "held")
        world.enforcer.approve(first.id, "ada")
        world.enforcer.cancel(second.id, "ada", "it was done")
        done, left = world.reach("succeeded", "cancelled")
        assert (done.attempt, left.attempt) == (2, 1)
        assert left.reason == "cancelled by ada: it was done"


def test_what_a_target_has_cannot_be_called_back(tmp_path: Path) -> None:
    """An action that is under way is not cancelled: nothing would stop at its target."""
    executor = Obedient({"perform": [UNDERWAY], "follow": [UNDERWAY]})
    with World(tmp_path, vms={"a": "bad"}, executor=executor).running() as world:
        (record,) = world.reach("running")
        with pytest.raises(RefusedError, match="is running, and cannot be cancelled"):
            world.enforcer.cancel(record.id, "ada")
        with pytest.raises(KeyError):
            world.enforcer.approve("nobody", "ada")


def test_an_executor_that_fails_has_said_nothing(tmp_path: Path) -> None:
    """An error of ours in the middle of a call is no proof that nothing was done."""

    def fail(order: Order) -> Outcome:
        raise ZeroDivisionError

    executor = Obedient({"perform": [fail], "inspect": [DONE]})
    with World(tmp_path, SCALES, {"a": "bad"}, executor=executor).running() as world:
        world.reach("succeeded")
        assert list(executor.performed().values()) == [1]


def test_a_condition_that_goes_ends_the_retries(tmp_path: Path) -> None:
    """What failed is not tried again once nothing commands it any more."""
    executor = Obedient({"perform": [FAILED]})
    limits = {"defaults": {"backoff": 3600, "cooldown": 0}}
    with World(tmp_path, vms={"a": "bad"}, executor=executor, enforcement=limits).running() as world:
        until(lambda: [each for each in world.records() if each.attempt == 1 and each.state == "planned"])
        world.set(a="good")
        (gone,) = world.reach("cancelled")
        assert gone.reason == "what commanded it no longer holds (before: no; it is tried again)"


class Ledger(Obedient):
    """A target that is asked over a bad line: what it is told may be lost, and so may what it says.

    It keeps what was really done, by key, and says so honestly when it is asked.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random, self._turn = random.Random(seed), threading.Lock()
        self.done: Counter[str] = Counter()

    def _reply(self, how: str, order: Order) -> Outcome:
        with self._turn:
            self.calls.append((how, order))
            if how != "perform":
                lost = self._random.random() < 0.3
                return UNKNOWN if lost else DONE if self.done[order.key] else ABSENT
            match self._random.randrange(4):
                case 0:
                    return UNKNOWN
                case 1:
                    return FAILED
                case 2:
                    self.done[order.key] += 1
                    return UNKNOWN
                case _:
                    self.done[order.key] += 1
                    return DONE


@pytest.mark.parametrize("seed", range(8))
def test_over_a_bad_line_nothing_is_done_twice_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    """Whatever is lost on the way, each action is done at most once, and each ends or is held, as its target says."""
    ledger = Ledger(seed)
    vms = {f"vm{number}": "bad" for number in range(20)}
    with World(tmp_path, SCALES, vms, executor=ledger).running() as world:
        world.settle_all()
        for record in world.records():
            assert ledger.done[record.id] <= 1
            assert record.state in ("succeeded", "failed", "held")
            assert record.state == "held" or (record.state == "succeeded") == (ledger.done[record.id] == 1)
        assert len(world.records()) == 20
