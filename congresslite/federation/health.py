"""Health: what of an engine is not current, told upward with the published tables that rest on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from congresslite.federation.agreed import UNION
from congresslite.federation.host import Lapse
from congresslite.federation.published import Published
from congresslite.language.program import Program
from congresslite.language.reads import base_tables
from congresslite.schema import Row


class Health:
    """What is not current at one engine, as it is told. One thread uses it."""

    def __init__(self, engine: str, published: Published) -> None:
        self._engine, self._published = engine, published
        self._program: Program | None = None
        self._rests: Mapping[str, frozenset[str]] = {}

    def rows(self, lapses: Sequence[Lapse], program: Program) -> list[Row]:
        """The rows of HEALTH."""
        if not lapses:
            return []
        if program is not self._program:
            self._program, self._rests = program, base_tables(program)
        return [
            (self._engine, each.source, each.feed, each.health, each.since, each.why, json.dumps(self._resting(each)))
            for each in lapses
        ]

    def below(self, rows: Iterable[Row], table: str) -> str | None:
        """Why a published table is not current, as the engines below tell it; None if it is."""
        return next(
            (f"`{row[1]}` of `{row[0]}`: {row[5]}" for row in sorted(rows, key=repr) if _rests(row, table)), None
        )

    @staticmethod
    def unseen(rows: Iterable[Row], table: str) -> bool:
        """Whether a published table rests on something below that was never seen: it may lack anything."""
        return any(row[3] == "pending" and _rests(row, table) for row in rows)

    def _resting(self, lapse: Lapse) -> list[str]:
        """The published tables that rest on what is not current."""
        stale = set(lapse.tables)
        found = {name for name, tables in self._published.tables.items() if stale & self._bases(tables)}
        return sorted(found | {name for name in self._published.passed if f"{UNION}:{name}" in stale})

    def _bases(self, tables: Iterable[str]) -> set[str]:
        """The source tables that an engine's own tables rest on: with each rule of a modal table, say."""
        assert self._program is not None
        parts = [part for table in tables for part in self._program.answers.get(table, (table,))]
        return set().union(*(self._rests.get(part, frozenset({part})) for part in parts))


def _rests(row: Row, table: str) -> bool:
    try:
        return table in json.loads(str(row[6]))
    except (ValueError, TypeError):
        return True  # what cannot be read is no assurance
