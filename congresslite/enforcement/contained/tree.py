"""
A process and all that descends from it: counted, and ended whatever it does.

Orphans come to us, the subreaper, so that no descendant is lost by leaving its group, its session or its parent.
Whoever is to be ended is stopped first: what stands still cannot fork away from whoever looks for it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.005
# Whether the kernel lists the children of a process (CONFIG_PROC_CHILDREN), as those of distributions do.
_LISTED = Path(f"/proc/self/task/{os.getpid()}/children").exists()

_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends. Raises OSError."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, even by `kill -9`. Raises OSError."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class Tree:
    """The descendants of this process, which starts one program and nothing else."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self.status: int | None = None  # of the leader, as waitpid gives it, once it has ended

    def reap(self) -> bool:
        """Take note of whoever has ended; whether anybody is left, exactly: whose parent ended is a child of ours."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._leader:
                    self.status = status
        except ChildProcessError:
            return False

    def more_than(self, most: int) -> bool:
        """Whether there are more than so many descendants."""
        return any(number > most for number, _ in enumerate(_descendants(os.getpid()), start=1))

    def ask_to_end(self) -> None:
        """Tell the program's group to end by itself."""
        if self.status is None:  # nobody has waited for the leader yet, so its group's number is still its own
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._leader, signal.SIGTERM)

    def kill(self, seconds: float) -> int:
        """End all of them, within a time; how many live on, since the kernel or their rights keep them."""
        end = time.monotonic() + seconds
        stopped: set[int] = set()
        while self.reap():
            found: set[int] = set()
            moving = False
            for pid in _descendants(os.getpid()):
                found.add(pid)
                if pid not in stopped:
                    # At once: who forks and ends, again and again, is somebody else a moment later.
                    moving = True
                    _signal(pid, signal.SIGSTOP)
            stopped |= found
            if moving and time.monotonic() < end:
                continue  # a round finds whoever was forked before its parent stood still
            for pid in found:
                _signal(pid, signal.SIGKILL)
            if time.monotonic() > end:
                return len(found)
            time.sleep(_PAUSE)
        return 0


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _descendants(root: int) -> Iterator[int]:
    """Those of a process, those nearest to it first. One may be missed that comes or goes meanwhile."""
    waiting = [root]
    while waiting:
        found = _children(waiting.pop(0))
        yield from found
        waiting += found


def _children(parent: int) -> list[int]:
    if not _LISTED:
        return _children_of_all(parent)
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208 - names alone, and quickly
            with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as listed:  # noqa: PTH123 - quickly
                found += map(int, listed.read().split())
    return found


def _children_of_all(parent: int) -> list[int]:
    """The same for a kernel without such lists: slower, and whoever is quick escapes more often."""
    found: list[int] = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names alone
        if name.isdigit():
            with suppress(OSError):
                # The name of a program may hold anything, brackets too; what counts stands behind the last one.
                told = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(told[1]) == parent:
                    found.append(int(name))
    return found
