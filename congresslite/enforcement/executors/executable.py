"""The executor `executable`: programs of one folder, which the kernel runs as they are."""

from __future__ import annotations

from pathlib import Path

from congresslite.enforcement.contained.programs import ProgramExecutor, ProgramSettings


class Settings(ProgramSettings):
    """What running executables wants to know."""


def open_executor(target: str, settings: Settings, state: Path) -> ProgramExecutor:
    """An executor that runs files that may be executed."""
    return ProgramExecutor("executable", settings, state, lambda file, opened: (opened,), executable=True)
