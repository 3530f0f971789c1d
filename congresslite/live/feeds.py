"""
Feeds: what is known of how current the tables of a source are.

The rule to keep: rows count as current only while pulls go well and come in
time. Everything else has a name of its own (never pulled, failed, held back,
overdue), a moment since when, and findings that say why.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from congresslite.diagnostics import Diagnostic
from congresslite.live.values import FeedStatus, Health
from congresslite.sources.driver import Feed


@dataclass(slots=True)
class FeedState:
    """One feed. Whoever changes it holds the lock of its source; times are those of `time.time()`."""

    source: str
    feed: Feed
    every: float | None  # seconds between pulls; None: it is not pulled, others push
    grace: float = 0.0  # seconds after which a pull that was due counts as missed
    wanted: bool = False  # somebody reads a table of it
    last_success: float | None = None
    last_attempt: float | None = None
    since: float | None = None
    held_back: bool = False
    findings: tuple[Diagnostic, ...] = ()
    next_pull: float | None = None
    failures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def tables(self) -> tuple[str, ...]:
        """The full names of its tables."""
        return tuple(f"{self.source}:{table}" for table in self.feed.tables)

    @property
    def seen(self) -> bool:
        """Whether its tables have been pulled, now or before a restart."""
        return self.every is None or self.last_success is not None

    def inherit(self, before: Sequence[FeedState]) -> None:
        """Be as current as the feeds that brought its tables until now."""
        successes = [each.last_success for each in before]
        known = [each for each in successes if each is not None]
        self.last_success = min(known) if known and len(known) == len(successes) else None
        self.since = min((each.since for each in before if each.since is not None), default=None)
        self.held_back = any(each.held_back for each in before)
        self.findings = tuple(finding for each in before for finding in each.findings)

    def succeeded(self, at: float) -> bool:
        """Note a pull that went well; whether that changes the feed's health."""
        with self.lock:
            changed = self._health(at) != "fresh"
            self.last_success = self.last_attempt = at
            self.since, self.held_back, self.findings, self.failures = None, False, (), 0
            return changed

    def failed(self, at: float, findings: tuple[Diagnostic, ...], *, held_back: bool = False) -> bool:
        """Note a pull that failed, or one that is held back; whether that changes what is told of the feed."""
        with self.lock:
            changed = self.since is None or self.held_back != held_back or self.findings != findings
            self.last_attempt = at
            self.since = self.since or at
            self.held_back, self.findings = held_back, findings
            self.failures += 1
            return changed

    def health(self, now: float | None = None) -> Health:
        """How current the feed is now."""
        with self.lock:
            return self._health(time.time() if now is None else now)

    def _health(self, now: float) -> Health:
        if self.every is None:
            return "fresh"
        if self.since is not None:
            return "held_back" if self.held_back else "stale" if self.last_success is not None else "pending"
        if not self.wanted:
            return "lazy"
        if self.last_success is None:
            return "pending"
        return "stale" if now - self.last_success > self._patience else "fresh"

    @property
    def _patience(self) -> float:
        return 2 * (self.every or 0.0) + self.grace

    def status(self, now: float | None = None) -> FeedStatus:
        """What is told of the feed."""
        now = time.time() if now is None else now
        with self.lock:
            health = self._health(now)
            since, findings = self.since, self.findings
            if health == "stale" and since is None and self.last_success is not None:
                since = self.last_success + self._patience
                findings = (_overdue(self),)
            return FeedStatus(
                self.feed.name,
                self.tables,
                health,
                self.last_success,
                self.last_attempt,
                since,
                findings,
                self.next_pull,
                self.every is not None,
            )


def _overdue(state: FeedState) -> Diagnostic:
    return Diagnostic(
        "CL571",
        f"feed `{state.feed.name}` of `{state.source}` was not pulled in time",
        None,
        "a pull hangs, or takes longer than the source's `every` and `deadline` allow",
        place=state.source,
    )


# Told that the freshness of a source has changed.
Notice = Callable[[FeedState], None]
