"""
Runners: one source, one thread, its own schedule.

A runner pulls each feed that somebody wants when it is due, sooner when the
source tells of a change or an operator asks, and later and later while pulls
fail. The rule to keep: the thread never dies of what a source does; whatever a
pull raises becomes the reason why its feed is stale.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import structlog

from congresslite.diagnostics import CongressliteError, Diagnostic, SourceError
from congresslite.live.feeds import FeedState
from congresslite.live.intake import HeldBackError
from congresslite.sources.driver import Deadline, Driver, Pull, Watch

log = structlog.get_logger("congresslite.source")

# While pulls fail, the next one comes after 1, 2, 4, … seconds, but no later than this or than `every`.
SLOWEST = 60.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a source is pulled; seconds, and a share of `every` by which each wait is shorter or longer."""

    every: float = 30.0
    deadline: float = 60.0
    jitter: float = 0.1
    lazy: bool = True


@dataclass(slots=True)
class _Request:
    """A pull that is asked for: of all, or (`keys`) of some objects; who waits for it is told how it went."""

    keys: set[str] | None
    accept_empty: bool = False
    waiting: list[_Ticket] = field(default_factory=list)


@dataclass(slots=True)
class _Ticket:
    done: threading.Event = field(default_factory=threading.Event)
    error: CongressliteError | None = None


# Takes what a pull brought: (feed, pull, accept_empty). Raises SourceError, HeldBackError.
Take = Callable[[FeedState, Pull, bool], None]
# Told whenever a feed's health changed.
Notice = Callable[[FeedState], None]


class Runner:
    """Pulls one source. `start` and `stop` it once."""

    def __init__(
        self,
        name: str,
        driver: Driver,
        feeds: Mapping[str, FeedState],
        schedule: Schedule,
        *,
        take: Take,
        notice: Notice,
    ) -> None:
        self.name, self.driver, self.feeds, self.schedule = name, driver, feeds, schedule
        self._take, self._notice = take, notice
        self._condition = threading.Condition()
        self._requests: dict[str, _Request] = {}
        self._watch: Watch | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"source {name}", daemon=True)
        self._random = random.Random()  # noqa: S311 - jitter

    # -- from any thread -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to pull and to listen."""
        self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """End the thread; a pull that is under way is waited for, but not long."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join(patience)
        if self._watch is not None:
            self._watch.close()
        self.driver.close()

    def wake(self, feed: str, keys: Collection[str] | None = None) -> None:
        """See `Wake`."""
        self._ask(feed, keys)

    def refresh(self, feed: str | None, *, accept_empty: bool = False) -> None:
        """Pull one feed, or all that are wanted, and wait until it is done. Raises SourceError, KeyError."""
        names = [name for name, state in self.feeds.items() if state.wanted] if feed is None else [feed]
        unknown = [name for name in names if name not in self.feeds]
        if unknown:
            raise KeyError(unknown[0])
        tickets = [self._ask(name, None, accept_empty=accept_empty, ticket=_Ticket()) for name in names]
        patience = time.monotonic() + 2 * self.schedule.deadline * max(1, len(tickets))
        findings: list[Diagnostic] = []
        for ticket in tickets:
            assert ticket is not None
            if not ticket.done.wait(max(0.0, patience - time.monotonic())):
                findings.append(_not_done(self.name))
            elif ticket.error is not None:
                findings += ticket.error.diagnostics
        if findings:
            raise SourceError(findings)

    def want(self, tables: Collection[str]) -> None:
        """Pull the feeds of these tables (full names) from now on, and of the others only if the source is not lazy."""
        with self._condition:
            for state in self.feeds.values():
                wanted = not self.schedule.lazy or any(table in tables for table in state.tables)
                if wanted and not state.wanted and not state.next_pull:
                    state.next_pull = time.time() + self._random.random() * min(1.0, self.schedule.every * 0.1)
                state.wanted = wanted
            self._condition.notify_all()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def watching(self) -> bool:
        """Whether the source tells of changes by itself."""
        return self._watch is not None

    @property
    def watch_fault(self) -> str | None:
        """Why it does not hear of changes at the moment."""
        return None if self._watch is None else self._watch.fault

    def _ask(
        self, feed: str, keys: Collection[str] | None, *, accept_empty: bool = False, ticket: _Ticket | None = None
    ) -> _Ticket | None:
        with self._condition:
            if self._stopped and ticket is not None:
                ticket.error = SourceError(_not_done(self.name))
                ticket.done.set()
                return ticket
            request = self._requests.setdefault(feed, _Request(set()))
            request.keys = None if keys is None or request.keys is None else request.keys | set(keys)
            request.accept_empty |= accept_empty
            if ticket is not None:
                request.waiting.append(ticket)
            self._condition.notify_all()
        return ticket

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._watch = self.driver.watch(self.wake)
        except Exception as fault:
            log.warning("watch failed", source=self.name, error=_first_line(fault))
        while (job := self._next()) is not None:
            state, request = job
            failure = self._pull(state, request)
            for ticket in request.waiting:
                ticket.error = failure
                ticket.done.set()

    def _next(self) -> tuple[FeedState, _Request] | None:
        """What to pull next, once it is time for it; None when all is over."""
        with self._condition:
            while not self._stopped:
                for name in list(self._requests):
                    request = self._requests.pop(name)
                    if name in self.feeds and (self.feeds[name].wanted or request.waiting):
                        return self.feeds[name], request
                now = time.time()
                due = [state for state in self.feeds.values() if state.wanted and state.next_pull is not None]
                first = min(due, key=lambda state: state.next_pull or 0.0, default=None)
                if first is not None and (first.next_pull or 0.0) <= now:
                    return first, _Request(None)
                self._condition.wait(None if first is None else (first.next_pull or 0.0) - now)
            for request in self._requests.values():
                for ticket in request.waiting:
                    ticket.error = SourceError(_not_done(self.name))
                    ticket.done.set()
            return None

    def _pull(self, state: FeedState, request: _Request) -> CongressliteError | None:
        """Pull and hand on; what goes wrong is noted, and given back for whoever waits."""
        whole = request.keys is None
        try:
            pull = None
            if request.keys:
                pull = self.driver.pull_some(state.feed.name, request.keys, Deadline.after(self.schedule.deadline))
            if pull is None:
                whole = True
                pull = self.driver.pull(state.feed.name, Deadline.after(self.schedule.deadline))
            self._take(state, pull, request.accept_empty)
        except CongressliteError as error:
            self._failed(state, error)
            return error
        except Exception as error:  # a driver's own fault must not end the thread
            log.exception("driver failed", source=self.name, feed=state.feed.name)
            failure = SourceError(_unexpected(self.name, state.feed.name, error))
            self._failed(state, failure)
            return failure
        self._succeeded(state, whole)
        return None

    def _succeeded(self, state: FeedState, whole: bool) -> None:
        now = time.time()
        if whole:
            changed = state.succeeded(now)
            state.next_pull = now + self.schedule.every * (1 + self.schedule.jitter * self._random.uniform(-1, 1))
            if changed:
                self._notice(state)

    def _failed(self, state: FeedState, error: CongressliteError) -> None:
        now = time.time()
        changed = state.failed(now, error.diagnostics, held_back=isinstance(error, HeldBackError))
        slowest = max(SLOWEST, self.schedule.every)
        wait = (
            self.schedule.every
            if isinstance(error, HeldBackError)
            else min(slowest, 2.0 ** min(state.failures - 1, 16))
        )
        state.next_pull = now + wait * (1 + self.schedule.jitter * self._random.uniform(-1, 1))
        if changed:
            log.warning("pull failed", source=self.name, feed=state.feed.name, why=error.diagnostics[0].message)
            self._notice(state)


def _not_done(source: str) -> Diagnostic:
    return Diagnostic("CL574", f"source `{source}` could not be pulled in time", None, "try again later", place=source)


def _unexpected(source: str, feed: str, error: Exception) -> Diagnostic:
    return Diagnostic(
        "CL570",
        f"pulling `{feed}` of `{source}` failed unexpectedly: a {type(error).__name__}",
        None,
        "the log has the whole story; please report it",
        place=source,
    )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
