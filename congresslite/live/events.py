"""
Events: what happened, told once to everybody who watches.

A batch is told as one event, however much it changed; what is too much to be
told one by one is told as "list anew". A watcher that was away names the last
batch that it knows and gets those it missed, from memory or from the store.
The rule to keep: whoever publishes never waits for whoever watches.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from congresslite.live.values import Event
from congresslite.store.records import Batch, Opened, RuleRecord, ViolationRecord

# Batches that are kept in memory, and violations that one event tells one by one.
KEPT = 1000
MOST = 500
HEARTBEAT = 15.0


@dataclass(frozen=True, slots=True)
class Change:
    """A violation that came or went, as far as it is told."""

    id: str
    rule: RuleRecord
    object: str | None
    tenant: str | None
    site: str | None
    message: str

    @staticmethod
    def of(known: Opened | ViolationRecord) -> Change:
        """What is told of a violation."""
        return Change(known.id, known.rule, known.object, known.tenant, known.site, known.message)

    def document(self) -> dict[str, Any]:
        """The change as JSON has it."""
        return {
            "id": self.id,
            "policy": self.rule.policy,
            "rule": self.rule.rule,
            "kind": self.rule.kind,
            "severity": self.rule.severity,
            "mode": self.rule.mode,
            "object": self.object,
            "site": self.site,
            "message": self.message,
        }


@dataclass(slots=True)
class Happened:
    """A batch with what came, went and is told otherwise (as it was, as it is); None where that is too much to be told.

    Texts are made once a tenant.
    """

    batch: Batch
    opened: Sequence[Change] | None
    resolved: Sequence[Change] | None
    changed: Sequence[tuple[Change, Change]] | None = ()
    _texts: dict[str | None, Event] = field(default_factory=dict)

    def event(self, tenant: str | None) -> Event:
        """The event for those who may see the objects of one tenant, or (None) all."""
        known = self._texts.get(tenant)
        if known is None:
            known = self._texts[tenant] = self._made(tenant)
        return known

    def _made(self, tenant: str | None) -> Event:
        head = {"batch": self.batch.number, "at": rfc3339(self.batch.at)}
        if self.opened is None or self.resolved is None or self.changed is None:
            return Event(self.batch.number, "reload", json.dumps(head))
        told: dict[str, list[Change]] = {"opened": [*self.opened], "resolved": [*self.resolved], "changed": []}
        for before, after in self.changed:
            # For a tenant, what becomes another one's is gone, as it was last told, and what becomes its own is new.
            lost, gained = (tenant not in (None, each.tenant) for each in (after, before))
            told["resolved" if lost else "opened" if gained else "changed"].append(before if lost else after)
        documents = {
            key: [each.document() for each in changes if tenant in (None, each.tenant)] for key, changes in told.items()
        }
        return Event(self.batch.number, "violations", json.dumps({**head, **documents}))


# The batches after a number, from the store.
Replay = Callable[[int], Sequence[Happened]]


class Hub:
    """Hands events to those who watch, at most `most` at a time."""

    def __init__(self, replay: Replay, last: int, *, most: int = 64) -> None:
        self._replay, self._most = replay, most
        self._changed = threading.Condition()
        self._recent: deque[Happened] = deque(maxlen=KEPT)
        self._last = last  # the number of the last batch that was published
        self._sources = 0  # how often the freshness of sources changed
        self._watchers = 0
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._watchers

    def publish(self, happened: Happened) -> None:
        """Tell a batch."""
        with self._changed:
            self._recent.append(happened)
            self._last = happened.batch.number
            self._changed.notify_all()

    def publish_sources(self) -> None:
        """Tell that the freshness of a source changed."""
        with self._changed:
            self._sources += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End every watch."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def watch(self, tenant: str | None, after: int | None) -> Watcher:
        """See `LiveEstate.watch`. The place is taken at once, and given back when the watcher is closed."""
        with self._changed:
            if self._watchers >= self._most:
                raise RuntimeError(f"{self._most} watch already")
            self._watchers += 1
            known = self._last if after is None else min(after, self._last)
        return Watcher(self, tenant, known)

    def _left(self) -> None:
        with self._changed:
            self._watchers -= 1

    def _after(self, known: int) -> Sequence[Happened]:
        """The batches after a number: from memory, or else from the store."""
        recent = [each for each in tuple(self._recent) if each.batch.number > known]
        if known < self._last and (not recent or recent[0].batch.number > known + 1):
            return self._replay(known)
        return recent

    def _wait(self, known: int, sources: int, until: float) -> bool:
        """Wait for news; whether there are any. False when it is time for a heartbeat, or when all is over."""
        with self._changed:
            while not self._closed and self._last <= known and self._sources == sources:
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return False
            return not self._closed


class Watcher(Iterator["Event | None"]):
    """One watcher: events as they come, None for a heartbeat, the end when all is over. To be closed by who asked."""

    def __init__(self, hub: Hub, tenant: str | None, known: int) -> None:
        self._hub, self._tenant, self._known = hub, tenant, known
        self._sources = hub._sources
        self._pending: deque[Event] = deque()
        self._open = True

    def __iter__(self) -> Iterator[Event | None]:
        return self

    def __next__(self) -> Event | None:
        if self._pending:
            return self._pending.popleft()
        hub = self._hub
        if not self._open:
            raise StopIteration
        if not hub._wait(self._known, self._sources, time.monotonic() + HEARTBEAT):
            if hub._closed:
                self.close()
                raise StopIteration
            return None
        if hub._sources != self._sources:
            self._sources = hub._sources
            self._pending.append(Event(self._known, "sources", "{}"))
        for happened in hub._after(self._known):
            self._known = happened.batch.number
            self._pending.append(happened.event(self._tenant))
        return self._pending.popleft() if self._pending else None

    def close(self) -> None:
        """Give the place back."""
        if self._open:
            self._open = False
            self._hub._left()

    def __del__(self) -> None:
        self.close()


def rfc3339(at: float) -> str:
    """A time as REST tells it, in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
