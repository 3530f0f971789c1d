"""
The driver `monitor`: probes from outside, and the tables of what they found.

Probes run on their own schedules, from the first pull on; a pull gives the
latest measurements and waits only until each probe was measured once. A probe
that could not be run is a row that says so: its state is unknown.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import Choice, Column, RowsTable, TableSchema, Type
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Deadline, Feed, Part, Pull, Wake
from congresslite.sources.probes.board import Board
from congresslite.sources.probes.measurement import Measurement
from congresslite.sources.probes.prober import Prober
from congresslite.sources.probes.schedule import Schedule
from congresslite.sources.probes.settings import Model, Probe, ScriptProbe, SnmpProbe

FEED = "probes"


class Settings(Model):
    """What the driver wants to know."""

    probes: tuple[Probe, ...] = Field(description="What is measured.")
    scripts: Path | None = Field(default=None, description="The folder of the scripts that may be run.")
    at_once: int = Field(default=64, ge=1, le=1000, description="How many probes may run at the same time.")

    @model_validator(mode="after")
    def _folder_of_scripts(self) -> Self:
        if self.scripts is None and any(isinstance(each, ScriptProbe) for each in self.probes):
            raise ValueError("probes of type `script` need `scripts`, the folder of the scripts")
        return self


def open_driver(source: str, settings: Settings, definition: Definition | None = None) -> MonitorDriver:
    """The driver of a source. Raises SourceError for two probes of one metric (CL546), or without pysnmp (CL547)."""
    times = Counter((each.object, each.metric) for each in settings.probes)
    findings = [
        Diagnostic("CL546", f"metric `{metric}` of `{name}` has {count} probes", hint="give each a name of its own")
        for (name, metric), count in times.items()
        if count > 1
    ]
    if findings:
        raise SourceError(findings)
    return MonitorDriver(source, settings)


class MonitorDriver:
    """Measures what others only claim."""

    def __init__(self, source: str, settings: Settings) -> None:
        self.schemas: Mapping[str, TableSchema] = {"metric": _metric(source), "state": _state(source)}
        self.owners: Mapping[str, str] = {}
        self.feeds: Sequence[Feed] = (Feed(FEED, ("metric", "state")),)
        self._settings = settings
        self._board = Board(settings.probes)
        self._prober = Prober(settings.scripts, snmp=any(isinstance(each, SnmpProbe) for each in settings.probes))
        self._schedule: Schedule | None = None
        self._starting = threading.Lock()
        self._wake: Wake | None = None

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        """The latest measurements. Raises SourceError if there is not one of each probe by the deadline."""
        self._start()
        self._board.wait(deadline)
        return dict(zip(self.schemas, self._tables(None), strict=True))

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> Pull:
        """The latest measurements of some objects."""
        self._start()
        self._board.wait(deadline)
        objects = frozenset(keys)
        parts = (Part("object", objects, table) for table in self._tables(objects))
        return dict(zip(self.schemas, parts, strict=True))

    def watch(self, wake: Wake) -> MonitorWatch:
        """Tell of each measurement that differs from the one before."""
        self._wake = wake
        self._start()
        return MonitorWatch(self)

    @property
    def fault(self) -> str | None:
        """Why nothing is measured at the moment."""
        schedule = self._schedule
        return "the probes do not run yet" if schedule is None else schedule.fault

    def close(self) -> None:
        """Stop the probes."""
        with self._starting:
            self._wake = None
            if self._schedule is not None:
                self._schedule.close()

    def _start(self) -> None:
        """See to it that the probes run, also if they had ended."""
        with self._starting:
            if self._schedule is None or not self._schedule.running:
                probes = self._settings.probes
                self._schedule = Schedule(probes, self._prober, self._told, self._settings.at_once)

    def _told(self, probe: Probe, measurement: Measurement) -> None:
        wake = self._wake
        if self._board.record(probe, measurement, time.time()) and wake is not None:
            wake(FEED, (probe.object,))

    def _tables(self, objects: Collection[str] | None) -> tuple[RowsTable, RowsTable]:
        metrics, states = self._board.rows(objects)
        return RowsTable(self.schemas["metric"], metrics), RowsTable(self.schemas["state"], states)


class MonitorWatch:
    """The watch of a driver whose probes run."""

    def __init__(self, driver: MonitorDriver) -> None:
        self._driver = driver

    @property
    def fault(self) -> str | None:
        """Why nothing is measured at the moment."""
        return self._driver.fault

    def close(self) -> None:
        """Stop the probes; a later pull starts them again."""
        self._driver.close()


def _metric(source: str) -> TableSchema:
    columns = (
        Column("object", Type.STR, description="what was measured"),
        Column("metric", Type.STR, description="the name of the probe"),
        Column("value", Type.FLOAT, description="null if there is none; times are in seconds"),
        Column("at", Type.STR, description="when it was measured, in UTC"),
        Column("ok", Type.BOOL, description="whether the probe ran and found what it expects"),
        Column("error", Type.STR, description="why not; null if all is well"),
    )
    return TableSchema(f"{source}:metric", columns, ("object", "metric"), "The latest measurement of each probe")


def _state(source: str) -> TableSchema:
    columns = (
        Column("object", Type.STR, description="what was measured"),
        Column("metric", Type.STR, description="the name of the probe"),
        Column("state", Type.STR, domain=Choice(("true", "false", "unknown")), description="of the threshold"),
        Column("since", Type.STR, description="since when, in UTC"),
        Column("alarm_at", Type.STR, description="when the alarm was last raised; null unless the state is true"),
    )
    return TableSchema(f"{source}:state", columns, ("object", "metric"), "Whether the condition of each probe holds")
