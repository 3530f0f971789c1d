"""
Running programs of a folder, contained: what scripts and executables have in common.

`perform` starts a program and does not wait for it; the supervisor that it runs under writes down what becomes of it,
also if this process ends, and `follow` and `inspect` read that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from congresslite.actions import ActionKind, kinds_of
from congresslite.config.units import Seconds, Size
from congresslite.diagnostics import SourceError
from congresslite.enforcement.contained.opening import opened, usable
from congresslite.enforcement.contained.runs import Runs, Standing
from congresslite.enforcement.contained.task import Result, Task
from congresslite.enforcement.executor import Order, OrderError, Outcome
from congresslite.enforcement.terms import as_text, further, refused
from congresslite.sources.driver import Deadline

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
_TEMPFAIL = 75  # EX_TEMPFAIL of sysexits.h: trying again may help
_STARTING = 30.0  # seconds
_NAME = re.compile(r"(?!CONGRESSLITE_)[A-Za-z_][A-Za-z0-9_]*")


class ProgramSettings(BaseModel):
    """What running programs wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: Path = Field(description="The folder of the programs; nothing else is run.")
    timeout: Seconds = Field(default=600, gt=0, description="The longest that a program may run; it is ended then.")
    max_output: Size = Field(
        default=65536, gt=0, le=1 << 24, description="The most that is kept of each of its two outputs."
    )
    environment: Mapping[str, SecretStr] = Field(
        default={}, description="Variables of the program's environment; their values are masked in what it prints."
    )
    memory: Size | None = Field(default=4 << 30, gt=0, description="The most address space of a process; null: any.")
    file_size: Size | None = Field(default=1 << 30, gt=0, description="The biggest file that it may write; null: any.")
    processes: int = Field(default=256, gt=0, description="The most processes that it may have at once.")
    user: str | None = Field(default=None, description="Who it runs as, if the engine runs as root.")
    repeatable: bool = Field(
        default=False,
        description="Whether running any of them twice is as running it once, so that it may be repeated.",
    )

    @field_validator("environment")
    @classmethod
    def _names(cls, value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, secret in value.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"`{name}` is no name of a variable, or one of ours")
            if "\0" in secret.get_secret_value():
                raise ValueError(f"the value of `{name}` holds a zero character")
        return value


# The words that run a file: its name, and the path of it as it is open. Raises OrderError (CL621).
Command = Callable[[str, str], Sequence[str]]


class ProgramExecutor:
    """Runs programs of one folder. With `executable`, its files have to be that."""

    def __init__(
        self, executor: str, settings: ProgramSettings, state: Path, command: Command, *, executable: bool = False
    ) -> None:
        self._settings = settings
        self._runs = Runs(state)
        self._command = command
        self._executable = executable
        self.kinds: Mapping[str, ActionKind] = {
            name: replace(kind, repeatable=settings.repeatable) for name, kind in kinds_of(executor).items()
        }

    @property
    def place(self) -> str:
        """What names the folder of our runs."""
        return self._runs.id

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Start a program."""
        try:
            file = as_text("file", order.arguments["file"])
            words = [as_text(name, value) for name, value in further(order)]
            environment = self._environment(order)
            with opened(self._settings.directory, file, executable=self._executable) as program:
                command = (*self._command(file, f"/proc/self/fd/{program}"), *words)
                self._runs.begin(
                    order.key, order.attempt, self._task(command, environment), program, deadline.left(_STARTING)
                )
        except (OrderError, SourceError) as error:
            return refused(error)
        outcome = self._told(order, self._runs.standing(order.key, order.attempt))
        return replace(outcome, state="failed", retry=True) if outcome.state == "absent" else outcome

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """What the supervisor wrote, if it has ended; a caller that was killed may have left it without its task."""
        return self.inspect(order, deadline)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """What the supervisor wrote, or that the program was never started and will not be.

        Never started is only what was to be started from here: what another engine started is in its own folder.
        """
        if self.place and order.reference.startswith(self.place):
            return self._told(order, self._runs.settled(order.key, order.attempt, order.started_at))
        standing = self._runs.standing(order.key, order.attempt)
        if standing == "absent":
            return Outcome("unknown", "it was begun with another folder `state`, which alone tells", order.reference)
        return self._told(order, standing)

    def reachable(self, deadline: Deadline) -> str | None:
        """Whether the folder is there and nobody else can change it."""
        return usable(self._settings.directory)

    def close(self) -> None:
        """Programs that run go on."""

    def _environment(self, order: Order) -> dict[str, str]:
        """What a program finds in its environment: nothing of ours but what is said here."""
        settings = self._settings
        what = {
            "KEY": order.key,
            "ACTION": order.action,
            "ATTEMPT": str(order.attempt),
            "OBJECT": as_text("object", order.arguments["object"]),
            "DIRECTORY": str(settings.directory.resolve()),
            "FILE": as_text("file", order.arguments["file"]),
        }
        given = {name: value.get_secret_value() for name, value in settings.environment.items()}
        return {**_ENVIRONMENT, **given, **{f"CONGRESSLITE_{name}": value for name, value in what.items()}}

    def _task(self, command: tuple[str, ...], environment: dict[str, str]) -> Task:
        settings = self._settings
        return Task(
            command=command,
            environment=environment,
            secrets=tuple(value.get_secret_value() for value in settings.environment.values()),
            timeout=settings.timeout,
            max_output=settings.max_output,
            memory=settings.memory,
            file_size=settings.file_size,
            processes=settings.processes,
            user=settings.user,
        )

    def _told(self, order: Order, standing: Result | Standing) -> Outcome:
        """What is known of a run, as an outcome."""
        reference = f"{self.place}/{order.key}/{order.attempt}"
        match standing:
            case "underway":
                return Outcome("underway", "it runs", reference)
            case "absent":
                log = self._runs.said(order.key, order.attempt)
                why = f"; its supervisor ended before, see `{log}`" if log else ""
                return Outcome("absent", f"it was never started{why}")
            case "unknown":
                return Outcome(
                    "unknown", "what watched it was ended before it could write down what became of it", reference
                )
            case Result():
                return _ended(standing, reference)


def _ended(result: Result, reference: str) -> Outcome:
    output: dict[str, Any] = {"exit": result.exit, "seconds": result.seconds}
    output |= {name: told for name, told in (("stdout", result.stdout), ("stderr", result.stderr)) if told}
    if result.survivors:
        output["survivors"] = result.survivors
    why = result.fault or _exit(result)
    if result.survivors:
        why = f"{why or 'it ended'}; {result.survivors} of its processes cannot be ended"
    if result.exit == 0 and not result.fault and not result.survivors:
        return Outcome("succeeded", why, reference, output)
    return Outcome("failed", why, reference, output, retry=result.exit == _TEMPFAIL and not result.fault)


def _exit(result: Result) -> str:
    if result.signal is not None:
        return f"it was ended by signal {result.signal}"
    if not result.exit:
        return ""
    said = str(result.stderr.get("tail") or result.stderr.get("head") or "").strip().splitlines() or [""]
    last = "".join(each if each.isprintable() else " " for each in said[-1])[:200]
    return f"exit code {result.exit}" + (f": {last}" if last else "")
