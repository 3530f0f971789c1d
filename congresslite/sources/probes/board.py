"""
The board: the latest measurement of each probe, and where its condition stands.

One thread writes, others read. A measurement that is overdue does not count:
were the probes to stop, their objects would become unknown and not stay well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from congresslite.schema import Row
from congresslite.sources.driver import Deadline
from congresslite.sources.probes.hysteresis import Standing, after, verdict
from congresslite.sources.probes.measurement import Measurement, not_run
from congresslite.sources.probes.settings import Probe


@dataclass(frozen=True, slots=True)
class _Latest:
    """The latest measurement of a probe, when it was made, and where the condition stands since."""

    probe: Probe
    measurement: Measurement
    at: float
    standing: Standing

    def by(self, now: float) -> _Latest:
        """What is known at a later time: nothing any more, once two measurements are overdue."""
        until = self.at + 2 * (self.probe.every + self.probe.timeout)
        if now <= until:
            return self
        return replace(
            self,
            measurement=not_run(f"not measured since {moment(self.at)}"),
            standing=Standing("unknown", until),
        )

    @property
    def metric(self) -> Row:
        """The row of the table of metrics."""
        found = self.measurement
        return (self.probe.object, self.probe.metric, found.value, moment(self.at), found.ok, found.fault)

    @property
    def state(self) -> Row:
        """The row of the table of states."""
        standing = self.standing
        alarm_at = None if standing.alarm_at is None else moment(standing.alarm_at)
        return (self.probe.object, self.probe.metric, standing.state, moment(standing.since), alarm_at)


class Board:
    """What is known of each probe; until all were measured once, nobody gets to see it."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], _Latest] = {}
        self._wanted = len(probes)
        self._complete = threading.Event()
        if not probes:
            self._complete.set()

    def record(self, probe: Probe, measurement: Measurement, at: float) -> bool:
        """Note a measurement; whether it tells anything but that time went by."""
        key = (probe.object, probe.metric)
        with self._lock:
            before = self._latest.get(key)
            standing = Standing("unknown", at) if before is None else before.by(at).standing
            standing = after(standing, verdict(measurement, probe.threshold), at, probe.threshold)
            latest = _Latest(probe, measurement, at, standing)
            self._latest[key] = latest
            if len(self._latest) == self._wanted:
                self._complete.set()
        return before is None or before.measurement != measurement or before.state != latest.state

    def wait(self, deadline: Deadline) -> None:
        """Wait until each probe was measured once. Raises SourceError (CL474) if that takes too long."""
        while not self._complete.wait(deadline.left(threading.TIMEOUT_MAX)):
            pass

    def rows(self, objects: Collection[str] | None = None) -> tuple[list[Row], list[Row]]:
        """The rows of both tables: metrics and states; only those of these objects, or (None) all."""
        now = time.time()
        with self._lock:
            latest = [each for each in self._latest.values() if objects is None or each.probe.object in objects]
        current = [each.by(now) for each in latest]
        return [each.metric for each in current], [each.state for each in current]


def moment(at: float) -> str:
    """A time as rows hold it: in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
