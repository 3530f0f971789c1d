"""Sections: what every part of the configuration is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the configuration; it does not change once it is read, and knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def own_settings(section: type[Section], value: object) -> object:
    """The same with the keys that `section` does not know under `settings`: whoever is named there knows them."""
    if not isinstance(value, Mapping) or isinstance(value.get("settings"), Mapping):
        return value
    known = section.model_fields.keys() - {"settings"}
    rest: dict[str, Any] = {name: each for name, each in value.items() if name not in known}
    return {**{name: each for name, each in value.items() if name in known}, "settings": rest}
