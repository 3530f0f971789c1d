"""Scripts that never end, fork, flee, or flood are contained: nothing of them is left, and memory stays bounded."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from pathlib import Path

import pytest

from congresslite.enforcement.contained import tree
from congresslite.enforcement.contained.output import Output, masked
from tests.enforcement.contained_programs import Folder, ended, gone, lives, number_in, order, soon


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder of scripts."""
    path = tmp_path / "scripts"
    path.mkdir(mode=0o755)
    return Folder(path, tmp_path / "state")


FLEES = """
import os, signal, sys, time
for number in range({depth}):
    if os.fork():
        if number == 0 and {leaves}:
            while not os.path.exists({path!r}): time.sleep(0.01)
            print("left"); sys.stdout.flush(); os._exit(0)
        if number == 0: time.sleep(1000)
        os._exit(0)
    os.setsid()
for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(each, signal.SIG_IGN)
with open({path!r} + ".new", "w") as file: file.write(str(os.getpid()))
os.rename({path!r} + ".new", {path!r})
time.sleep(1000)
"""


@pytest.mark.parametrize("leaves", [True, False], ids=["the script ends", "its time is over"])
def test_daemons(folder: Folder, tmp_path: Path, leaves: bool) -> None:
    """A daemon that left group, session and parent, twice, ends with the script that made it."""
    path = tmp_path / "pid"
    folder.write("hook.py", FLEES.format(depth=3, leaves=leaves, path=str(path)))
    outcome = folder.run("hook.py", timeout=30 if leaves else 3)
    assert outcome.state == ("succeeded" if leaves else "failed")
    assert not lives(number_in(path))


def test_a_crowd(folder: Folder, tmp_path: Path) -> None:
    """Whoever has too many processes, in sessions of their own, is ended with all of them."""
    folder.write(
        "hook.py",
        "import os, time\n"
        f"pids = os.open({str(tmp_path / 'pids')!r}, os.O_CREAT | os.O_WRONLY | os.O_APPEND)\n"
        "for _ in range(60):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid(); os.write(pids, b'%d\\n' % os.getpid()); time.sleep(1000)\n"
        "time.sleep(1000)\n",
    )
    outcome = folder.run("hook.py", processes=40)
    assert (outcome.state, outcome.why) == ("failed", "had more than 40 processes")
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 60
    assert not any(map(lives, pids))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run it as somebody else, whom the kernel bounds")
def test_a_fork_bomb(folder: Folder) -> None:
    """A fork bomb is bounded by the kernel, found to be too many, and ended to the last of its processes."""
    mark = secrets.token_hex(8)
    folder.write("bomb.sh", 'bomb() { bomb "$1" | bomb "$1" & }; bomb "$1"; wait; sleep 1000')
    outcome = folder.run("bomb.sh", mark, user="nobody", processes=10, timeout=10)
    assert outcome.state == "failed"
    assert "survivors" not in outcome.output
    # Where the kernel refuses every further one, there are never too many, and those that there are try until the end.
    assert outcome.why.startswith(("had more than 10 processes", "exit code 2", "did not end within 10 s"))
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _text(path)]
    assert left == []


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_those_who_fork_for_ever(folder: Folder, tmp_path: Path) -> None:
    """A process that flees from itself by forking without end, as a chain, is caught."""
    trace = tmp_path / "trace"
    folder.write(
        "hook.py",
        "import os, time\n"
        "while True:\n"
        f"    if os.fork():\n"
        f"        while not os.path.exists({str(trace)!r}): time.sleep(0.01)\n"
        f"        os._exit(0)\n"
        "    os.setsid()\n"
        f"    with open({str(trace)!r}, 'a') as file: file.write('.')\n",
    )
    # Its first process ends at once; the chain runs on until all is swept.
    outcome = folder.run("hook.py")
    assert outcome.state == "succeeded"
    assert "survivors" not in outcome.output
    size = trace.stat().st_size
    time.sleep(0.1)  # not to wait for something, but to see that nothing more happens
    assert trace.stat().st_size == size


def test_a_flood(folder: Folder) -> None:
    """100 MB of output are read with bounded memory; its beginning and end are kept, and the rest is counted."""
    folder.write(
        "hook.sh",
        "echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last; read line < /dev/fd/0; sleep 1",
    )
    executor = folder.executor(max_output=10_000)
    given = order("hook.sh")
    began = executor.perform(given, soon())
    status = Path(f"/proc/{folder.supervisor(given)}/status")
    most = 0
    while executor.follow(given, soon()).state == "underway":
        try:
            peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        except OSError:
            break
        most = max(most, *(int(line.split()[1]) for line in peak), 0)
    outcome = ended(executor, given, began)
    told = outcome.output["stdout"]
    assert outcome.state == "succeeded", outcome
    assert (told["head"][:6], told["tail"][-6:]) == ("first\n", "\nlast\n")
    assert told["left_out"] == 100_000_012 - 10_000
    assert len(told["head"]) + len(told["tail"]) == 10_000
    assert 0 < most < 60_000  # KB


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("x = bytearray(1 << 30)", {"memory": "256MiB"}),
        ("open('big', 'wb').write(bytes(1 << 20) * 4)", {"file_size": "1MiB"}),
    ],
    ids=["memory", "a file"],
)
def test_limits(folder: Folder, text: str, settings: dict[str, str]) -> None:
    """A script that takes more memory or writes a bigger file than it may fails."""
    folder.write("hook.py", text)
    assert folder.run("hook.py").state == "succeeded"
    assert folder.run("hook.py", **settings).state == "failed"


def test_its_folder_is_removed(folder: Folder) -> None:
    """What a script leaves in its folder goes with it."""
    folder.write("hook.sh", "head -c 1000 /dev/zero > left; mkdir -p a/b; pwd")
    outcome = folder.run("hook.sh")
    work = Path(outcome.output["stdout"]["head"].strip())
    assert work.is_relative_to(folder.state)
    assert not work.exists()


def test_output_that_nobody_closes(folder: Folder, tmp_path: Path) -> None:
    """A child that keeps the output open holds up nobody."""
    folder.write(
        "hook.sh",
        f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 1000' & until [ -s {tmp_path}/pid ]; do :; done; echo x",
    )
    outcome = folder.run("hook.sh")
    assert outcome.output["stdout"]["head"] == "x\n"
    gone(number_in(tmp_path / "pid"))


@pytest.mark.long
def test_fifty_at_once(folder: Folder) -> None:
    """Fifty scripts run at the same time, each with its own result."""
    folder.write("hook.sh", 'echo "$1"; until [ -e "$2" ]; do sleep 0.1; done; exit "$3"')
    executor = folder.executor(timeout=120)
    gate = folder.path.parent / "gate"
    orders = [order("hook.sh", number, str(gate), number % 2) for number in range(50)]
    assert {executor.perform(each, soon()).state for each in orders} == {"underway"}
    assert {executor.inspect(each, soon()).state for each in orders} == {"underway"}
    gate.touch()
    for number, given in enumerate(orders):
        outcome = ended(executor, given, executor.follow(given, soon()), 120)
        assert outcome.output["stdout"]["head"] == f"{number}\n"
        assert outcome.state == ("failed" if number % 2 else "succeeded")


@pytest.mark.parametrize("size", [1, 3, 64, 1000])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_no_part_of_a_secret_is_kept(size: int, step: int) -> None:
    """Wherever the cuts fall, in reading and in keeping, no part of a secret of some length stays."""
    secret = "SECRET-0123456789"  # noqa: S105
    for before in range(0, 60, 3):
        text = ("." * before + secret) * 30
        output = Output(size, [secret, "SECRET"])
        raw = text.encode()
        for start in range(0, len(raw), step):
            output.take(raw[start : start + step])
        told = output.told()
        kept = told["head"] + "|" + told["tail"]
        assert not set(kept) & set("SECRT-0123456789"), kept
        assert len(told["head"].encode()) <= 4 * size


def test_masked() -> None:
    """A text is masked as output is."""
    assert masked("a pass-word b\npass-word", ["pass-word", "x"]) == "a … b\n…"
    assert masked("", ["pass-word"]) == ""


def test_children_of_a_kernel_without_lists() -> None:
    """Where the kernel does not list children, they are found among all processes."""
    with subprocess.Popen(["sleep", "100"]) as child:  # noqa: S607
        assert tree._children_of_all(os.getpid()) == tree._children(os.getpid()) == [child.pid]
        child.kill()
