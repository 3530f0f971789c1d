"""
Reading the configuration: flags before the environment, that before the file, and that before the defaults.

Everything that is wrong with it is told at once, each finding at the place
where it was said, and no finding repeats a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from congresslite.config.errors import ConfigError
from congresslite.config.models import Config
from congresslite.config.origins import DEFAULT, Origin, Path, dotted, secret, without_password
from congresslite.config.written import Written
from congresslite.diagnostics import Diagnostic, Span
from congresslite.diagnostics.suggest import near_or_listed

FILE = "congresslite.yaml"
_SHOWN = 60  # characters of a wrong value
_SHAPES = {
    "model_type": "should be a mapping (`name: …`)",
    "dict_type": "should be a mapping (`name: …`)",
    "tuple_type": "should be a list (`[a, b]`)",
    "path_type": "should be a path",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and the origin of each value that was said; what was not said has its default.

    `folder` is where the file lies: what drivers are told of files is relative to it.
    """

    config: Config
    origins: Mapping[Path, Origin]
    folder: FilePath

    @property
    def hidden(self) -> frozenset[Path]:
        """Where values stand that came from elsewhere, and are shown to nobody."""
        return frozenset(path for path, origin in self.origins.items() if origin.hidden)

    def origin(self, path: Path) -> Origin:
        """Where a value was said, or what it is part of."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.origins:
                return self.origins[path[:end]]
        return DEFAULT


def load_config(
    path: FilePath | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Loaded:
    """Read the configuration of a file, or of `congresslite.yaml` if it is there. Raises ConfigError.

    `flags` are values by dotted path (`server.listen`); None says nothing.
    """
    env = os.environ if env is None else env
    written = Written(env)
    if path is None and FilePath(FILE).is_file():
        path = FilePath(FILE)
    if path is not None:
        written.read_file(path)
    written.read_env()
    written.read_flags(flags or {})
    config = None
    try:
        config = Config.model_validate(written.values)
    except ValidationError as error:
        written.findings += _findings(error, written)
    if config is not None:
        written.findings += _unsafe(config, written)
    if written.findings or config is None:
        raise ConfigError(written.told())
    folder = FilePath() if path is None else path.parent
    return Loaded(config, written.values_said(), folder)


def _findings(error: ValidationError, written: Written) -> Iterator[Diagnostic]:
    for each in error.errors(include_url=False, include_context=False):
        path = tuple(part for part in each["loc"] if part != "[key]")
        match each["type"]:
            case "extra_forbidden":
                known = [name for name in fields_at(path[:-1]) if name not in _at(written.values, path[:-1])]
                hint = near_or_listed(str(path[-1]), known, "it can have")
                yield _finding("CL490", f"{_owner(path)} has no key `{path[-1]}`", path, written, hint)
            case "missing":
                yield _finding("CL492", f"{_owner(path)} lacks `{path[-1]}`", path, written)
            case _:
                yield _finding("CL491", _unfit(each, path, written), path, written)


def _owner(path: Path) -> str:
    return f"`{dotted(path[:-1])}`" if path[:-1] else "the configuration"


def _unfit(error: ErrorDetails, path: Path, written: Written) -> str:
    """What is wrong with a value, in our words as far as we have them."""
    what = _SHAPES.get(error["type"]) or re.sub(r"^(Value error,|Input|String) ", "", error["msg"])
    if error["type"].endswith("_parsing"):
        what = what.partition(", ")[0]
    what = re.sub(r"'([^']+)'", r"`\1`", what)
    origin, value = written.origin(path), error["input"]
    if (origin is not None and origin.hidden) or secret(path) or not isinstance(value, str | int | float):
        return f"`{dotted(path)}` {what}"
    shown = without_password(str(value))
    return f"`{dotted(path)}` {what}, not `{shown[:_SHOWN]}{'…' if len(shown) > _SHOWN else ''}`"


def _finding(code: str, message: str, path: Path, written: Written, hint: str | None = None) -> Diagnostic:
    origin = written.origin(path)
    if origin is None:
        return Diagnostic(code, message, hint=hint)
    if origin.span is not None:
        return Diagnostic(code, message, _first_line(origin.span), hint)
    return Diagnostic(code, message, place=str(origin), hint=hint)


def _first_line(span: Span) -> Span:
    return Span(span.source, span.start, span.start + len(span.text.split("\n", 1)[0].rstrip()))


def fields_at(path: Path) -> tuple[str, ...]:
    """The keys that a place of the configuration can have."""
    model: Any = Config
    for part in path:
        if isinstance(part, str) and isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(part)
            model = None if field is None else _model_in(field.annotation)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ()
    return tuple(model.model_fields)


def _model_in(annotation: Any) -> Any:
    """The model that an annotation is about: `Tls | None`, `tuple[Token, ...]`, `dict[str, Source]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(each) for each in getattr(annotation, "__args__", ()))
    return next((each for each in found if each is not None), None)


def _at(values: Any, path: Path) -> Any:
    for part in path:
        values = values[part]
    return values


def _unsafe(config: Config, written: Written) -> Iterator[Diagnostic]:
    """What no server should be started with."""
    if not config.server.loopback and not config.auth_required:
        message = f"anybody who reaches `{config.server.listen}` could change everything without saying who they are"
        yield _finding("CL494", message, ("auth", "required"), written, "leave `auth.required` out")
    if config.auth_required and not config.auth.tokens and config.auth.oidc is None:
        message = "callers must say who they are, and there is no way to do so"
        hint = "add a token to `auth.tokens` (`congresslite config token` makes one), or `auth.oidc`"
        yield _finding("CL495", message, ("auth",), written, hint)
