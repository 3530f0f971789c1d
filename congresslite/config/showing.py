"""
The configuration as it is in force: every key with its value and where it was said, secrets masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, SecretStr

from congresslite.config.enforcement import TargetSettings
from congresslite.config.loading import Loaded
from congresslite.config.models import SourceSettings
from congresslite.config.origins import MASK, Origin, Path, dotted, secret, without_password


@dataclass(frozen=True, slots=True)
class Shown:
    """One key: its value as JSON has it, and where it was said."""

    key: str
    value: Any
    origin: Origin


def shown(loaded: Loaded) -> Iterator[Shown]:
    """Every key of a configuration, in the order of its models."""
    for path, value in _leaves(loaded.config, ()):
        origin = loaded.origin(path)
        masked = value is not None and (origin.hidden or secret(path))
        yield Shown(dotted(path), MASK if masked else _told(value), origin)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The values that have no parts, each with its path. An empty list or mapping is such a value."""
    match value:
        case SourceSettings() | TargetSettings():
            for name in type(value).model_fields:
                # What a driver or an executor alone knows is written beside what every source or target has.
                inner = path if name == "settings" else (*path, name)
                if name != "settings" or value.settings:
                    yield from _leaves(getattr(value, name), inner)
        case BaseModel():
            for name in type(value).model_fields:
                yield from _leaves(getattr(value, name), (*path, name))
        case Mapping() if value:
            for name, each in value.items():
                yield from _leaves(each, (*path, str(name)))
        case tuple() | list() if value:
            for place, each in enumerate(value):
                yield from _leaves(each, (*path, place))
        case _:
            yield path, value


def _told(value: Any) -> Any:
    match value:
        case SecretStr():
            return without_password(value.get_secret_value())
        case FilePath():
            return str(value)
        case str():
            return without_password(value)
        case Mapping():
            return {}
        case tuple() | list():
            return []
        case _:
            return value
