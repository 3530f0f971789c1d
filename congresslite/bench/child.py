"""
One command as a process of its own, and what it took of the machine.

The kernel keeps the account: processor time of all threads, and the most memory
that was resident at once. What a process says of itself would leave out its own
start, and allocations that the interpreter does not see. (Linux counts what the
parent had at the moment of the start, too: keep parents small.)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Where the package lies, for processes that are started in another folder.
_IMPORTED_FROM = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended: what it printed, how it ended, and what it took."""

    stdout: str
    stderr: str
    code: int
    wall_s: float
    cpu_s: float
    peak_bytes: int

    def json(self) -> Any:
        """The JSON document that it printed."""
        return json.loads(self.stdout)


def run(command: Sequence[str | Path], folder: Path | None = None) -> Ended:
    """Run a command to its end, in a folder (default: here), with this very package importable."""
    # Files, not pipes: waiting for the resource usage cannot read at the same time.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder, env=environment()
        )
        usage = _wait(process)
        wall = time.perf_counter() - started
        out.seek(0)
        err.seek(0)
        return Ended(
            stdout=out.read().decode(errors="replace"),
            stderr=err.read().decode(errors="replace"),
            code=process.returncode,
            wall_s=wall,
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_bytes=usage.ru_maxrss * 1024,
        )


def _wait(process: subprocess.Popen[bytes]) -> Any:
    """Wait for the end of a process and give what it used; whoever is interrupted leaves none behind."""
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def environment() -> dict[str, str]:
    """What users have: the package within reach, and compiled modules kept from one start to the next."""
    python = os.pathsep.join(filter(None, [str(_IMPORTED_FROM), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": python, "NO_COLOR": "1", "COLUMNS": "120"}


def congresslite(*arguments: str | Path, folder: Path | None = None) -> Ended:
    """Run a command line of congresslite, as a user would."""
    return run([sys.executable, "-m", "congresslite", *arguments], folder)


def module(name: str, *arguments: str | Path) -> Ended:
    """Run a module of this package as a process: `module("peers.duckdb_sql", …)`."""
    return run([sys.executable, "-m", f"congresslite.bench.{name}", *arguments])
