"""
Handling: how long an event is there.

Its row stays until everything that it commands is over, so that actions which wait for a guard, for an approval or for
another attempt are still commanded; and until the planner has seen what it commands, however long that takes. Then it
goes, so that a policy that comes later does not act upon what is long past; until then, what such a policy commands is
neither begun nor waited for. An event that happened again after what it commanded had begun commands once more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import structlog

from congresslite.api import Snapshot
from congresslite.enforcement.enforcer import Enforcer, RefusedError
from congresslite.language.program import Program
from congresslite.language.reads import base_tables
from congresslite.live.lifecycle.observing import Stale
from congresslite.live.lifecycle.past import Past
from congresslite.live.lifecycle.reading import events_read
from congresslite.live.lifecycle.tables import EVENT, Batch, LifecycleTables, key_of
from congresslite.policy.conflicts.told import action_of, commanding
from congresslite.policy.violations import violation_id
from congresslite.schema import Changes, Delta, Row
from congresslite.store.records import ActionRecord, ActionState

_PENDING: tuple[ActionState, ...] = ("approval", "planned", "stopped", "running", "timed_out", "held")
_WAITING: tuple[ActionState, ...] = ("approval", "planned", "stopped")
# How long the planner may take to see that an event is away.
_PATIENCE = 5.0

log = structlog.get_logger("congresslite.lifecycle")


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of a program that command something because of events."""

    tables: frozenset[str]  # with what they command
    # For each of them the events that it can read, None among them for any, and the source tables that it rests on.
    rests: tuple[tuple[frozenset[str | None], frozenset[str]], ...]

    def of(self, event: str) -> Iterator[frozenset[str]]:
        """What those rules rest on that can read an event, each in turn."""
        return (rests for events, rests in self.rests if event in events or None in events)


class Handling:
    """The events that are there. One thread at a time calls `turn`."""

    def __init__(
        self, tables: LifecycleTables, enforcer: Enforcer, stale: Stale, past: Past, ending: threading.Event
    ) -> None:
        self._tables, self._enforcer, self._stale, self._past, self._ending = tables, enforcer, stale, past, ending
        self._journal = enforcer.journal
        self._begun: dict[str, float] = {}  # when the latest attempt of each command began
        self._first: dict[Row, frozenset[str]] = {}  # what an event commanded when the first of it was begun
        self._known: tuple[Program, _Rules] | None = None
        self._commands: dict[Row, frozenset[str]] = {}  # what each event commands, until something changes that
        self.waiting = False  # for what some event commands to be over

    def noticed(self, snapshot: Snapshot, changes: Changes | None) -> bool:
        """Whether a change is one of events or of what they command; called under the core's lock."""
        if changes is None or self._known is None or self._known[0] is not snapshot.program:
            return True
        return any(any(changes.size(table)) for table in (EVENT.name, *self._known[1].tables))

    def forget(self) -> None:
        """Find out anew what events command."""
        self._commands = {}

    def take(self, records: Iterable[ActionRecord]) -> None:
        """Know of actions that were begun."""
        for each in records:
            if each.started_at is not None:
                self._begun[each.command] = max(each.started_at, self._begun.get(each.command, 0.0))

    def turn(self) -> None:
        """Let events go whose time is over."""
        snapshot = self._tables.snapshot()
        events = snapshot.rows(EVENT.name)
        self.waiting = bool(events)
        if not events:
            self._commands, self._first, self._begun = {}, {}, {}
            return
        rules = self._rules(snapshot)
        records = self._journal.commanded()
        for row in events:
            if any(self._stale(each) is not None for each in rules.of(str(row[1]))):
                continue  # what it commands may be unknown yet
            wanted = self._wanted(row, snapshot, rules)
            planned = [records[each] for each in wanted if each in records]
            found = self._first_of(row, [each for each in planned if not self._past.is_past(row, each)])
            if not wanted <= records.keys() or any(each.state in _PENDING for each in found):
                continue
            if any(_begun(each) < float(row[2] or 0.0) for each in found):
                self._again(row, wanted)
            else:
                self._over(row)
            self._first.pop(row, None)
        self.waiting = bool(self._tables.rows(EVENT))

    def _first_of(self, row: Row, records: list[ActionRecord]) -> list[ActionRecord]:
        """The actions that an event commanded when the first of them was begun; those that came later are let go.

        What an event commands may change while it is acted upon, as the tables do: it is one event all the same.
        """
        at, first = float(row[2] or 0.0), self._first.get(row, frozenset())
        if not any(self._begun.get(each, 0.0) >= at for each in first):
            first = self._first[row] = frozenset(each.command for each in records)
        late = [
            each for each in records
            if each.command not in first or (each.attempt == 0 and self._begun.get(each.command, 0.0) >= at)
        ]  # fmt: skip
        for each in late:
            if each.state in _WAITING:
                with suppress(KeyError, RefusedError):
                    self._enforcer.cancel(each.id, "lifecycle", "the event has been acted upon")
        return [each for each in records if each not in late]

    def _rules(self, snapshot: Snapshot) -> _Rules:
        program = snapshot.program
        if self._known is None or self._known[0] is not program:
            rests = base_tables(program)
            rules = [rule for rule in commanding(program) if EVENT.name in rests.get(rule.table, ())]
            known = self._enforcer.rules(snapshot)
            self._known = (
                program,
                _Rules(
                    frozenset(rule.table for rule in rules),
                    tuple(
                        (events_read(program, rule.table), frozenset(known.rests(rule.policy, rule.identity)))
                        for rule in rules
                    ),
                ),
            )
            self._commands = {}
        return self._known[1]

    def _wanted(self, row: Row, snapshot: Snapshot, rules: _Rules) -> frozenset[str]:
        """The ids of the commands that there are because of an event: those that would not be there without it."""
        if row not in self._commands:
            self._commands[row] = self._asked(row, snapshot, rules)
        return self._commands[row]

    def _asked(self, row: Row, snapshot: Snapshot, rules: _Rules) -> frozenset[str]:
        if not rules.tables:
            return frozenset()
        lost = self._tables.core.engine.what_if({EVENT.name: Delta(delete=[row])})
        gone = {
            (table.partition(":")[0], action_of(table), each)
            for table in rules.tables
            for each in (lost[table] if table in lost else lost.part(table)).delete
        }
        return frozenset(
            violation_id(each.policy, each.rule, (each.action, *each.arguments))
            for each in (snapshot.commands() if gone else ())
            if (each.policy, each.action, each.arguments) in gone and each.decision == "run" and each.mode != "warn"
        )

    # -- what becomes of an event --------------------------------------------------------------------

    def _over(self, row: Row) -> None:
        """Let an event go, unless it has happened again meanwhile."""
        with self._tables.core.lock:
            if self._tables.row(EVENT, *key_of(EVENT, row)) == row:
                batch = Batch()
                batch.drop(EVENT, key_of(EVENT, row))
                self._tables.write(batch)
        self._commands.pop(row, None)

    def _again(self, row: Row, wanted: frozenset[str]) -> None:
        """Let an event be away for as long as the planner needs to see that: then it commands anew.

        It stays durable, so that it is there if we end now.
        """
        core = self._tables.core
        with core.lock:
            if self._tables.row(EVENT, *key_of(EVENT, row)) != row:
                return
            core.apply({EVENT.name: Delta(delete=[row])})
        end = self._tables.clock() + _PATIENCE
        while not self._ending.wait(0.01) and self._tables.clock() < end:
            if not wanted & self._journal.commanded().keys():
                break
        with core.lock:
            if self._tables.row(EVENT, *key_of(EVENT, row)) is None:
                core.apply({EVENT.name: Delta(insert=[row])})
        self._commands.pop(row, None)


def _begun(record: ActionRecord) -> float:
    return record.started_at or record.created_at
