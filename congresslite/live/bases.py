"""
The bases of pushed tables where another process may have to go on: on the own disk, and in the database.

The rule to keep: a base is in the database before anything refers to it, as it
is on the disk before that. What is on the disk is a copy that spares reading.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from congresslite.live.cache import TableCache, Written
from congresslite.schema import TableData
from congresslite.store.files import Files


class SharedBases(TableCache):
    """The Arrow files of a folder, each of which is in the database too."""

    def __init__(self, folder: Path, files: Files) -> None:
        super().__init__(folder)
        self._files = files
        self._there = set(files.names())

    def write(self, rows: TableData, as_of: float, edition: str = "") -> None:
        """Write a table, durable when it returns."""
        super().write(rows, as_of, edition)
        self._share(self.path(rows.schema.name, edition))

    def written(self, table: str, edition: str = "") -> Written | None:
        """A table as it was written; None if there is none that can be read."""
        path = self.path(table, edition)
        found = super().written(table, edition)
        if found is None and path.name in self._there:
            self._fetch(path)
            found = super().written(table, edition)
        elif found is not None and path.name not in self._there:
            self._share(path)  # it was written when no other process could have gone on
        return found

    def remove(self, table: str, edition: str = "") -> None:
        """Forget a table."""
        super().remove(table, edition)
        name = self.path(table, edition).name
        self._files.remove([name])
        self._there.discard(name)

    def _share(self, path: Path) -> None:
        self._files.put(path)
        self._there.add(path.name)

    def _fetch(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                self._files.copy(path.name, file)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
