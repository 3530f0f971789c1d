"""
Observing: the rows of the tables that say which stage an object is in.

A row moves its object when it comes, and not for as long as it is there: whatever else moved the object since then was
later news. Which rows have been seen is kept, so that a restart takes none of them for new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set

import structlog

from congresslite.api import Snapshot
from congresslite.language.lifecycle_names import GONE
from congresslite.language.reads import base_tables
from congresslite.live.lifecycle.tables import OBSERVED, Batch, LifecycleTables, Move
from congresslite.schema import Row

log = structlog.get_logger("congresslite.lifecycle")

# Why some source tables may not be believed at the moment; None if all are current.
Stale = Callable[[Set[str]], str | None]


class Observing:
    """The observed tables, by level."""

    def __init__(
        self, tables: LifecycleTables, observe: Mapping[str, Sequence[str]], stages: Set[str], stale: Stale
    ) -> None:
        self._tables, self._observe, self._stages, self._stale = tables, observe, stages, stale
        self._told: set[Row] = set()  # rows of which it was said that they mean nothing
        self.waiting = False  # for tables to be current

    @property
    def names(self) -> frozenset[str]:
        """The tables that are observed."""
        return frozenset(table for tables in self._observe.values() for table in tables)

    def turn(self) -> int:
        """Move what was seen to come; how many objects."""
        if not self._observe:
            return 0
        with self._tables.core.lock:
            snapshot = self._tables.snapshot()
            self.waiting = False
            batch, moves = Batch(), []
            seen = set(snapshot.rows(OBSERVED.name))
            for level, tables in self._observe.items():
                now = self._rows(snapshot, level, tables)
                if now is None:
                    continue
                before = {row for row in seen if row[2] == level}
                for row in before - now:
                    batch.drop(OBSERVED, row)
                found = self._moves(now - before, now, level)
                for each in found:
                    batch.put(OBSERVED, (each.object, each.stage, level))
                moves += found
            moved = self._tables.move(batch, moves)
            self._tables.write(batch)
        return moved

    def _rows(self, snapshot: Snapshot, level: str, tables: Sequence[str]) -> set[Row] | None:
        """What the tables of a level say now; None if one of them may not be believed."""
        known = snapshot.tables()
        tables = [each for each in tables if each in known and len(snapshot.schema(each).columns) > 1]
        rests = base_tables(snapshot.program)
        if any(self._stale(rests.get(each, frozenset())) is not None for each in tables):
            self.waiting = True
            return None
        rows = [row for each in tables for row in snapshot.rows(each)]
        return {(row[0], row[1], level) for row in rows if isinstance(row[0], str) and isinstance(row[1], str)}

    def _moves(self, new: Set[Row], now: Set[Row], level: str) -> list[Move]:
        """The moves that new rows mean. One that contradicts another, or names no stage, means none, and stays new."""
        times = Counter(row[0] for row in now)
        found = []
        for object_, stage, _ in sorted(new, key=str):
            row = (object_, stage, level)
            if stage not in self._stages and stage != GONE:
                self._tell_once(row, "an object is seen in a stage that there is not")
            elif times[object_] > 1:
                self._tell_once(row, "an object is seen in several stages at once, and is left in the one it was in")
            else:
                found.append(Move(str(object_), str(stage), level))
        return found

    def _tell_once(self, row: Row, what: str) -> None:
        if row not in self._told:
            self._told.add(row)
            log.warning(what, object=row[0], stage=row[1], level=row[2])
