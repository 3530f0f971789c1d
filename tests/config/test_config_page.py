"""The page on the configuration names every key that there is."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from congresslite.config.models import Config

PAGE = (Path(__file__).parents[2] / "docs/reference/configuration.md").read_text(encoding="utf-8")


def keys(model: type[BaseModel]) -> Iterator[str]:
    """The keys of a model and of those within it."""
    for name, field in model.model_fields.items():
        if name != "settings":  # the driver's own
            yield name
        for part in parts(field.annotation):
            yield from keys(part)


def parts(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for each in typing.get_args(annotation):
        yield from parts(each)


@pytest.mark.parametrize("key", sorted(set(keys(Config))))
def test_every_key_is_told(key: str) -> None:
    """Whoever reads the page knows of each key."""
    assert re.search(rf"[`.{{ ]{key}[`:,}}]", PAGE)
