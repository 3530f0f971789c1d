"""
What a supervisor is told, and what it tells: both as JSON, and neither ever with a secret on a disk.

A task goes through a pipe, since its environment may hold secrets; a result is a file, with them masked.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULT = "result.json"
STARTED = "started"  # is there as soon as the program may have been started
WORK = "work"


@dataclass(frozen=True, slots=True)
class Task:
    """A program to run."""

    command: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)  # are masked in what it prints
    timeout: float
    max_output: int  # bytes that are kept of each of its two streams
    memory: int | None = None  # bytes of address space, of each process
    file_size: int | None = None
    processes: int = 256  # that it may have at once
    user: str | None = None  # who it runs as

    def to_json(self) -> bytes:
        """The task as it goes through the pipe."""
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_json(text: bytes) -> Task:
        """The task that came. Raises ValueError for one that was cut short."""
        told = json.loads(text)
        return Task(**{**told, "command": tuple(told["command"]), "secrets": tuple(told["secrets"])})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a program. `fault` says why it was not started (no `exit` and no `signal`), or was ended."""

    exit: int | None = None
    signal: int | None = None
    fault: str = ""
    seconds: float = 0.0
    survivors: int = 0  # processes that even SIGKILL did not end
    stdout: dict[str, Any] = field(default_factory=dict)
    stderr: dict[str, Any] = field(default_factory=dict)


def read_result(folder: Path) -> Result | None:
    """The result in a folder; None if there is none yet. Raises ValueError for one that is none of ours."""
    try:
        text = (folder / RESULT).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Result(**json.loads(text))
    except TypeError as error:
        raise ValueError("no result") from error


def write_result(folder: Path, result: Result) -> None:
    """Put a result into a folder, whole or not at all, so that it is there after a crash of the machine too."""
    write_durably(folder, RESULT, json.dumps(asdict(result)).encode())


def write_durably(folder: Path, name: str, text: bytes) -> None:
    """Put a file into a folder, whole or not at all. Raises OSError."""
    made = folder / f".{name}.new"
    with made.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    made.replace(folder / name)
    sync(folder)


def sync(folder: Path) -> None:
    """Make durable which files a folder has. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
