"""
The core: the engine and the history of what it tells, changed together.

The rule to keep: one change at a time, and each is whole. Rows are first in the
engine, then the history says what they made of the violations, then those who
listen are told of both. Should the history fail, the engine is ahead of it, and
the next change begins by making them agree.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from congresslite.api import Engine, Policy, Snapshot
from congresslite.live.history import History, News
from congresslite.live.rules import Rules
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import Changes, Delta, Replacement, TableData

# Rows from which on a table is large.
LARGE = 10_000
# Values that an engine may keep beyond those that it began with; a quarter of a kilobyte each.
MANY = 1_000_000

log = structlog.get_logger("congresslite.core")

# Told of each change, in order, while nothing else can change: the state after it, what came and went in tables (None:
# tables themselves came or went), and what that made of the violations. Returns at once, and raises nothing.
Listener = Callable[[Snapshot, Changes | None, Sequence[News]], None]


class Core:
    """One engine and its history."""

    def __init__(self, engine: Engine, history: History) -> None:
        self.engine, self.history = engine, history
        self.lock = threading.RLock()
        self.last_change = time.time()
        self.seconds = 0.0  # that the last change took
        self._behind = True
        self._values = engine.values
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell somebody of each change from now on; whoever calls holds the lock, and knows the state until now."""
        self._listeners.append(listener)

    def snapshot(self) -> Snapshot:
        """The latest state."""
        return self.engine.snapshot()

    def begin(self) -> None:
        """Make the history agree with the engine, as at the start."""
        with self.lock, self._recording():
            pass

    def advance(self) -> None:
        """Let it be now for rules that ask what time it is."""
        with self.lock:
            found = self.engine.advance()
            if found.changed():
                with self._telling(found), self._recording() as at:
                    self.history.take(found, self.snapshot(), at)
                self.last_change = time.time()

    def renew(self, most: int | None = None) -> bool:
        """Renew the engine if it keeps many values (`most`) more than when it was new; whether it was.

        Time stamps and counters that change with every pull would fill the memory in the end.
        """
        with self.lock:
            if self.engine.values - self._values < (max(MANY, self._values // 2) if most is None else most):
                return False
            log.info("the engine is renewed", values=self.engine.values, at_first=self._values)
            self.engine = self.engine.renewed()
            self.history.rules = Rules(self.engine.program)
            self._values = self.engine.values
            return True

    def warm(self, tables: Iterable[str]) -> None:
        """Make the indexes that changes of large tables go through, so that nobody waits for them later.

        What would follow if one row went is found out, and forgotten.
        """
        for name in tables:
            rows, total = self.snapshot().select(name, limit=1)
            if total >= LARGE:
                self.engine.what_if({name: Delta(delete=rows)})
                schema = self.snapshot().schema(name)
                key = schema.key or tuple(column.name for column in schema.columns)
                self.snapshot().matching(name, key, [tuple(rows[0][schema.position(each) or 0] for each in key)])

    def apply(
        self,
        changes: Mapping[str, Delta | Replacement],
        *,
        seen: Iterable[str] = (),
        durable: Callable[[], None] | None = None,
    ) -> Changes:
        """Take rows; `seen` are tables that are known from now on. Raises as `Engine.apply` does.

        `durable` makes rows that cannot be pulled again last; it is called once they are known to fit, and if it
        raises they are taken back (so it is only for changes that are plain deltas).
        """
        with self.lock:
            started = time.perf_counter()
            found = self.engine.apply(changes)
            if durable is not None:
                self._made_durable(durable, changes)
            snapshot = self.snapshot()
            with self._telling(found), self._recording() as at:
                self.history.take(found, snapshot, at)
                self.history.see(seen, snapshot, at)
            self._done(started)
            return found

    def _made_durable(self, durable: Callable[[], None], changes: Mapping[str, Delta | Replacement]) -> None:
        try:
            durable()
        except BaseException:
            deltas = {name: each for name, each in changes.items() if isinstance(each, Delta)}
            self.engine.apply({name: Delta(each.delete, each.insert) for name, each in deltas.items()})
            raise

    def revise(self, policies: Sequence[Policy] = (), remove: Iterable[str] = ()) -> Changes:
        """Change policies. Raises as `Engine.apply` does."""
        with self.lock:
            started = time.perf_counter()
            found = self.engine.apply(policies=policies, remove=remove)
            self._revised(found, started)
            return found

    def oppose(self, foreign: Sequence[ForeignRule]) -> None:
        """Take rules of other engines that may contradict the policies here. Raises as `Engine.oppose` does."""
        with self.lock:
            started = time.perf_counter()
            self._revised(self.engine.oppose(foreign), started)

    def _revised(self, found: Changes, started: float) -> None:
        with self._telling(found), self._recording() as at:
            self.history.revise(found, self.snapshot(), at)
        self._done(started)

    def attach(self, tables: Mapping[str, TableData], unseen: Iterable[str]) -> None:
        """Take the tables of a further source; `unseen` are those that were never pulled."""
        with self.lock:
            self.engine.attach(tables)
            self.history.unseen |= frozenset(unseen)
            with self._telling(None):
                pass

    def detach(self, tables: Iterable[str]) -> None:
        """Forget the tables of a source. Raises PolicyError if a policy reads them."""
        with self.lock:
            gone = frozenset(tables)
            self.engine.detach(gone)
            self.history.unseen -= gone
            with self._telling(None):
                pass

    def _done(self, started: float) -> None:
        self.seconds = time.perf_counter() - started
        self.last_change = time.time()

    @contextmanager
    def _telling(self, changes: Changes | None) -> Iterator[None]:
        """Tell those who listen of a change, even if the history cannot be written: the engine has it."""
        try:
            yield
        finally:
            news, self.history.news = self.history.news, []
            if changes is not None:
                changes.settle()
            for listener in self._listeners:
                listener(self.snapshot(), changes, news)

    @contextmanager
    def _recording(self) -> Iterator[float]:
        """The time of a change to the history; if the history is behind, it is brought up to date instead."""
        at = time.time()
        if self._behind:
            self.history.reconcile(self.snapshot(), at)
            self._behind = False
        try:
            yield at
        except BaseException:
            self._behind = True
            log.exception("the history could not be written; it is made to agree with the next change")
            raise
