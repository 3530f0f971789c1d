"""Cyclic events: each time is a command of its own, none piles up, and none is made up for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from congresslite.language.lifecycle_names import period
from congresslite.live import LiveEstate
from tests.enforcement.lifecycles import ADMIN, actions, comes_to, config, opened, quiet, see
from tests.waiting import until

EVERY = """\
policy: tick
mode: enforce
conditions: ["LCS::CYCLE_1_SECONDS"]
actions:
  - {name: tick, type: SCRIPT, properties: {script_filename: tick.sh}}
"""


@pytest.fixture
def estates() -> Iterator[list[LiveEstate]]:
    made: list[LiveEstate] = []
    yield made
    for estate in made:
        estate.stop()


PERIODS = {
    "LCS::CYCLE_60_SECONDS": 60,
    "LCS::CYCLE_1_SECONDS": 1,
    "LCS::CYCLE_86400_SECONDS": 86400,
    "LCS::CYCLE_0_SECONDS": None,
    "LCS::CYCLE_1.5_SECONDS": None,
    "LCS::CYCLE_SECONDS": None,
    "LCS::CYCLE_-5_SECONDS": None,
    "LCS::CYCLE_60_SECONDSX": None,
}


@pytest.mark.parametrize(("event", "seconds"), PERIODS.items(), ids=PERIODS.keys())
def test_periods(event: str, seconds: int | None) -> None:
    """Any whole number of seconds is a period, and nothing else."""
    assert period(event) == seconds


def test_each_time_is_a_command_of_its_own(estates: list[LiveEstate], tmp_path: Path) -> None:
    """What serves is acted upon each second with the time as the last argument; what is updated is left alone."""
    estate = opened(config(tmp_path), tick=EVERY)
    estates.append(estate)
    see(estate, "vpc", "monitoring")
    see(estate, "changing", "update")
    comes_to(estate, "vpc", "monitoring")
    until(lambda: len(actions(estate, "succeeded")) >= 3)
    found = actions(estate, "succeeded")
    assert {each.object for each in found} == {"vpc"}
    times = [float(str(each.arguments[-1])) for each in found]
    assert times == [times[0] + number for number in range(len(times))]
    assert times[0] == int(times[0])
    see(estate, "vpc", "update")
    comes_to(estate, "vpc", "update")
    quiet(estate)
    count = len(actions(estate, "succeeded"))
    last = time.time()
    until(lambda: time.time() > last + 1.2)
    assert len(actions(estate, "succeeded")) == count


def test_a_slow_action_is_not_overtaken(estates: list[LiveEstate], tmp_path: Path) -> None:
    """While the action of a time runs, the next waits and says so; those in between are let go, and none piles up."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    trace = tmp_path / "trace"
    (scripts / "tick.sh").write_text(f"echo begin >> {trace}\nsleep 2.3\necho end >> {trace}\n", encoding="utf-8")
    targets = {"scripts": {"executor": "script", "directory": str(scripts)}}
    estate = opened(config(tmp_path, targets=targets), tick=EVERY)
    estates.append(estate)
    see(estate, "vpc", "monitoring")
    until(lambda: len(actions(estate, "succeeded")) >= 2)
    skipped = actions(estate, "cancelled")
    assert skipped
    assert all("is under way" in each.reason for each in skipped)
    assert len(actions(estate, "planned", "running")) <= 2
    lines = trace.read_text(encoding="utf-8").split()
    assert lines[: len(lines) // 2 * 2] == ["begin", "end"] * (len(lines) // 2)


def test_what_was_due_while_nobody_was_there_is_not_made_up_for(estates: list[LiveEstate], tmp_path: Path) -> None:
    """A restart goes on with the next time; no time is acted upon twice, and those that were missed are not."""
    made = config(tmp_path)
    first = opened(made, tick=EVERY)
    see(first, "vpc", "monitoring")
    until(lambda: actions(first, "succeeded"))
    first.stop()
    stopped = time.time()
    until(lambda: time.time() > stopped + 2.5)
    second = opened(made)
    estates.append(second)
    began = time.time()
    until(lambda: [each for each in actions(second, "succeeded") if float(str(each.arguments[-1])) > began])
    times = [float(str(each.arguments[-1])) for each in actions(second, "succeeded")]
    assert len(times) == len(set(times))
    assert [each for each in times if stopped + 1 < each < began - 1] == []


def test_cycles_come_and_go_with_policies(estates: list[LiveEstate], tmp_path: Path) -> None:
    """A cycle that no policy reads is not fired; the condition may stand in ordinary rules, for any objects."""
    text = """\
policy every(mode = "enforce").
@id("note") execute[scripts:run(v, "x.sh", at)] :-
    lifecycle:event(object="*", event="LCS::CYCLE_1_SECONDS", at=at), lab:vnf(id=v).
"""
    estate = opened(config(tmp_path))
    estates.append(estate)
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "a", "state": "ok"}, {"id": "b", "state": "ok"}])
    version = estate.put_policy(ADMIN, "every", text, None)
    until(lambda: len(actions(estate, "succeeded")) >= 4)
    assert {each.object for each in actions(estate)} == {"a", "b"}
    estate.remove_policy(ADMIN, "every", version.etag)
    quiet(estate)
    count = len(actions(estate))
    last = time.time()
    until(lambda: time.time() > last + 1.2)
    assert len(actions(estate)) == count
    assert estate.snapshot().rows("lifecycle:event") == []


def test_a_cycle_of_an_action_without_room_for_the_time(estates: list[LiveEstate], tmp_path: Path) -> None:
    """An action of a fixed number of terms is commanded anew each time as well."""
    text = EVERY.replace("SCRIPT, properties: {script_filename: tick.sh}", "VNFM, properties: {operation: heal}")
    estate = opened(config(tmp_path), tick=text)
    estates.append(estate)
    see(estate, "vpc", "monitoring")
    until(lambda: len(actions(estate, "succeeded")) >= 2)
    assert {each.arguments for each in actions(estate)} == {("vpc",)}
