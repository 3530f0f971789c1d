"""
The journal: every action, what became of it, and when something was last done to an object.

The rule to keep: what changes is first durable, then known here, then told. What is here is what the store holds of
actions that are not over, so that guards ask nobody; after a restart it is read again, and nothing else is needed.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Any

from congresslite.store.actions import Actions, Pause
from congresslite.store.records import ActionRecord, ActionState

# Whoever has an action in one of these states may be acting on its object.
ACTING: tuple[ActionState, ...] = ("running", "timed_out", "held")

# Told of actions that changed, in order; returns at once.
Listener = Callable[[Sequence[ActionRecord]], None]


@dataclass(frozen=True, slots=True)
class Start:
    """An attempt of an action that was started."""

    at: float
    id: str
    action: str
    object: str
    kind: str
    policy: str


class ClosedError(Exception):
    """The journal takes nothing any more: the engine is ending."""


class Journal:
    """The actions that are not over. Safe for any thread; whoever decides on several holds `lock`."""

    def __init__(self, store: Actions, *, remember: float, clock: Callable[[], float] = time.time) -> None:
        """`remember`: how many seconds back guards look."""
        self.store, self.clock = store, clock
        self.lock = threading.RLock()
        self._remember = remember
        self._live: dict[str, ActionRecord] = {}
        self._commanded: dict[str, str] = {}  # the latest action of each command that holds
        self._acting: defaultdict[str, set[str]] = defaultdict(set)  # by object
        self._starts: deque[Start] = deque()
        self._of_object: defaultdict[str, deque[Start]] = defaultdict(deque)
        self._of_action: defaultdict[str, deque[Start]] = defaultdict(deque)
        self._listeners: list[Listener] = []
        self._closed = False
        self.pauses: tuple[Pause, ...] = ()

    def close(self) -> None:
        """Take nothing any more."""
        with self.lock:
            self._closed = True

    def load(self) -> None:
        """Read what the store has."""
        with self.lock:
            for record in self.store.live():
                self._keep(record)
            for record in self.store.started(self.clock() - self._remember):
                self._started(record)
            self.pauses = self.store.pauses()

    def listen(self, listener: Listener) -> None:
        """Tell somebody of each change from now on."""
        self._listeners.append(listener)

    # -- questions -------------------------------------------------------------------------------

    def live(self, *states: ActionState) -> list[ActionRecord]:
        """Actions that are not over (or are still commanded), in these states, the oldest first."""
        with self.lock:
            return [each for each in self._live.values() if not states or each.state in states]

    def find(self, id: str) -> ActionRecord | None:
        """An action that is not over, or still commanded."""
        return self._live.get(id)

    def commanded(self) -> dict[str, ActionRecord]:
        """The action of each command that held when that was last looked at."""
        with self.lock:
            return {command: self._live[id_] for command, id_ in self._commanded.items()}

    def holds(self, command: str) -> bool:
        """Whether a command held when that was last looked at."""
        return command in self._commanded

    def acting(self, object: str) -> list[ActionRecord]:
        """The actions that may be acting on an object now."""
        with self.lock:
            return [self._live[id_] for id_ in self._acting.get(object, ())]

    def starts(
        self, *, since: float, object: str | None = None, action: str | None = None, most: int | None = None
    ) -> list[Start]:
        """The attempts since then on an object, of an action, or of both, the latest first; at most so many."""
        with self.lock:
            listed = self._of_action[action] if object is None and action is not None else self._starts
            if object is not None:
                listed = self._of_object.get(object, deque())
            recent = takewhile(lambda each: each.at >= since, reversed(listed))
            return list(islice((each for each in recent if action is None or each.action == action), most))

    # -- changes ---------------------------------------------------------------------------------

    def change(self, record: ActionRecord, by: str = "", **fields: Any) -> ActionRecord:
        """The same action with other fields, durable when this returns."""
        (changed,) = self.write(changed=[replace(record, changed_at=self.clock(), **fields)], by=by)
        return changed

    def write(
        self, added: Sequence[ActionRecord] = (), changed: Sequence[ActionRecord] = (), by: str = ""
    ) -> tuple[ActionRecord, ...]:
        """New actions, and others as they are now: all of them or none, as they are written. Raises StoreError.

        One that is over ended when that was changed.
        """
        with self.lock:
            if self._closed:
                raise ClosedError
            written = self.store.write(added, list(map(_dated, changed)), by)
            for record in written:
                before = self._live.get(record.id)
                self._keep(record)
                if record.started_at is not None and (before is None or before.started_at != record.started_at):
                    self._started(record)
            if written:
                for listener in self._listeners:
                    listener(written)
            return written

    def pause(self, scope: str, by: str, reason: str) -> None:
        """Pause a scope, durably."""
        with self.lock:
            self.store.pause(scope, by, reason)
            self.pauses = self.store.pauses()

    def resume(self, scope: str) -> bool:
        """Resume a scope, durably; whether it was paused."""
        with self.lock:
            found = self.store.resume(scope)
            self.pauses = self.store.pauses()
            return found

    # -- what is known ---------------------------------------------------------------------------

    def _keep(self, record: ActionRecord) -> None:
        if self._commanded.get(record.command) == record.id and not record.commanded:
            del self._commanded[record.command]
        if record.commanded:
            self._commanded[record.command] = record.id
        if record.ended and not record.commanded:
            self._live.pop(record.id, None)
        else:
            self._live[record.id] = record
        if record.state in ACTING:
            self._acting[record.object].add(record.id)
        elif record.object in self._acting:
            self._acting[record.object].discard(record.id)
            if not self._acting[record.object]:
                del self._acting[record.object]

    def _started(self, record: ActionRecord) -> None:
        assert record.started_at is not None
        start = Start(record.started_at, record.id, record.action, record.object, record.kind, record.policy)
        for listed in (self._starts, self._of_object[record.object], self._of_action[record.action]):
            listed.append(start)
        oldest = self.clock() - self._remember
        while self._starts and self._starts[0].at < oldest:
            gone = self._starts.popleft()
            for by, key in ((self._of_object, gone.object), (self._of_action, gone.action)):
                if by[key] and by[key][0] is gone:
                    by[key].popleft()
                if not by[key]:
                    del by[key]


def _dated(record: ActionRecord) -> ActionRecord:
    """The same with the time of its end, once it is over."""
    return replace(record, ended_at=record.changed_at) if record.ended and record.ended_at is None else record
