"""
The lifecycle of a running estate: one thread that moves objects, raises events and takes steps of recovery.

What it hears (changes of the engine, outcomes of actions, the clock) only wakes it; it looks at the tables as they are
then, so nothing depends on what it was told while it was not there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog

from congresslite.api import Snapshot
from congresslite.config.lifecycle import LifecycleSettings
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.enforcement.enforcer import Enforcer
from congresslite.enforcement.host import Host
from congresslite.language.lifecycle_names import GONE, LEVELS, STAGES, is_event
from congresslite.live.core import Core
from congresslite.live.history import News
from congresslite.live.lifecycle.cycles import Cycles
from congresslite.live.lifecycle.handling import Handling
from congresslite.live.lifecycle.observing import Observing
from congresslite.live.lifecycle.outcomes import Outcomes
from congresslite.live.lifecycle.past import Past, Since
from congresslite.live.lifecycle.recovering import Recovering
from congresslite.live.lifecycle.tables import EVENT, SOURCE, STAGE, Batch, LifecycleTables, Move, Occurrence
from congresslite.live.pushed import PushedTables
from congresslite.live.sources import Sources
from congresslite.live.values import Pushed
from congresslite.schema import Changes, Row, Scalar
from congresslite.sources.drivers.push import PushDriver
from congresslite.store.records import ActionRecord

# How often it looks at what it waits for and is not told of, and again after something failed.
_OFTEN, _AGAIN = 1.0, 2.0
# Actions that are over and no longer commanded, which are looked at when it starts.
_LATEST = 1000

log = structlog.get_logger("congresslite.lifecycle")


class Lifecycle:
    """See above. Made when the estate is open, begun by `start`."""

    def __init__(
        self,
        settings: LifecycleSettings,
        core: Core,
        *,
        pushed: PushedTables,
        sources: Sources,
        enforcer: Enforcer,
        host: Host,
        since: Since,
    ) -> None:
        driver = sources[SOURCE].driver
        assert isinstance(driver, PushDriver), "it was opened so"
        self._core, self._enforcer, self._driver = core, enforcer, driver
        self._stages = frozenset((*STAGES, *settings.stages))
        self._tables = LifecycleTables(core, pushed)
        self._ending = threading.Event()
        self._cycles = Cycles(self._tables)
        self._outcomes = Outcomes(self._tables, self._stages)
        observe = {str(level): tables for level, tables in settings.observe.items()}
        self._observing = Observing(self._tables, observe, self._stages, host.stale)
        self._recovering = Recovering(self._tables, enforcer.journal, host.stale)
        past = Past(self._tables, enforcer, since)
        enforcer.doubt = past.doubt
        self._handling = Handling(self._tables, enforcer, host.stale, past, self._ending)
        self._changed = threading.Condition()
        self._woken = True
        self._acts: list[ActionRecord] = []
        self._watched: tuple[object, frozenset[str]] = (None, frozenset())
        self._thread = threading.Thread(target=self._run, name="lifecycle", daemon=True)

    def start(self) -> None:
        """Begin to look, at what came about while nobody did too."""
        self._outcomes.begin()
        self._enforcer.listen(self._acted)
        store = self._enforcer.journal.store
        self._acted((*store.latest(_LATEST), *store.live()))
        with self._core.lock:
            self._core.listen(self._told)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def wake(self) -> None:
        """Look now. Returns at once."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    # -- reports -----------------------------------------------------------------------------------

    def report(
        self, table: str, upsert: Sequence[Mapping[str, Any]] = (), delete: Sequence[Mapping[str, Any]] = ()
    ) -> Pushed:
        """Take what others report of stages and events; durable when it returns. Raises KeyError, SourceError.

        A time that is left out is now; a level, that of a VNF.
        """
        rows, keys = self._driver.rows(table, upsert), self._driver.keys(table, delete)
        if table not in ("stage", "event"):
            hint = "report rows of `stage` and `event`: what follows from these is found by itself"
            raise SourceError(Diagnostic("CL688", f"`{SOURCE}:{table}` takes no reports", None, hint, place=SOURCE))
        schema = STAGE if table == "stage" else EVENT
        with self._core.lock:
            batch = Batch()
            for key in keys:
                batch.drop(schema, key)
            if table == "stage":
                self._observing.turn()
                self._tables.move(batch, self._reported(rows))
            else:
                self._tables.raise_(batch, self._happened(rows))
            told = self._tables.write(batch)
        self.wake()
        return told

    def _reported(self, rows: Iterable[Row]) -> list[Move]:
        found, findings = [], []
        for object_, stage, since, level in rows:
            if stage not in self._stages and stage != GONE:
                hint = near_or_listed(str(stage), sorted(self._stages), "there are")
                findings.append(Diagnostic("CL689", f"there is no stage `{stage}`", None, hint, place=STAGE.name))
            findings += _unfit(object_, level, STAGE.name)
            at = float(since) if isinstance(since, int | float) else None
            found.append(Move(str(object_), str(stage), str(level or LEVELS[0]), at))
        if findings:
            raise SourceError(findings)
        return found

    def _happened(self, rows: Iterable[Row]) -> list[Occurrence]:
        found, findings = [], []
        for object_, event, at, level in rows:
            if not is_event(str(event)):
                hint = "events have `::` in their names, as LCS::POST_DEPLOY_ALIVE has"
                findings.append(Diagnostic("CL689", f"`{event}` is no event", None, hint, place=EVENT.name))
            findings += _unfit(object_, level, EVENT.name)
            when = float(at) if isinstance(at, int | float) else None
            found.append(Occurrence(str(object_), str(event), str(level or LEVELS[0]), when))
        if findings:
            raise SourceError(findings)
        return found

    # -- what it hears -----------------------------------------------------------------------------

    def _acted(self, records: Sequence[ActionRecord]) -> None:
        with self._changed:
            self._acts += records
            self._woken = True
            self._changed.notify_all()

    def _told(self, snapshot: Snapshot, changes: Changes | None, news: Sequence[News]) -> None:
        if self._watched[0] is not snapshot.program:
            self._watched = snapshot.program, self._recovering.reads(snapshot) | self._observing.names
        of_events = self._handling.noticed(snapshot, changes)
        if of_events or changes is None or any(any(changes.size(table)) for table in self._watched[1]):
            if of_events:
                self._handling.forget()
            self.wake()

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        wait: float | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._woken or self._ending.is_set(), timeout=wait)
                if self._ending.is_set():
                    return
                self._woken = False
                acted, self._acts = self._acts, []
            try:
                wait = self._turn(acted)
            except Exception:
                log.exception("a turn of lifecycles failed; it is taken again")
                with self._changed:
                    self._acts = acted + self._acts
                wait = _AGAIN

    def _turn(self, acted: Sequence[ActionRecord]) -> float | None:
        """Do what is to be done; how long until the next turn, if nobody wakes it."""
        # First what is seen as it is, so that what goes before an object moves, and comes again after, is seen to come.
        self._observing.turn()
        # What undoes an action bears the name of its rule, and is none of what the rule commands.
        over = [each for each in acted if each.ended and each.undoes is None]
        self._outcomes.take(over)
        self._observing.turn()
        self._handling.take(acted)
        self._recovering.take(over)
        self._recovering.turn()
        due = self._cycles.turn()
        self._handling.turn()
        times = [each for each in (due, self._recovering.due) if each is not None]
        waits = [max(0.0, min(times) - self._tables.clock())] if times else []
        if self._observing.waiting or self._recovering.waiting or self._handling.waiting:
            waits.append(_OFTEN)
        return min(waits, default=None)


def _unfit(object_: Scalar, level: Scalar, table: str) -> Iterator[Diagnostic]:
    """What is wrong with a report, whatever it tells of its object."""
    if not object_:
        hint = "name a VNF, a group of VMs or a deployment by its id"
        yield Diagnostic("CL689", "a report of no object: its name is empty", None, hint, place=table)
    if level is not None and level not in LEVELS:
        near = near_or_listed(str(level), LEVELS, "levels are")
        yield Diagnostic("CL689", f"there is no level `{level}`", None, near, place=table)


def refused_whole() -> SourceError:
    """Why the tables of lifecycles are not replaced as a whole."""
    hint = "report rows one by one, with POST; what is not told of stays as it is"
    return SourceError(Diagnostic("CL688", "stages and events are not replaced as a whole", None, hint, place=SOURCE))


def reserved() -> SourceError:
    """Why no source can be called as this one."""
    message = f"no source can be called `{SOURCE}`: its tables tell of stages and events"
    return SourceError(Diagnostic("CL687", message, None, "rename the source", place=f"sources.{SOURCE}"))
