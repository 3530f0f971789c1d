"""
Recovering: step by step, a bounded number of times, until an object is well again.

    acting ──its action is over──▶ waiting ──not well in time──▶ acting (next try, next step) ──▶ … ──▶ exhausted
       └──────────── well ───────────▶ well ──stays so──▶ (forgotten)            again not well: waiting

A step is commanded while its object is in `acting`; a try follows another only once the planner has seen the command
go. What is not well again while it is only just well goes on where it was, so that a server which fails after each
reboot is not rebooted for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from congresslite.api import Snapshot
from congresslite.enforcement.journal import Journal
from congresslite.language.lifecycle_names import LEVELS
from congresslite.language.lifecycle_recovery import RECOVER, STEPS
from congresslite.language.reads import base_tables
from congresslite.live.lifecycle.observing import Stale
from congresslite.live.lifecycle.tables import RECOVERY, Batch, LifecycleTables, Occurrence
from congresslite.schema import Row
from congresslite.store.records import ActionRecord

_COLUMNS = 5

log = structlog.get_logger("congresslite.lifecycle")


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of a recovery, with what it says of itself."""

    name: str
    tries: int
    wait: float
    event: str | None


@dataclass(frozen=True, slots=True)
class _At:
    """Where the recovery of an object is."""

    object: str
    policy: str
    step: str
    tries: int
    state: str
    at: float

    @property
    def row(self) -> Row:
        """The same as a row."""
        return (self.object, self.policy, self.step, self.tries, self.state, self.at)


class Recovering:
    """The recoveries of all policies. One thread at a time calls `turn`."""

    def __init__(self, tables: LifecycleTables, journal: Journal, stale: Stale) -> None:
        self._tables, self._journal, self._stale = tables, journal, stale
        # When the latest action of a step for an object was made that is over by now, commanded still or not.
        self._over: dict[tuple[str, str, str], float] = {}
        self.due: float | None = None  # when to look again, by the clock
        self.waiting = False  # for actions, or for tables to be current

    def reads(self, snapshot: Snapshot) -> frozenset[str]:
        """The tables that say which objects need it, and how."""
        return frozenset(
            f"{policy.name}:{table}"
            for policy in snapshot.program.policies
            for table in (RECOVER, STEPS)
            if f"{policy.name}:{RECOVER}" in snapshot.program.tables
        )

    def take(self, records: Iterable[ActionRecord]) -> None:
        """Know of actions that are over.

        One that was let go before it began, as its policy was changed, is no try: the step is still to be taken.
        """
        for each in records:
            if each.state == "cancelled" and each.attempt == 0 and not each.commanded:
                continue
            key = each.policy, each.rule, each.object
            self._over[key] = max(each.created_at, self._over.get(key, 0.0))

    def turn(self) -> None:
        """Take the steps that are due."""
        self.due, self.waiting = None, False
        records = self._journal.commanded().values()
        with self._tables.core.lock:
            snapshot = self._tables.snapshot()
            known = {(at.object, at.policy): at for at in map(_at, snapshot.rows(RECOVERY.name))}
            policies = {table.partition(":")[0] for table in self.reads(snapshot)}
            self._over = {key: at for key, at in self._over.items() if (key[2], key[0]) in known}
            if not known and not policies:
                return
            latest = {(each.policy, each.rule, each.object): each for each in records}
            batch = Batch()
            for policy in sorted(policies):
                self._policy(policy, snapshot, known, latest, batch)
            for object_, policy in known:
                if policy not in policies:
                    batch.drop(RECOVERY, (object_, policy))
            self._tables.write(batch)

    def _policy(
        self,
        policy: str,
        snapshot: Snapshot,
        known: Mapping[tuple[str, str], _At],
        latest: Mapping[tuple[str, str, str], ActionRecord],
        batch: Batch,
    ) -> None:
        """The objects of one policy."""
        table = f"{policy}:{RECOVER}"
        steps = tuple(_steps(snapshot, policy))
        if not steps:
            return
        if self._stale(base_tables(snapshot.program).get(table, frozenset())) is not None:
            self.waiting = True
            return
        needing = {str(row[0]) for row in snapshot.rows(table) if row and row[0] is not None}
        for object_ in sorted(needing | {name for name, of in known if of == policy}):
            at = known.get((object_, policy))
            record = None if at is None else latest.get((policy, at.step, object_))
            after = self._next(object_, policy, at, steps, record, needed=object_ in needing, batch=batch)
            if after is None:
                batch.drop(RECOVERY, (object_, policy))
            elif after != at:
                batch.put(RECOVERY, after.row)
                log.info(
                    "recovery", object=object_, policy=policy, step=after.step, tries=after.tries, state=after.state
                )

    def _next(
        self,
        object_: str,
        policy: str,
        at: _At | None,
        steps: Sequence[_Step],
        record: ActionRecord | None,
        *,
        needed: bool,
        batch: Batch,
    ) -> _At | None:
        """Where the recovery of an object is to be now; None for nowhere."""
        now = self._tables.now()
        if at is None:
            return _At(object_, policy, steps[0].name, 1, "acting", now)
        place = next((place for place, each in enumerate(steps) if each.name == at.step), None)
        if place is None:  # the policy has other steps by now
            return _At(object_, policy, steps[0].name, 1, "acting", now) if needed else None
        step = steps[place]
        if not needed:
            return self._well(at, step, now)
        if at.state == "well":
            return _At(object_, policy, at.step, at.tries, "waiting", now)
        if at.state == "acting":
            self.waiting = True
            over = self._over.get((policy, at.step, object_), 0.0) >= at.at
            return _At(object_, policy, at.step, at.tries, "waiting", now) if over else at
        if at.state == "exhausted" or not self._is_due(at.at + step.wait, now):
            return at
        if record is not None:
            self.waiting = True  # the planner has not seen yet that the step is over
            return at
        if at.tries < step.tries:
            return _At(object_, policy, at.step, at.tries + 1, "acting", now)
        if step.event is not None:
            self._tables.raise_(batch, [Occurrence(object_, step.event, LEVELS[0])])
        if place + 1 < len(steps):
            return _At(object_, policy, steps[place + 1].name, 1, "acting", now)
        return _At(object_, policy, at.step, at.tries, "exhausted", now)

    def _well(self, at: _At, step: _Step, now: float) -> _At | None:
        """An object that needs it no more: it is forgotten once it has been well for long enough."""
        if at.state != "well":
            self._is_due(now + step.wait, now)
            return _At(at.object, at.policy, at.step, at.tries, "well", now)
        return None if self._is_due(at.at + step.wait, now) else at

    def _is_due(self, when: float, now: float) -> bool:
        if when > now:
            self.due = when if self.due is None else min(self.due, when)
        return when <= now


def _steps(snapshot: Snapshot, policy: str) -> Iterator[_Step]:
    """The steps of a policy's recovery, in order; a row that is none is left out."""
    table = f"{policy}:{STEPS}"
    if table not in snapshot.tables() or len(snapshot.schema(table).columns) != _COLUMNS:
        return
    rows = [row for row in snapshot.rows(table) if all(isinstance(row[at], int | float) for at in (0, 2, 3))]
    for _, name, tries, wait, event in sorted(rows, key=lambda row: (float(row[0] or 0), str(row[1]))):
        if isinstance(name, str):
            yield _Step(name, int(tries or 1), float(wait or 0), event if isinstance(event, str) else None)


def _at(row: Row) -> _At:
    object_, policy, step, tries, state, at = row
    return _At(str(object_), str(policy), str(step), int(tries or 0), str(state), float(at or 0))
