"""
Processes: who a process is, so that another one can tell later whether it is gone.

The rule to keep: gone is only what this very system says is gone. A process of
another host, of this host before it was started anew, or of another container
(whose process numbers are others) may live, whatever its number looks like here.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# Of the fields of /proc/PID/stat after the name, which may hold anything: the state, and the start in ticks.
_STATE, _STARTED = 0, 19


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its host, this run of that host's kernel, the space of its number, the number, and its start."""

    host: str
    boot: str
    space: str
    pid: int
    started: int

    @staticmethod
    def current() -> Process:
        """The process that asks."""
        pid = os.getpid()
        fields = _stat(pid)
        return Process(socket.gethostname(), _boot(), _space(), pid, int(fields[_STARTED]) if fields else 0)

    def gone(self) -> bool:
        """Whether it is known to have ended; False also where that cannot be told from here."""
        if not self.boot or not self.space or (self.boot, self.space) != (_boot(), _space()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # somebody else's now; whether its start is another can be told all the same
            pass
        fields = _stat(self.pid)
        if fields is None:
            return False
        # A process that nobody has waited for yet is one without threads; its number is not given to another.
        ended = fields[_STATE] in "ZX" and len(_threads(self.pid)) <= 1
        return ended or int(fields[_STARTED]) != self.started


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _threads(pid: int) -> list[Path]:
    try:
        return list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _space() -> str:
    """The namespace in which process numbers count: that of a container, or of the host."""
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
