"""Whoever is killed, and whenever: what is told of a script afterwards is the truth."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from congresslite.enforcement.contained.runs import Runs
from congresslite.enforcement.contained.task import Task
from tests.enforcement.contained_programs import KILL, ROOT, Folder, caller, ended, gone, lives, number_in, soon
from tests.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder of scripts with one that waits for a gate and writes down that it ran."""
    path = tmp_path / "scripts"
    path.mkdir(mode=0o755)
    made = Folder(path, tmp_path / "state")
    made.write(
        "hook.sh",
        f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid\n"
        f"until [ -e {tmp_path}/gate ]; do sleep 0.05; done; echo ran >> {tmp_path}/runs; exit 3",
    )
    return made


def test_the_caller_is_killed(folder: Folder, tmp_path: Path) -> None:
    """`kill -9` of whoever started a script in the middle of it: it goes on, and a new process learns how it ended."""
    given = folder.order("hook.sh")
    done = subprocess.run(caller(folder, given, KILL), cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "underway\n"), done.stderr
    executor = folder.executor()
    assert executor.inspect(given, soon()).state == "underway"
    (tmp_path / "gate").touch()
    outcome = ended(executor, given, executor.inspect(given, soon()))
    assert (outcome.state, outcome.why) == ("failed", "exit code 3")
    assert executor.inspect(given, soon()) == outcome
    assert (tmp_path / "runs").read_text() == "ran\n"


def test_the_supervisor_is_killed(folder: Folder, tmp_path: Path) -> None:
    """`kill -9` of the supervisor: what became of the script is unknown, and the script ends too."""
    executor = folder.executor()
    given = folder.order("hook.sh")
    assert executor.perform(given, soon()).state == "underway"
    pid = number_in(tmp_path / "pid")
    os.kill(folder.supervisor(given), signal.SIGKILL)
    assert ended(executor, given, executor.follow(given, soon())).state == "unknown"
    assert executor.inspect(given, soon()).state == "unknown"
    gone(pid)
    # It is not started again, whoever asks for it.
    assert executor.perform(given, soon()).state == "unknown"
    assert not (tmp_path / "runs").exists()


def test_the_supervisor_is_told_to_end(folder: Folder, tmp_path: Path) -> None:
    """SIGTERM, as at the shutdown of a machine: the script is ended, and its order has failed for that reason."""
    executor = folder.executor()
    given = folder.order("hook.sh")
    began = executor.perform(given, soon())
    pid = number_in(tmp_path / "pid")
    os.kill(folder.supervisor(given), signal.SIGTERM)
    outcome = ended(executor, given, began)
    assert (outcome.state, outcome.why, outcome.retry) == ("failed", "was told to end from outside", False)
    assert not lives(pid)


def test_never_twice(folder: Folder, tmp_path: Path) -> None:
    """An attempt that was begun is not begun again, and the next attempt is one of its own."""
    executor = folder.executor()
    given = folder.order("hook.sh")
    assert executor.perform(given, soon()).state == "underway"
    assert executor.perform(given, soon()).state == "underway"
    (tmp_path / "gate").touch()
    assert ended(executor, given, executor.perform(given, soon())).state == "failed"
    assert executor.perform(given, soon()).why == "exit code 3"
    again = folder.order("hook.sh", key=given.key, attempt=2)
    assert executor.inspect(again, soon()).state == "absent"
    third = folder.order("hook.sh", key=given.key, attempt=3)
    assert ended(executor, third, executor.perform(third, soon())).why == "exit code 3"
    assert (tmp_path / "runs").read_text() == "ran\nran\n"


def test_absent_stays_absent(folder: Folder) -> None:
    """Once it was said that an order never came, whoever was late with it cannot begin it any more."""
    executor = folder.executor()
    given = folder.order("hook.sh")
    assert executor.inspect(given, soon()).state == "absent"
    late = folder.executor().perform(given, soon())
    assert (late.state, late.retry) == ("failed", True)
    assert executor.inspect(given, soon()).state == "absent"


def test_another_folder_tells_nothing(folder: Folder, tmp_path: Path) -> None:
    """What was begun, or was to be, with one folder for state is unknown to every other, and never absent there."""
    own, other = folder.executor(), Folder(folder.path, tmp_path / "other").executor()
    given = folder.order("hook.sh")
    assert other.inspect(given, soon()).state == "unknown"
    began = own.perform(given, soon())
    assert other.follow(replace(given, reference=began.reference), soon()).state == "unknown"
    (tmp_path / "gate").touch()
    assert ended(own, given, began).why == "exit code 3"
    told = other.inspect(given, soon())
    assert (told.state, told.reference) == ("unknown", given.reference)
    assert own.inspect(given, soon()).why == "exit code 3"
    # Nobody knows where one without a place was to be begun.
    assert own.inspect(replace(folder.order("hook.sh"), reference=""), soon()).state == "unknown"
    assert (tmp_path / "runs").read_text() == "ran\n"


def test_a_place_that_was_taken_and_left(folder: Folder) -> None:
    """Between the making of its folder and its start an order is under way while its maker lives, and absent after."""
    executor = folder.executor()
    given = folder.order("hook.sh")
    place = folder.state / given.key / "1"
    place.mkdir(parents=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert executor.inspect(given, soon()).state == "underway"
    assert executor.inspect(given, soon()).state == "absent"
    assert executor.follow(given, soon()).state == "absent"


def test_a_task_that_was_cut_short(folder: Folder, tmp_path: Path) -> None:
    """A supervisor whose caller died before it had said all starts nothing."""
    executor = folder.executor()
    given = folder.order("hook.sh")

    class Cut(Task):
        def to_json(self) -> bytes:
            return super().to_json()[:-2]

    executor._task = lambda command, environment: Cut(command, environment, (), 5, 100)  # type: ignore[method-assign]
    outcome = executor.perform(given, soon())
    assert (outcome.state, outcome.retry) == ("failed", True)
    assert "CL624" in outcome.why
    assert executor.inspect(given, soon()).state == "absent"
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"exit": 0, "more": 1}'])
def test_a_result_that_cannot_be_read(folder: Folder, tmp_path: Path, text: str) -> None:
    """A result that is none says nothing."""
    (tmp_path / "gate").touch()
    executor = folder.executor()
    given = folder.order("hook.sh")
    ended(executor, given, executor.perform(given, soon()))
    (folder.state / given.key / "1" / "result.json").write_text(text)
    assert executor.inspect(given, soon()).state == "unknown"


@pytest.mark.long
def test_random_moments(folder: Folder, tmp_path: Path) -> None:
    """Killed at any moment, the caller leaves an order of which the next one learns the truth: run once or never."""
    seed = random.randrange(1 << 30)
    draw = random.Random(seed)
    (tmp_path / "gate").touch()
    runs = tmp_path / "runs"
    seen = set()
    for _ in range(12):
        given = folder.order("hook.sh")
        before = runs.read_text().count("ran") if runs.exists() else 0
        process = subprocess.Popen(caller(folder, given, "time.sleep(100)"), cwd=ROOT, stdout=subprocess.DEVNULL)
        place = folder.state / given.key
        until(place.exists)
        time.sleep(draw.uniform(0, 0.06))
        process.kill()
        process.wait()
        executor = folder.executor()
        outcome = ended(executor, given, executor.inspect(given, soon()))
        seen.add(outcome.state)
        assert outcome.state in ("failed", "absent"), (
            seed,
            outcome,
            sorted(each.name for each in (place / "1").iterdir()),
        )
        expected = {"failed": 1, "absent": 0}[outcome.state]
        assert (runs.read_text().count("ran") if runs.exists() else 0) - before == expected, f"seed {seed}"
        assert executor.inspect(given, soon()).state == outcome.state
    assert seen <= {"failed", "absent"}


def test_sweeping(folder: Folder, tmp_path: Path) -> None:
    """Old folders go; what was swept is unknown and never absent, and what runs or is young stays."""
    (tmp_path / "gate").touch()
    executor = folder.executor()
    orders = [folder.order("hook.sh", started_at=1000.0 + number) for number in range(4)]
    for given in orders:
        ended(executor, given, executor.perform(given, soon()))
    for number, given in enumerate(orders[:3]):
        for path in (folder.state / given.key / "1", folder.state / given.key):
            os.utime(path, (2000.0 + number, 2000.0 + number))
    (tmp_path / "gate").unlink()
    running = folder.order("hook.sh")
    executor.perform(running, soon())
    os.utime(folder.state / running.key, (0, 0))
    Runs(folder.state).sweep()
    assert [executor.inspect(each, soon()).state for each in orders] == ["unknown"] * 3 + ["failed"]
    assert executor.inspect(running, soon()).state == "underway"
    assert executor.inspect(folder.order("hook.sh", started_at=time.time()), soon()).state == "absent"
    (tmp_path / "gate").touch()
    ended(executor, running, executor.follow(running, soon()))


def test_too_many_are_swept(folder: Folder, tmp_path: Path) -> None:
    """Of more folders than are kept the oldest go, but none of the last hour."""
    (tmp_path / "gate").touch()
    executor = folder.executor()
    orders = [folder.order("hook.sh") for _ in range(4)]
    now = time.time()
    for age, given in zip((7200, 5400, 60, 0), orders, strict=True):
        ended(executor, given, executor.perform(given, soon()))
        for path in (folder.state / given.key / "1", folder.state / given.key):
            os.utime(path, (now - age, now - age))
    Runs(folder.state, keep=1).sweep()
    assert [(folder.state / each.key).exists() for each in orders] == [False, False, True, True]
