"""What is managed: policies as texts with a name, found in files and folders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The text of one policy. `path` is where it came from, for messages; YAML if it ends in `.yaml` or `.yml`.

    `from_above`: another engine handed it down, so its tier is what it says, though that be above the engine's own.
    """

    name: str
    text: str
    path: str = ""
    from_above: bool = False
