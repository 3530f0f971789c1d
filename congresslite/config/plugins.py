"""
Plugins: what is named in the configuration, and imported when it is.

A plugin is a module with `Settings`, a pydantic model of what it wants to know: unknown keys are errors, secrets are
`SecretStr`, and paths are relative to the file of the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from congresslite.diagnostics import Diagnostic, SourceError


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that somebody asks for, and how it is spoken of when it does not fit.

    `owner` is whoever asks ("source `nova`"), `kind` what it asks for ("the driver `rest`"), `place` where that stands;
    `misfit` and `missing` are the codes of settings that it does not take, and of libraries that it lacks.
    """

    module: str
    owner: str
    kind: str
    place: str
    hint: str
    misfit: str
    missing: str
    extras: str

    def load(self, settings: Mapping[str, Any], base: Path) -> tuple[ModuleType, BaseModel]:
        """The module, and its settings read. Raises SourceError."""
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            message = f"{self.owner}: {self.kind} needs `{error.name}`, which is not installed"
            hint = f"pip install 'congresslite[{self.extras}]'"
            raise SourceError(Diagnostic(self.missing, message, None, hint, place=self.place)) from None
        try:
            read: BaseModel = module.Settings.model_validate(settings)
        except ValidationError as error:
            raise SourceError([self._misfit(each) for each in error.errors(include_input=False)]) from None
        paths = {name: base / value for name, value in read if isinstance(value, Path)}
        return module, read.model_copy(update=paths)

    def _misfit(self, error: Mapping[str, Any]) -> Diagnostic:
        where = ".".join(map(str, error["loc"]))
        if error["type"] == "extra_forbidden":
            message = f"{self.owner}: {self.kind} knows no `{where}`"
        elif error["type"] == "missing":
            message = f"{self.owner}: {self.kind} needs `{where}`"
        else:
            told = str(error["msg"]).removeprefix("Value error, ")
            message = f"{self.owner}: `{where}` does not fit: {told[:1].lower()}{told[1:]}"
        return Diagnostic(self.misfit, message, None, self.hint, place=self.place)
