"""What is managed: policies as texts with a name, found in files and folders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The text of one policy. `path` is where it came from, for messages; YAML if it ends in `.yaml` or `.yml`."""

    name: str
    text: str
    path: str = ""
