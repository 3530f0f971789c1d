"""
Actions and their records: one row each, and a line for each state that it came to.

What a method wrote is durable when it returns; a change and its line are one transaction, so that no record tells of
what did not happen, or keeps silent about what did.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, or_, select, update

from congresslite.diagnostics import Diagnostic
from congresslite.store.database import Database
from congresslite.store.errors import StoreError
from congresslite.store.records import ENDED, ActionFilter, ActionRecord, ActionState, ActionStep
from congresslite.store.tables import ACTION_PAUSES, ACTION_STEPS, ACTIONS
from congresslite.store.upsert import upsert

_COLUMNS = ACTIONS.c
_PRUNED = 5_000  # actions in one transaction


@dataclass(frozen=True, slots=True)
class ActionPage:
    """Some actions, the latest first, and the cursor of those before them; None at the end."""

    items: tuple[ActionRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Pause:
    """What is paused since when, by whom and why. `scope`: empty for everything, a target, or `policy NAME`."""

    scope: str
    at: float
    by: str
    reason: str


class Actions:
    """The actions of a store. Safe for any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- changes ---------------------------------------------------------------------------------

    def write(
        self, added: Sequence[ActionRecord], changed: Sequence[ActionRecord] = (), by: str = ""
    ) -> tuple[ActionRecord, ...]:
        """Write new actions and those that changed, durably, all of them or none; each gets a line in its record.

        Gives them as they are written, in this order.
        """
        new, old = ([replace(each, steps=each.steps + 1) for each in given] for given in (added, changed))
        if new or old:
            with self._database.write() as connection:
                if new:
                    connection.execute(insert(ACTIONS), [_values(each) for each in new])
                for each in old:
                    connection.execute(update(ACTIONS).where(_COLUMNS.id == each.id).values(_values(each)))
                connection.execute(insert(ACTION_STEPS), [_line(each, by) for each in (*new, *old)])
        return (*new, *old)

    def pause(self, scope: str, by: str, reason: str) -> None:
        """Pause a scope. It stays so until it is resumed, over restarts too."""
        with self._database.write() as connection:
            upsert(connection, ACTION_PAUSES, [{"scope": scope, "at": time.time(), "by": by, "reason": reason}])

    def resume(self, scope: str) -> bool:
        """Resume a scope; whether it was paused."""
        with self._database.write() as connection:
            return bool(connection.execute(delete(ACTION_PAUSES).where(ACTION_PAUSES.c.scope == scope)).rowcount)

    def prune(self, before: float) -> int:
        """Forget actions that ended before then and are not commanded any more; how many."""
        gone = 0
        while True:
            with self._database.write() as connection:
                old = select(_COLUMNS.id).where(_COLUMNS.ended_at < before, _COLUMNS.commanded.is_(False))
                ids = connection.execute(old.limit(_PRUNED)).scalars().all()
                connection.execute(delete(ACTION_STEPS).where(ACTION_STEPS.c.action.in_(ids)))
                connection.execute(delete(ACTIONS).where(_COLUMNS.id.in_(ids)))
            gone += len(ids)
            if len(ids) < _PRUNED:
                return gone

    # -- questions -------------------------------------------------------------------------------

    def live(self) -> tuple[ActionRecord, ...]:
        """Those that have not ended, and those that are still commanded, the oldest first."""
        wanted = or_(_COLUMNS.commanded.is_(True), _COLUMNS.state.not_in(ENDED))
        return self._read(select(ACTIONS).where(wanted).order_by(_COLUMNS.seq))

    def started(self, since: float) -> tuple[ActionRecord, ...]:
        """Those whose last attempt was started at or after a time, the oldest first."""
        return self._read(select(ACTIONS).where(_COLUMNS.started_at >= since).order_by(_COLUMNS.started_at))

    def latest(self, most: int) -> tuple[ActionRecord, ...]:
        """The last ones, the oldest first."""
        return self._read(select(ACTIONS).order_by(_COLUMNS.seq.desc()).limit(most))[::-1]

    def get(self, id: str) -> ActionRecord:
        """An action by its id, or by a beginning of it that is of no other. Raises KeyError, StoreError (CL489)."""
        chosen = select(ACTIONS).where(_COLUMNS.id.startswith(id, autoescape=True)).limit(2)
        found = self._read(chosen)
        if not found or not id:
            raise KeyError(id)
        if len(found) > 1:
            raise StoreError(Diagnostic("CL489", f"`{id}` begins the ids of several actions", hint="write more of it"))
        return found[0]

    def steps(self, id: str) -> tuple[ActionStep, ...]:
        """The record of an action, in the order in which it happened."""
        chosen = select(ACTION_STEPS).where(ACTION_STEPS.c.action == id).order_by(ACTION_STEPS.c.number)
        with self._database.read() as connection:
            rows = connection.execute(chosen).mappings().all()
        return tuple(ActionStep(row["at"], row["state"], row["attempt"], row["reason"], row["by"]) for row in rows)

    def page(self, wanted: ActionFilter, *, limit: int = 100, cursor: str | None = None) -> ActionPage:
        """A page of actions, the latest first. Raises StoreError for a cursor that is none."""
        chosen = select(ACTIONS).where(*_conditions(wanted)).order_by(_COLUMNS.seq.desc()).limit(limit + 1)
        if cursor is not None:
            if not cursor.isdecimal() or len(cursor) > 18:
                raise StoreError(Diagnostic("CL489", "this cursor is of no page of actions", hint="begin anew"))
            chosen = chosen.where(_COLUMNS.seq < int(cursor))
        found = self._read(chosen)
        more = str(found[limit - 1].seq) if len(found) > limit else None
        return ActionPage(found[:limit], more)

    def counts(self) -> Mapping[tuple[str, ActionState], int]:
        """How many there are of each action in each state."""
        chosen = select(_COLUMNS.action, _COLUMNS.state, func.count()).group_by(_COLUMNS.action, _COLUMNS.state)
        with self._database.read() as connection:
            return {(action, state): count for action, state, count in connection.execute(chosen)}

    def pauses(self) -> tuple[Pause, ...]:
        """What is paused, by scope."""
        with self._database.read() as connection:
            rows = connection.execute(select(ACTION_PAUSES).order_by(ACTION_PAUSES.c.scope)).mappings().all()
        return tuple(Pause(**row) for row in rows)

    def _read(self, chosen: Any) -> tuple[ActionRecord, ...]:
        with self._database.read() as connection:
            return tuple(map(_record, connection.execute(chosen).mappings()))


def _line(record: ActionRecord, by: str) -> dict[str, Any]:
    """The line of a record that says how it stands now."""
    return {
        "action": record.id, "number": record.steps, "at": record.changed_at, "state": record.state,
        "attempt": record.attempt, "reason": record.reason, "by": by,
    }  # fmt: skip


def _conditions(wanted: ActionFilter) -> list[ColumnElement[bool]]:
    listed = {
        _COLUMNS.state: wanted.states,
        _COLUMNS.policy: wanted.policies,
        _COLUMNS.action: wanted.actions,
        _COLUMNS.object: wanted.objects,
        _COLUMNS.plan: wanted.plans,
    }
    found: list[ColumnElement[bool]] = [column.in_(list(values)) for column, values in listed.items() if values]
    if wanted.tenant is not None:
        found.append(_COLUMNS.tenant == wanted.tenant)
    if wanted.since is not None:
        found.append(_COLUMNS.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(_COLUMNS.created_at < wanted.until)
    return found


_OWN = tuple(column.name for column in ACTIONS.columns if column.name not in ("seq", "arguments", "output"))


def _values(record: ActionRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _OWN}
    return {**values, "arguments": json.dumps(record.arguments), "output": json.dumps(record.output)}


def _record(row: RowMapping) -> ActionRecord:
    values = dict(row)
    arguments, output = tuple(json.loads(values.pop("arguments"))), json.loads(values.pop("output"))
    return replace(ActionRecord(**values, arguments=arguments), output=output)
