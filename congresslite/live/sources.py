"""
The sources of a running estate: opened from their settings, pulled, and told of.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from congresslite.analysis.declared import USUAL, ActionTarget, declared_tables
from congresslite.api import Snapshot
from congresslite.config.models import SourceSettings
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.language.reads import effect_tables
from congresslite.live.cache import TableCache
from congresslite.live.core import Core
from congresslite.live.events import Hub
from congresslite.live.feeds import FeedState
from congresslite.live.intake import HELD_BACK, check_columns, check_empty, check_keys, full_columns, replacements
from congresslite.live.pushed import Kept, PushedTables
from congresslite.live.remembered import Memory
from congresslite.live.runner import Runner, Schedule
from congresslite.live.values import Health, Managed, SourceStatus
from congresslite.schema import RowsTable, TableData, TableSchema
from congresslite.sources.definitions import Definition, load_definition, shipped_definition, shipped_names
from congresslite.sources.driver import Driver, Feed, Pull
from congresslite.sources.drivers import open_source
from congresslite.sources.drivers.push import PushDriver
from congresslite.store.errors import AwayError
from congresslite.store.records import FeedRecord
from congresslite.store.store import Store

log = structlog.get_logger("congresslite.source")

# The gravest first.
_ORDER: tuple[Health, ...] = ("held_back", "stale", "pending", "fresh", "lazy")


@dataclass(slots=True)
class Source:
    """One source that is open."""

    name: str
    config: SourceSettings
    managed: Managed
    driver: Driver
    feeds: dict[str, FeedState]
    runner: Runner | None = None  # none of a source that others push to
    version: int = 0
    # Columns of mapped tables that had a value in each row: should one lose all of them, its path leads nowhere now.
    full: dict[str, frozenset[str]] = field(default_factory=dict)
    hidden: frozenset[tuple[str | int, ...]] = frozenset()  # where settings stand that are shown to nobody
    dirty: dict[str, TableData | None] = field(default_factory=dict)  # tables whose cache is behind, and their rows

    @property
    def schemas(self) -> Mapping[str, TableSchema]:
        """Its tables by full name."""
        return {schema.name: schema for schema in self.driver.schemas.values()}

    @property
    def pushed(self) -> bool:
        """Whether others fill its tables."""
        return not self.driver.feeds

    def feed_of(self, table: str) -> FeedState | None:
        """The feed that brings a table (full name)."""
        return next((state for state in self.feeds.values() if table in state.tables), None)

    def inherit(self, known: Source) -> frozenset[str]:
        """Take over what is held of a source that this one replaces, of the tables that both have alike; these."""
        if self.pushed != known.pushed:
            return frozenset()
        before = known.schemas
        kept = frozenset(name for name, schema in self.schemas.items() if before.get(name) == schema)
        self.dirty = {name: rows for name, rows in known.dirty.items() if name in kept}
        for state in self.feeds.values():
            if self.pushed or not kept.issuperset(state.tables):
                continue
            state.inherit([each for each in known.feeds.values() if not set(each.tables).isdisjoint(state.tables)])
            if state.feed.mapped:
                self.full |= {name: known.full[name] for name in state.tables if name in known.full}
        return kept

    def stop(self) -> None:
        """Pull no more, and give back what its driver holds."""
        if self.runner is not None:
            self.runner.stop()
        else:
            self.driver.close()

    def status(self, now: float) -> SourceStatus:
        """What is told of it."""
        feeds = tuple(state.status(now) for state in self.feeds.values())
        healths = {each.health for each in feeds}
        return SourceStatus(
            self.name,
            self.config.driver,
            self.managed,
            next((each for each in _ORDER if each in healths), "fresh"),
            feeds,
            self.runner is not None and self.runner.watching,
            None if self.runner is None else self.runner.watch_fault,
        )


class Sources(Mapping[str, Source]):
    """All sources by name. What changes it holds the core's lock."""

    def __init__(self, store: Store, cache: TableCache, memory: Memory, pushed: PushedTables, hub: Hub) -> None:
        self._store, self._cache, self._memory = store, cache, memory
        self._pushed, self._hub = pushed, hub
        self._sources: dict[str, Source] = {}
        self.published: frozenset[str] = frozenset()  # tables that others are told of, whatever rules read
        self._core: Core | None = None
        self._running = False
        self.targets: Mapping[str, ActionTarget] = USUAL  # what actions are called at
        self.noticed: list[Callable[[], None]] = []  # told when it changes how current a table is

    def __getitem__(self, name: str) -> Source:
        return self._sources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._sources))

    def __len__(self) -> int:
        return len(self._sources)

    def of_table(self, table: str) -> Source | None:
        """The source of a table (full name); None for a derived one."""
        source = self._sources.get(table.partition(":")[0])
        return source if source is not None and table in source.schemas else None

    @property
    def owners(self) -> dict[str, str]:
        """The owner columns of all tables that have one, by full name."""
        return {
            f"{source.name}:{table}": column
            for source in self._sources.values()
            for table, column in source.driver.owners.items()
        }

    @property
    def unseen(self) -> frozenset[str]:
        """The tables that nobody has pulled yet."""
        states = [state for source in self._sources.values() for state in source.feeds.values()]
        return frozenset(table for state in states if not state.seen for table in state.tables)

    def adopt(self, source: Source) -> None:
        """Know a source that is filled by somebody else."""
        self._sources[source.name] = source

    # -- opening ---------------------------------------------------------------------------------

    def open(self, name: str, config: SourceSettings, managed: Managed, base: Path, version: int = 0) -> Source:
        """Open a source; it is not pulled yet. Paths in its settings are relative to `base`. Raises SourceError."""
        definition = _definition(name, config, base)

        def make() -> Driver:
            return open_source(config.driver, name, config.settings, definition, base)

        driver = self._memory.open(name, _digest(config), make)
        every = config.every if driver.feeds else None
        feeds = driver.feeds or (Feed("pushed", tuple(driver.schemas)),)
        states = {feed.name: FeedState(name, feed, every, config.deadline) for feed in feeds}
        source = Source(name, config, managed, driver, states, version=version)
        if driver.feeds:
            schedule = Schedule(config.every, config.deadline, config.jitter, config.lazy)
            source.runner = Runner(name, driver, states, schedule, take=self._taker(source), notice=self._noticed)
        self._sources[name] = source
        return source

    def held(self, source: Source) -> tuple[dict[str, TableData], dict[str, Kept]]:
        """The rows of a source's tables as they are on disk, and of pushed ones what changed since."""
        if source.pushed:
            kept = self.kept(source, source.schemas)
            return {name: each.base for name, each in kept.items()}, kept
        records = {each.feed: each for each in self._store.feeds.all() if each.source == source.name}
        tables: dict[str, TableData] = {}
        for state in source.feeds.values():
            found = {name: self._cache.read(source.schemas[name]) for name in state.tables}
            record = records.get(state.feed.name)
            if record is not None and source.runner is not None:
                # What was not current when the process ended is not current now, and has not been since then.
                state.since, state.findings = record.stale_since, _findings(record)
                state.held_back = any(each.code == HELD_BACK for each in state.findings)
            if record is not None and all(each is not None for each in found.values()):
                state.last_success = record.last_success
            known = state.last_success is not None
            for name, each in found.items():
                tables[name] = each[0] if known and each is not None else RowsTable(source.schemas[name], [])
                if known and state.feed.mapped:
                    source.full[name] = full_columns(tables[name])
        return tables, {}

    def kept(self, source: Source, tables: Iterable[str]) -> dict[str, Kept]:
        """What is on disk of these tables of a source that is pushed to. Raises SourceError for what cannot be read."""
        drop = isinstance(source.driver, PushDriver) and source.driver.drops_unfit
        schemas = source.schemas
        return {name: self._pushed.load(source.name, schemas[name], drop=drop) for name in tables}

    def start(self, core: Core) -> None:
        """Begin to pull everything that somebody reads."""
        self._core, self._running = core, True
        for source in self._sources.values():
            if source.runner is not None:
                source.runner.start()
        self.want()

    def begin(self, source: Source) -> None:
        """Begin to pull a source that came later."""
        if self._running and source.runner is not None:
            source.runner.start()
        self.want()

    def want(self) -> None:
        """Pull what the policies read now."""
        if self._core is not None:
            snapshot = self._core.snapshot()
            program = snapshot.program
            declared = declared_tables(snapshot, self.targets)
            read = {*program.base, *effect_tables(program), *declared, *self.published, *self._leading(snapshot)}
            for source in self._sources.values():
                if source.runner is not None:
                    source.runner.want(read)

    def _leading(self, snapshot: Snapshot) -> set[str]:
        """The tables by which the objects of violations lead to their tenants, whom nothing is told without them."""
        assert self._core is not None, "nothing is wanted before there is an engine"
        history = self._core.history
        rules = () if history.rules is None else history.rules.checked.values()
        ways = {history.belonging.tenant_way(snapshot, rule) or () for rule in rules}
        return {table for way in ways for table, _, _ in way}

    def withdraw(self, source: Source, known: Source | None) -> None:
        """Forget a source that was opened and never begun, and have the one again that it was to replace."""
        source.stop()
        if known is not None:
            self._sources[known.name] = known
            self._memory.keep(known.name, _digest(known.config), known.driver)
        else:
            del self._sources[source.name]
            self._memory.forget(source.name)

    def close(self, source: Source) -> None:
        """Stop pulling a source that is in the store no more, and forget it."""
        del self._sources[source.name]
        self._memory.forget(source.name)
        self.end(source)

    def end(self, source: Source, kept: Collection[str] = ()) -> None:
        """Stop pulling a source whose name another one has by now, or none, and remove its files but those `kept`."""
        source.stop()
        gone = [table for table in source.schemas if table not in kept]
        for table in gone:
            self._cache.remove(table)
        self._pushed.forget(gone)

    def stop(self) -> None:
        """Stop pulling, and write what the cache lacks."""
        for source in self._sources.values():
            source.stop()
        try:
            self.flush()
        except AwayError as error:
            log.warning("what was pulled last is not kept", why=str(error))

    # -- what a pull brings ----------------------------------------------------------------------

    def _taker(self, source: Source) -> Any:
        def take(state: FeedState, pull: Pull, accept_empty: bool) -> None:
            self._take(source, state, pull, accept_empty)

        return take

    def _take(self, source: Source, state: FeedState, pull: Pull, accept_empty: bool) -> None:
        """Take a pull whole, or raise: SourceError for what must not be taken."""
        core = self._core
        assert core is not None, "nothing is pulled before there is an engine"
        changes = replacements(pull, source.name)
        check_keys(changes)
        if not accept_empty:
            check_columns(changes, source.full)
        with core.lock:
            if self._sources.get(source.name) is not source:
                return  # it was removed meanwhile
            snapshot = core.snapshot()
            hold_back = 0 if accept_empty else source.config.hold_back
            check_empty(changes, {name: snapshot.select(name, limit=0)[1] for name in changes}, hold_back)
            whole = all(change.column is None for change in changes.values())
            try:
                found = core.apply(changes, seen=state.tables if whole else ())
            except AwayError as error:
                # It becomes what is told of the feed, to everybody who may see sources.
                raise AwayError(error.told) from None
            for name, change in changes.items():
                if found.size(name) != (0, 0) or not state.seen:
                    source.dirty[name] = change.rows if change.column is None else None
                if state.feed.mapped and change.column is None and change.rows.num_rows > 1:
                    source.full[name] = full_columns(change.rows)

    def _noticed(self, state: FeedState) -> None:
        self._hub.publish_sources()
        for told in self.noticed:
            told()

    def flush(self) -> None:
        """Write the tables that changed to the cache, and then note how current they are."""
        core = self._core
        if core is None:
            return
        for source in tuple(self._sources.values()):
            if source.pushed:
                continue
            with core.lock:
                success = {state.feed.name: state.last_success for state in source.feeds.values()}
                behind, source.dirty = source.dirty, {}
                snapshot = core.snapshot()
            for name, rows in behind.items():
                held = RowsTable(source.schemas[name], snapshot.rows(name)) if rows is None else rows
                self._cache.write(held, time.time())
            self._store.feeds.put([_record(state, success[state.feed.name]) for state in source.feeds.values()])

    def statuses(self) -> tuple[SourceStatus, ...]:
        """What is told of all sources that somebody has connected, by name."""
        now = time.time()
        listed = sorted(name for name, source in self._sources.items() if source.managed != "engine")
        return tuple(self._sources[name].status(now) for name in listed)


def _digest(config: SourceSettings) -> str:
    """What is another if the settings are, and tells no secret."""
    told = {**config.model_dump(mode="json", exclude={"settings"}), "settings": config.settings}
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _record(state: FeedState, success: float | None) -> FeedRecord:
    findings = [{"code": each.code, "message": each.message, "hint": each.hint} for each in state.findings]
    return FeedRecord(state.source, state.feed.name, success, state.last_attempt, state.since, tuple(findings))


def _findings(record: FeedRecord) -> tuple[Diagnostic, ...]:
    return tuple(
        Diagnostic(each["code"], each["message"], None, each["hint"], place=record.source) for each in record.error
    )


def _definition(name: str, config: SourceSettings, base: Path) -> Definition | None:
    """The definition that a source follows: the one it names, or else the one that ships under its name."""
    wanted = config.definition
    if wanted is None:
        found = shipped_definition(name) if name in shipped_names() else None
    elif wanted in shipped_names():
        found = shipped_definition(wanted)
    elif "/" in wanted or wanted.endswith((".yaml", ".yml")):
        found = load_definition(base / wanted)
    else:
        known = ", ".join(shipped_names())
        message = f"there is no definition `{wanted}` for source `{name}`"
        raise SourceError(
            Diagnostic("CL429", message, None, f"those that ship are {known}; or name a file", place=name)
        )
    if found is None:
        return None
    found = found.named(name)
    return found if config.null_as is None else found.spelled(config.null_as)
