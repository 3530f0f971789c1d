"""
What the engines below have said, as it was when this one ended: beside their tables, which are in the cache, a file for
each child. So an engine that starts anew knows what it knew, with its age, until they have spoken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from congresslite.federation.encoding import Malformed, Reader, read_json, write_json
from congresslite.schema import Row


class TierMemory:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, child: str) -> Mapping[str, Iterable[Row]]:
        """What a child had said; nothing if that is not known."""
        try:
            return Reader(read_json(self._path(child).read_bytes())).relations("relations")
        except (OSError, Malformed):
            return {}

    def save(self, child: str, relations: Mapping[str, Iterable[Row]]) -> None:
        """Let this be what a child has said."""
        self._folder.mkdir(parents=True, exist_ok=True)
        writing = self._path(child).with_suffix(".writing")
        writing.write_bytes(write_json({"relations": {name: list(rows) for name, rows in relations.items()}}))
        writing.replace(self._path(child))

    def _path(self, child: str) -> Path:
        return self._folder / f"{child}.json"
