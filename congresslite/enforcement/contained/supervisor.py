"""
The supervisor: runs one program within its bounds, ends all that it started, and writes down what became of it.

It is a process of its own, which no end of whoever started it ends. As long as it lives it holds the lock of its
folder. The order of what it does is what makes its folder tell the truth: it marks the folder as started, starts
the program, and writes the result when nothing of the program is left.
"""

from __future__ import annotations

import argparse
import os
import pwd
import resource
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from congresslite.enforcement.contained.output import Output
from congresslite.enforcement.contained.task import STARTED, WORK, Result, Task, write_durably, write_result
from congresslite.enforcement.contained.tree import Tree, adopt_orphans, end_with_parent

_TICK = 0.25  # seconds from one look at the processes to the next
_GRACE = 2.0  # seconds from the question to end until the end
_KILLING = 10.0
_CHUNK = 64 * 1024
_MOST_CHUNKS = 64  # that are read of what the dead left in a pipe
# A program's own bound stands on how many it may have; the kernel's counts all of its user's, so that it is wider.
_SPARE = 8

_stopping = False


def main(arguments: Sequence[str]) -> int:
    """Read the task from standard input, go into the background, run it; 0 as soon as it is under way."""
    parser = argparse.ArgumentParser(prog="congresslite-supervisor")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--program", type=int, required=True, help="the descriptor of the program's file")
    parser.add_argument("--lock", type=int, required=True, help="the descriptor of the folder's lock")
    given = parser.parse_args(arguments)
    with open(0, "rb", closefd=False) as pipe:
        try:
            task = Task.from_json(pipe.read())
        except ValueError:
            return 1  # whoever told it ended before the end of it; nothing was started, and nothing will be
    os.set_inheritable(given.lock, False)
    adopted = os.fork()
    if adopted:
        os._exit(0)  # whoever waits for us knows that the task has come; its child goes on
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    adopt_orphans()
    write_durably(given.folder, STARTED, b"")
    write_result(given.folder, supervise(task, given.folder / WORK, given.program))
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    global _stopping  # noqa: PLW0603 - a signal has no other place to leave its message
    _stopping = True


def supervise(task: Task, work: Path, program: int) -> Result:
    """Run a program to its end, or to the end of its time."""
    began = time.monotonic()
    try:
        process = _started(task, work, program)
    except (OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
        shutil.rmtree(work, ignore_errors=True)
        return Result(fault=f"cannot be started: {_reason(error)}")
    os.close(program)
    assert process.stdout is not None and process.stderr is not None
    streams = {pipe.fileno(): Output(task.max_output, task.secrets) for pipe in (process.stdout, process.stderr)}
    tree = Tree(process.pid)
    try:
        fault = _watched(task, tree, process.pid, streams, began + task.timeout)
    finally:
        survivors = tree.kill(_KILLING)
    for pipe, output in streams.items():
        _drain(pipe, output, _MOST_CHUNKS)
    shutil.rmtree(work, ignore_errors=True)
    code = None if tree.status is None else os.waitstatus_to_exitcode(tree.status)
    seconds = round(time.monotonic() - began, 3)
    ended = {} if code is None else {"exit": code} if code >= 0 else {"signal": -code}
    stdout, stderr = (each.told() for each in streams.values())
    return Result(**ended, fault=fault, seconds=seconds, survivors=survivors, stdout=stdout, stderr=stderr)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return "its user is not known"
    # What fails in the child before the program is there has no name of its own.
    return (error.strerror or "" if isinstance(error, OSError) else "its limits cannot be set").lower()


def _started(task: Task, work: Path, program: int) -> subprocess.Popen[bytes]:
    """The program, just started, in a session of its own. Raises OSError, KeyError and subprocess.SubprocessError."""
    work.mkdir(mode=0o700)
    user = None if task.user is None else pwd.getpwnam(task.user)
    if user is not None:
        os.chown(work, user.pw_uid, user.pw_gid)
    return subprocess.Popen(  # noqa: S603 - a permitted file, its arguments as they are, no shell
        task.command,
        env=task.environment,
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(program,),
        umask=0o077,
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
        preexec_fn=lambda: _limit(task),  # noqa: PLW1509 - there is one thread here
    )


def _limit(task: Task) -> None:
    """Bound this process, and all that descend from it."""
    end_with_parent()
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_AS, task.memory)
    _bound(resource.RLIMIT_FSIZE, task.file_size)
    _bound(resource.RLIMIT_NPROC, _tasks_of(os.getuid()) + _SPARE * task.processes)


def _bound(kind: int, most: int | None) -> None:
    if most is not None:
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def _tasks_of(user: int) -> int:
    """How many tasks a user has: the kernel counts threads."""
    found = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if entry.stat().st_uid == user:
                    found += len(os.listdir(f"/proc/{entry.name}/task"))  # noqa: PTH208 - names alone
    return found


def _watched(task: Task, tree: Tree, leader: int, streams: dict[int, Output], end: float) -> str:
    """Read what a program prints until it has ended, or has to be; why it has to be."""
    with selectors.DefaultSelector() as selector:
        selector.register(os.pidfd_open(leader), selectors.EVENT_READ)
        for pipe in streams:
            os.set_blocking(pipe, False)
            selector.register(pipe, selectors.EVENT_READ)
        return _Watch(task, tree, streams, selector).over(end)


class _Watch:
    """Reads what a program prints, until it has ended or has to be ended."""

    def __init__(self, task: Task, tree: Tree, streams: dict[int, Output], selector: selectors.BaseSelector) -> None:
        self._task = task
        self._tree = tree
        self._streams = streams
        self._selector = selector

    def over(self, end: float) -> str:
        """Watch a program to its end; why it has to be ended, if it does not end by itself."""
        fault = self._wait(end, judged=True)
        if fault:
            self._tree.ask_to_end()
            self._wait(time.monotonic() + _GRACE, judged=False)
        return fault

    def _wait(self, end: float, *, judged: bool) -> str:
        look = 0.0
        while (now := time.monotonic()) < end:
            for key, _ in self._selector.select(min(_TICK, end - now)):
                if key.fd in self._streams and not _drain(key.fd, self._streams[key.fd]):
                    self._selector.unregister(key.fd)
            self._tree.reap()
            if self._tree.status is not None:
                return ""
            if judged and now >= look:
                look = now + _TICK
                if fault := self._excess():
                    return fault
        return f"did not end within {self._task.timeout:g} s"

    def _excess(self) -> str:
        if _stopping:
            return "was told to end from outside"
        if self._tree.more_than(self._task.processes):
            return f"had more than {self._task.processes} processes"
        return ""


def _drain(pipe: int, output: Output, chunks: int = 1) -> bool:
    """Take what lies in a pipe, at most so many chunks of it; whether more may come."""
    with suppress(BlockingIOError):
        for _ in range(chunks):
            more = os.read(pipe, _CHUNK)
            if not more:
                return False
            output.take(more)
    return True
