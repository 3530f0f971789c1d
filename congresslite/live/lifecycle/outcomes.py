"""
Outcomes: what follows when an action is over, as policies say in tables called `lifecycle_after`.

A row (rule, state, stage, event) says: once an action of this rule has ended in this state, its object comes into the
stage, and the event happens (null: neither). A stage that there is not is told in the log, and nobody comes into it.
Nothing follows from what was only shown. How far outcomes have been looked at is kept, so that each is looked at
once, and none is left out because we ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

import structlog

from congresslite.api import Snapshot
from congresslite.language.lifecycle_names import AFTER, GONE, LEVELS
from congresslite.live.lifecycle.tables import MARK, STAGE, Batch, LifecycleTables, Move, Occurrence
from congresslite.schema import Row
from congresslite.store.records import ActionRecord

_OUTCOMES = "outcomes"
_COLUMNS = 4

log = structlog.get_logger("congresslite.lifecycle")


class Outcomes:
    """What actions lead to. One thread at a time calls `take`."""

    def __init__(self, tables: LifecycleTables, stages: Set[str]) -> None:
        self._tables, self._stages = tables, stages
        self._mark = 0.0  # the end of the last action that was looked at

    def begin(self) -> None:
        """Look at nothing that was looked at before, or was over before lifecycles were watched at all."""
        with self._tables.core.lock:
            row = self._tables.row(MARK, _OUTCOMES)
            if row is None:
                self._note(Batch(), self._tables.now())
            self._mark = self._tables.now() if row is None else float(row[1] or 0.0)

    def take(self, records: Iterable[ActionRecord]) -> None:
        """Look at actions that are over."""
        with self._tables.core.lock:
            snapshot = self._tables.snapshot()
            known = {each.id: each for each in records if each.ended and (each.ended_at or 0.0) > self._mark}
            news = sorted(known.values(), key=lambda each: each.ended_at or 0.0)
            batch, moves, events, relevant = Batch(), [], [], False
            for record in news:
                for row in () if _is_shown_only(record) else _after(snapshot, record):
                    relevant = True
                    level = self._level(record.object)
                    if isinstance(row[2], str) and self._is_there(row[2], record) and self._holds(record):
                        moves.append(Move(record.object, row[2], level))
                    if isinstance(row[3], str):
                        events.append(Occurrence(record.object, row[3], level))
            if relevant:
                self._tables.move(batch, moves)
                self._tables.raise_(batch, events)
                self._note(batch, news[-1].ended_at or 0.0)
            self._mark = max([self._mark, *(each.ended_at or 0.0 for each in news)])

    def _note(self, batch: Batch, until: float) -> None:
        batch.put(MARK, (_OUTCOMES, until))
        self._tables.write(batch)

    def _level(self, object_: str) -> str:
        row = self._tables.row(STAGE, object_)
        return LEVELS[0] if row is None or row[3] is None else str(row[3])

    def _is_there(self, stage: str, record: ActionRecord) -> bool:
        """Whether there is such a stage; if not, that is told."""
        if stage in self._stages or stage == GONE:
            return True
        what = "an action moves its object to a stage that there is not; it stays where it is"
        log.warning(what, object=record.object, stage=stage, policy=record.policy, rule=record.rule)
        return False

    def _holds(self, record: ActionRecord) -> bool:
        """Whether its object is still in the stage in which the action was commanded."""
        row = self._tables.row(STAGE, record.object)
        return row is None or float(row[2] or 0.0) <= record.created_at


def _is_shown_only(record: ActionRecord) -> bool:
    """Whether an action was tried out; one that had begun before its policy came to that was done all the same."""
    return record.mode == "dryrun" and record.attempt == 0


def _after(snapshot: Snapshot, record: ActionRecord) -> Iterator[Row]:
    """What a policy says that follows from an action of it."""
    table = f"{record.policy}:{AFTER}"
    if table in snapshot.tables() and len(snapshot.schema(table).columns) == _COLUMNS:
        yield from (row for row in snapshot.rows(table) if row[:2] == (record.rule, record.state))
