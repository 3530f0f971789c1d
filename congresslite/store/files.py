"""
Files that every process needs that may lead: the bases of pushed tables, in the database that they share.

A file does not change under its name; it is written whole, before anything
refers to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import delete, insert, select

from congresslite.store.database import Database
from congresslite.store.tables import PUSHED_FILES

_PART = 4 * 1024 * 1024


class Files:
    """The files of a store, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> frozenset[str]:
        """The names of all files."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(PUSHED_FILES.c.name).distinct()).scalars())

    def put(self, path: Path) -> None:
        """Keep a file under its name, in place of one that may be there."""
        with path.open("rb") as file, self._database.write() as connection:
            connection.execute(delete(PUSHED_FILES).where(PUSHED_FILES.c.name == path.name))
            for number, data in enumerate(_parts(file)):
                connection.execute(insert(PUSHED_FILES), {"name": path.name, "part": number, "data": data})

    def copy(self, name: str, file: IO[bytes]) -> bool:
        """Write what is kept under a name; whether there is such a file."""
        number = 0
        with self._database.read() as connection:
            while True:
                chosen = select(PUSHED_FILES.c.data).where(PUSHED_FILES.c.name == name, PUSHED_FILES.c.part == number)
                data = connection.execute(chosen).scalar()
                if data is None:
                    return number > 0
                file.write(data)
                number += 1

    def remove(self, names: Collection[str]) -> None:
        """Forget files."""
        if names:
            with self._database.write() as connection:
                connection.execute(delete(PUSHED_FILES).where(PUSHED_FILES.c.name.in_(names)))


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(_PART):
        yield part
