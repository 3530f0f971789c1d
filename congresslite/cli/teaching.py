"""Help that teaches by examples: indented lines of a docstring are printed as they stand."""

from __future__ import annotations

import inspect
from typing import Any

import click


class Teaching(click.Command):
    """A command whose help keeps its examples, instead of filling them into paragraphs."""

    def __init__(self, name: str | None, **named: Any) -> None:
        super().__init__(name, **{**named, "help": _keep_examples(named.get("help"))})


class TeachingGroup(Teaching, click.Group):
    """A group of commands whose help keeps its examples."""


def _keep_examples(text: str | None) -> str | None:
    if text is None:
        return None
    paragraphs = inspect.cleandoc(text).split("\n\n")
    # click leaves a paragraph alone that starts with a backspace on a line of its own.
    return "\n\n".join(f"\b\n{part}" if "\n  " in f"\n{part}" else part for part in paragraphs)
