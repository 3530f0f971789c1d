"""
Actions in the running estate: what enforcement needs of it, and what became of actions as a table that rules may read.

`enforcement:action` has the actions that are not over, those that are still commanded, and the last ones that ended.
It follows the journal within moments, in a thread of its own, so that no call of a target waits for the engine.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence, Set
from pathlib import Path

import structlog

from congresslite.analysis.belonging import Belonging
from congresslite.api import Snapshot
from congresslite.config.models import Config
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.enforcement.enforcer import Enforcer
from congresslite.enforcement.host import Lease
from congresslite.enforcement.targets import Targets
from congresslite.live.core import Core
from congresslite.live.filled import FilledDriver, filled_source
from congresslite.live.history import News
from congresslite.live.sources import Sources
from congresslite.schema import Changes, Delta, Row, RowsTable, TableData
from congresslite.sources import shipped_definition
from congresslite.store.records import ActionRecord
from congresslite.store.store import Store

SOURCE = "enforcement"
# Ended actions that rules can still see.
_SEEN = 1000
ACTION = shipped_definition(SOURCE).schema("action")

log = structlog.get_logger("congresslite.action")


class ActionTable:
    """The table of actions; known before there is an engine, kept current once there is."""

    def __init__(self, store: Store, sources: Sources) -> None:
        if SOURCE in sources:
            raise SourceError(_taken())
        sources.adopt(filled_source(SOURCE, FilledDriver({"action": ACTION}), SOURCE))
        ended = [each for each in store.actions.latest(_SEEN) if each.ended and not each.commanded]
        known = {each.id: each for each in (*ended, *store.actions.live())}
        self._rows: OrderedDict[str, Row] = OrderedDict((id_, _row(each)) for id_, each in known.items())
        self._over = OrderedDict.fromkeys(each.id for each in ended)
        self._pending: dict[str, ActionRecord] = {}
        self._changed = threading.Condition()
        self._ending = False
        self._core: Core | None = None
        self._thread = threading.Thread(target=self._run, name="action-table", daemon=True)

    @property
    def data(self) -> TableData:
        """Its rows as they are now."""
        return RowsTable(ACTION, list(self._rows.values()))

    def start(self, core: Core) -> None:
        """Begin to tell the engine."""
        self._core = core
        self._thread.start()

    def stop(self) -> None:
        """Tell the engine no more."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def take(self, records: Sequence[ActionRecord]) -> None:
        """Actions that changed; returns at once."""
        with self._changed:
            self._pending.update((each.id, each) for each in records)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ending or self._pending)
                if self._ending:
                    return
                pending, self._pending = self._pending, {}
            try:
                assert self._core is not None
                self._core.apply({ACTION.name: self._delta(pending)})
            except Exception:
                log.exception("the table of actions could not be changed; it follows with the next change")

    def _delta(self, pending: dict[str, ActionRecord]) -> Delta:
        gone = [self._rows[id_] for id_ in pending if id_ in self._rows]
        for id_, record in pending.items():
            self._rows[id_] = _row(record)
            if record.ended and not record.commanded:
                self._over[id_] = None
        come = [self._rows[id_] for id_ in pending]
        while len(self._over) > _SEEN:
            oldest, _ = self._over.popitem(last=False)
            gone.append(self._rows.pop(oldest))
        return Delta(insert=[row for row in come if row[0] in self._rows], delete=gone)


class EstateHost:
    """A Host, over the parts of a running estate."""

    def __init__(self, core: Core, sources: Sources, lease: Lease) -> None:
        self._core, self._sources, self._lease = core, sources, lease

    def notice(self, told: Callable[[], None]) -> None:
        """Tell somebody when it changes how current a table is."""
        self._sources.noticed.append(told)

    def snapshot(self) -> Snapshot:
        """See `Host`."""
        return self._core.snapshot()

    @property
    def belonging(self) -> Belonging:
        """See `Host`."""
        return self._core.history.belonging

    def stale(self, tables: Set[str]) -> str | None:
        """See `Host`."""
        late = {}
        for table in tables:
            source = self._sources.of_table(table)
            feed = None if source is None else source.feed_of(table)
            if feed is not None and feed.health() != "fresh":
                late[table] = feed.health()
        if not late:
            return None
        states = " and ".join(sorted({each.replace("_", " ") for each in late.values()}))
        return f"what it rests on is not current: {_named(late)} ({states})"

    @property
    def epoch(self) -> int:
        """See `Host`."""
        return self._lease.epoch

    def held(self) -> bool:
        """See `Host`."""
        return self._lease.held()

    def over(self, epoch: int) -> bool:
        """See `Host`."""
        return self._lease.over(epoch)


class Acting:
    """Enforcement in the running estate."""

    def __init__(
        self, config: Config, base: Path, core: Core, *, store: Store, table: ActionTable, host: EstateHost
    ) -> None:
        self._core, self._table = core, table
        self.enforcer = Enforcer(
            config.enforcement,
            config.max_affected,
            host=host,
            store=store.actions,
            targets=Targets.open(config.enforcement, base, config.state / "actions"),
        )
        self.enforcer.listen(table.take)
        host.notice(self.enforcer.changed)
        self._program: object = None

    def start(self) -> None:
        """Begin to act."""
        self._table.start(self._core)
        with self._core.lock:
            self._core.listen(self._told)
        self.enforcer.start()

    def stop(self) -> None:
        """Begin nothing more."""
        self.enforcer.stop()
        self._table.stop()

    def _told(self, snapshot: Snapshot, changes: Changes | None, news: Sequence[News]) -> None:
        rules = self.enforcer.rules(snapshot)
        if changes is None or self._program is not snapshot.program:
            self._program = snapshot.program
            self.enforcer.changed()
        elif any(any(changes.size(table)) for table in rules.tables):
            self.enforcer.changed(list(rules.gone(changes)))


def _row(record: ActionRecord) -> Row:
    return (
        record.id,
        record.action,
        record.object,
        record.state,
        record.policy,
        record.rule,
        record.attempt,
        record.reason,
        record.changed_at,
    )


def _named(tables: Collection[str]) -> str:
    """Some tables as people read them."""
    listed = sorted(tables)
    return ", ".join(f"`{each}`" for each in listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def _taken() -> Diagnostic:
    message = f"no source can be called `{SOURCE}`: its tables tell what became of actions"
    return Diagnostic("CL674", message, None, "rename the source", place=f"sources.{SOURCE}")
