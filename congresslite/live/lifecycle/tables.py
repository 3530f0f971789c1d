"""
The tables of lifecycles, and how rows come into them: durably, and all that belongs together at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.api import Snapshot
from congresslite.language.lifecycle_names import EVERYTHING, GONE, entering
from congresslite.live.core import Core
from congresslite.live.pushed import Key, PushedTables, RowChange
from congresslite.live.values import Pushed
from congresslite.schema import Row, Scalar, TableSchema
from congresslite.sources import shipped_definition

SOURCE = "lifecycle"
_DEFINITION = shipped_definition(SOURCE)
STAGE, EVENT, OBSERVED, RECOVERY, MARK = (
    _DEFINITION.schema(name) for name in ("stage", "event", "observed", "recovery", "mark")
)
# An event comes into the tables before the stage that it tells of: whatever ends us between, none is lost.
_ORDER = (EVENT, STAGE, OBSERVED, RECOVERY, MARK)


@dataclass(frozen=True, slots=True)
class Move:
    """An object that comes into a stage; `at` is when, or now."""

    object: str
    stage: str
    level: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event of an object; `at` is when, or now."""

    object: str
    event: str
    level: str | None
    at: float | None = None


@dataclass
class Batch:
    """Rows that come and go together, the last word on a key counting."""

    _rows: dict[str, dict[Key, Row | None]] = field(default_factory=dict)

    def put(self, schema: TableSchema, row: Row) -> None:
        """Let a row come, in place of the one of its key."""
        self._rows.setdefault(schema.name, {})[key_of(schema, row)] = row

    def drop(self, schema: TableSchema, key: Key) -> None:
        """Let a row go."""
        self._rows.setdefault(schema.name, {})[key] = None

    def has(self, schema: TableSchema, key: Key) -> Row | None:
        """The row that comes for a key."""
        return self._rows.get(schema.name, {}).get(key)

    def changes(self) -> list[RowChange]:
        """The same as changes of pushed tables."""
        found = []
        for schema in _ORDER:
            rows = self._rows.get(schema.name, {})
            if rows:
                upserts = [row for row in rows.values() if row is not None]
                found.append(RowChange(schema, upserts, [key for key, row in rows.items() if row is None]))
        return found


class LifecycleTables:
    """The tables of a running estate. Whoever reads to write holds the core's lock."""

    def __init__(self, core: Core, pushed: PushedTables, clock: Callable[[], float] = time.time) -> None:
        self.core, self._pushed, self.clock = core, pushed, clock

    def now(self) -> float:
        """The time, in whole milliseconds that have passed."""
        return math.floor(self.clock() * 1000) / 1000

    def snapshot(self) -> Snapshot:
        """The engine's latest state."""
        return self.core.snapshot()

    def write(self, batch: Batch) -> Pushed:
        """Take a batch; durable and applied when it returns."""
        changes = batch.changes()
        return self._pushed.change(SOURCE, changes) if changes else Pushed(0, 0, 0)

    def rows(self, schema: TableSchema) -> list[Row]:
        """The rows of a table."""
        return self.snapshot().rows(schema.name)

    def row(self, schema: TableSchema, *key: Scalar) -> Row | None:
        """The row of a key."""
        return next(iter(self.snapshot().matching(schema.name, schema.key, [key])[0]), None)

    # -- what happens to objects --------------------------------------------------------------------

    def move(self, batch: Batch, moves: Iterable[Move]) -> int:
        """Let objects come into stages, with the events of that; how many were not there already."""
        latest = {each.object: each for each in moves}
        found = self.snapshot().matching(STAGE.name, STAGE.key, [(name,) for name in latest])
        moved = 0
        for each, rows in zip(latest.values(), found, strict=True):
            before = rows[0] if rows else None
            if each.stage == GONE:
                moved += self._forget(batch, each.object, before)
            elif before is None or before[1] != each.stage:
                self._enter(batch, each, before)
                moved += 1
            elif before[3] != each.level:
                batch.put(STAGE, (*before[:3], each.level))
        return moved

    def _enter(self, batch: Batch, move: Move, before: Row | None) -> None:
        since = self.now() if move.at is None else move.at
        batch.put(STAGE, (move.object, move.stage, since, move.level))
        came_from = None if before is None else str(before[1])
        self.raise_(
            batch, [Occurrence(move.object, each, move.level, since) for each in entering(move.stage, came_from)]
        )

    def raise_(self, batch: Batch, occurrences: Sequence[Occurrence]) -> None:
        """Let events happen. One that has not been handled yet takes the time of the new one."""
        found = self.snapshot().matching(EVENT.name, EVENT.key, [(each.object, each.event) for each in occurrences])
        for each, rows in zip(occurrences, found, strict=True):
            at = self.now() if each.at is None else each.at
            if rows and each.object != EVERYTHING and at <= number(rows[0][2]):
                at = number(rows[0][2]) + 0.001  # so that it is another one
            batch.put(EVENT, (each.object, each.event, at, each.level))

    def _forget(self, batch: Batch, object_: str, stage: Row | None) -> int:
        """Let everything go that is known of an object."""
        known = self.snapshot().select(EVENT.name, {"object": object_}, limit=10_000)[0]
        for row in known:
            batch.drop(EVENT, key_of(EVENT, row))
        if stage is None:
            return 0
        batch.drop(STAGE, (object_,))
        return 1


def key_of(schema: TableSchema, row: Row) -> Key:
    """The key of a row."""
    return tuple(row[schema.position(name) or 0] for name in schema.key)


def by_key(schema: TableSchema, rows: Collection[Row]) -> Mapping[Key, Row]:
    """Rows by their keys."""
    return {key_of(schema, row): row for row in rows}


def number(value: Scalar) -> float:
    """A time that a row has; 0 if it has none."""
    return float(value) if isinstance(value, int | float) else 0.0
