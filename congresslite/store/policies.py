"""Policies and their versions: none is ever changed, and removing a policy is a version too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select

from congresslite.store.database import Database
from congresslite.store.errors import VersionError
from congresslite.store.records import PolicyVersion
from congresslite.store.tables import POLICY_VERSIONS

_COLUMNS = POLICY_VERSIONS.c


class Policies:
    """The policies of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        name: str,
        text: str | None,
        *,
        at: float,
        by: str,
        origin: Literal["file", "api", "tier"],
        path: str = "",
        expected: int | None = None,
    ) -> PolicyVersion:
        """Write a version (None as text removes the policy), or give the current one if it says the same.

        Raises VersionError if the current version is not the expected one; 0 expects that there is no such policy, None
        takes whatever is there.
        """
        with self._database.write() as connection:
            return _added(connection, PolicyVersion(name, 0, text, at, by, origin, path), expected)

    def add_all(
        self, texts: Mapping[str, str | None], expected: Mapping[str, int], *, at: float, by: str
    ) -> list[PolicyVersion]:
        """Write versions of several policies that came over the API, all of them or none; see `add`."""
        with self._database.write() as connection:
            return [
                _added(connection, PolicyVersion(name, 0, text, at, by, "api"), expected[name])
                for name, text in texts.items()
            ]

    def current(self) -> tuple[PolicyVersion, ...]:
        """The version of each policy that is in force, by name; removed ones are left out."""
        latest = select(_COLUMNS.name, func.max(_COLUMNS.version).label("version")).group_by(_COLUMNS.name).subquery()
        same = (_COLUMNS.name == latest.c.name) & (_COLUMNS.version == latest.c.version)
        chosen = select(POLICY_VERSIONS).join(latest, same).where(_COLUMNS.text.is_not(None))
        with self._database.read() as connection:
            found = [PolicyVersion(**row) for row in connection.execute(chosen).mappings()]
        return tuple(sorted(found, key=lambda version: version.name))

    def times(self) -> dict[str, tuple[float, ...]]:
        """When each version of each policy was written, by name, the earliest first."""
        found: dict[str, tuple[float, ...]] = {}
        with self._database.read() as connection:
            for name, at in connection.execute(select(_COLUMNS.name, _COLUMNS.created_at).order_by(_COLUMNS.version)):
                found[name] = (*found.get(name, ()), at)
        return found

    def versions(self, name: str) -> tuple[PolicyVersion, ...]:
        """All versions of a policy, the latest first; none if there never was such a policy."""
        chosen = select(POLICY_VERSIONS).where(_COLUMNS.name == name).order_by(_COLUMNS.version.desc())
        with self._database.read() as connection:
            return tuple(PolicyVersion(**row) for row in connection.execute(chosen).mappings())


def _added(connection: Connection, said: PolicyVersion, expected: int | None) -> PolicyVersion:
    """Write a version with the number that follows, unless the current one says the same."""
    current = _current(connection, said.name)
    number = 0 if current is None or current.text is None else current.version
    if expected is not None and expected != number:
        raise VersionError(f"policy `{said.name}`", number)
    if current is not None and _says(current) == _says(said):
        return current
    made = replace(said, version=1 if current is None else current.version + 1)
    connection.execute(insert(POLICY_VERSIONS).values({key: getattr(made, key) for key in _COLUMNS.keys()}))  # noqa: SIM118
    return made


def _current(connection: Connection, name: str) -> PolicyVersion | None:
    chosen = select(POLICY_VERSIONS).where(_COLUMNS.name == name).order_by(_COLUMNS.version.desc()).limit(1)
    row = connection.execute(chosen).mappings().first()
    return None if row is None else PolicyVersion(**row)


def _says(version: PolicyVersion) -> tuple[Any, ...]:
    return version.text, version.origin, version.path
