"""The executor `script`: Python and shell scripts of one folder, each run by the interpreter of its suffix."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from pydantic import Field, field_validator

from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import listing
from congresslite.enforcement.contained.programs import ProgramExecutor, ProgramSettings
from congresslite.enforcement.executor import OrderError


class Settings(ProgramSettings):
    """What running scripts wants to know."""

    interpreters: Mapping[str, tuple[str, ...]] = Field(
        default={".py": (sys.executable, "-I"), ".sh": ("/bin/sh",)},
        description="What runs a script, by the suffix of its name: a program by its whole path, and its first words.",
    )

    @field_validator("interpreters")
    @classmethod
    def _whole_paths(cls, value: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        for suffix, words in value.items():
            if not suffix.startswith(".") or not words or not words[0].startswith("/"):
                raise ValueError(f"`{suffix}` should be as `.sh: [/bin/sh]`")
        return value


def open_executor(target: str, settings: Settings, state: Path) -> ProgramExecutor:
    """An executor that runs scripts by their interpreters; they need not be executable."""

    def command(file: str, opened: str) -> Sequence[str]:
        suffix = PurePosixPath(file).suffix
        if suffix not in settings.interpreters:
            message = f"`{file}` has no suffix with an interpreter"
            hint = f"there are ones for {listing(sorted(settings.interpreters))}; see `interpreters`"
            raise OrderError(Diagnostic("CL621", message, hint=hint))
        return (*settings.interpreters[suffix], opened)

    return ProgramExecutor("script", settings, state, command)
