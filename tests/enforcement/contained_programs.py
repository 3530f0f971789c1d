"""Scripts for tests, orders to run them, and what tests ask of what runs."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from congresslite.enforcement.contained.programs import ProgramExecutor
from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.executors.script import Settings, open_executor
from congresslite.sources.driver import Deadline
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def soon() -> Deadline:
    """A deadline that nothing here should reach."""
    return Deadline.after(60)


def order(file: str, *words: Any, key: str | None = None, attempt: int = 1, **more: Any) -> Order:
    """An order to run a file."""
    arguments = {"object": "vm1", "file": file, **{str(number): word for number, word in enumerate(words, start=1)}}
    return Order(key or secrets.token_hex(16), "run", arguments, attempt, **more)


@dataclass
class Folder:
    """A folder of scripts with an executor."""

    path: Path
    state: Path
    opened: Callable[..., ProgramExecutor] = field(default=open_executor)
    settings: type[Any] = Settings

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A script in the folder."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def executor(self, **settings: Any) -> ProgramExecutor:
        """An executor with these settings."""
        made = self.settings.model_validate({"directory": self.path, "timeout": 30, **settings})
        return self.opened("hooks", made, self.state)

    def run(self, file: str, *words: Any, **settings: Any) -> Outcome:
        """What becomes of a script, waited for."""
        executor = self.executor(**settings)
        given = order(file, *words)
        return ended(executor, given, executor.perform(given, soon()))

    def order(self, file: str, *words: Any, **more: Any) -> Order:
        """An order to run a file, journaled as one of this folder's executors."""
        return order(file, *words, reference=self.executor().place, **more)

    def supervisor(self, given: Order) -> int:
        """The process that watches a script."""
        marked = f"{given.key}/{given.attempt}".encode()
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = each.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"congresslite.enforcement.contained" in words and any(word.endswith(marked) for word in words):
                return int(each.parent.name)
        raise AssertionError("nobody watches it")


def ended(executor: ProgramExecutor, given: Order, outcome: Outcome, seconds: float = 60) -> Outcome:
    """What becomes of an order that may be under way."""
    if outcome.state != "underway":
        return outcome

    def look() -> Outcome | None:
        found = executor.follow(given, soon())
        return found if found.state != "underway" else None

    return until(look, seconds)


def lives(pid: int) -> bool:
    """Whether a process runs still; one that nobody has waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def number_in(path: Path) -> int:
    """A number that a script wrote to a file."""
    return int(until(lambda: path.exists() and path.read_text().strip()))


def gone(pid: int) -> None:
    """Wait until a process has ended."""
    until(lambda: not lives(pid))


def caller(folder: Folder, given: Order, then: str) -> list[str]:
    """The command of another process, which starts a script and then does something."""
    program = f"""
import os, signal, sys, time
from pathlib import Path
from congresslite.enforcement.executors.script import Settings, open_executor
from congresslite.enforcement.executor import Order
from congresslite.sources.driver import Deadline
executor = open_executor("hooks", Settings(directory={str(folder.path)!r}), Path({str(folder.state)!r}))
outcome = executor.perform(Order({given.key!r}, "run", {dict(given.arguments)!r}), Deadline.after(60))
print(outcome.state, flush=True)
{then}
"""
    return [sys.executable, "-c", program]


KILL = f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
