"""
Questions: what can be asked of the running estate, as far as the caller may see it.

Whoever belongs to a tenant sees the violations whose object is known to be the
tenant's, rows of tables whose owner leads to it, and nothing else: what cannot
be told to belong to somebody is shown to nobody but those who see everything.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from congresslite.api import Snapshot
from congresslite.diagnostics import SourceError
from congresslite.engine.explanation import as_json
from congresslite.language.printing import value_text
from congresslite.language.program import Program
from congresslite.language.reads import base_tables, tables_read
from congresslite.live.core import Core
from congresslite.live.documents import aged, redacted
from congresslite.live.feeds import FeedState
from congresslite.live.looking import Looking, undetermined
from congresslite.live.sources import Sources
from congresslite.live.values import (
    NOTHING_NAMED,
    Caller,
    Counted,
    Health,
    Looked,
    NotYoursError,
    Rows,
    TableInfo,
    Undetermined,
    oldest,
)
from congresslite.live.waivers import Waivers
from congresslite.policy.conflicts.told import Conflict, conflict_of, contradicting
from congresslite.policy.violations import is_kept
from congresslite.schema import Reference, Row, Scalar, TableSchema, Type, canonical
from congresslite.store.records import Page, ViolationFilter, ViolationRecord
from congresslite.store.store import Store

_WORST: tuple[Health, ...] = ("held_back", "stale", "pending", "lazy", "fresh")


@dataclass(frozen=True, slots=True)
class _Resting:
    """For each derived table of a program the source tables that it rests on, and for each of those the policies."""

    program: Program
    tables: Mapping[str, frozenset[str]]
    readers: Mapping[str, frozenset[str]]

    @staticmethod
    def of(program: Program) -> _Resting:
        tables = base_tables(program)
        readers: dict[str, set[str]] = {}
        for rule in program.rules:
            for table in tables.get(rule.table, ()):
                readers.setdefault(table, set()).add(rule.policy)
        for rule in program.effects:  # what is simulated rests on them
            for named in tables_read(rule) | {rule.table[:-1]}:
                for table in tables.get(named, (named,)):
                    readers.setdefault(table, set()).add(rule.policy)
        return _Resting(program, tables, {table: frozenset(policies) for table, policies in readers.items()})


class Questions:
    """Answers from the engine's latest snapshot and from the store."""

    def __init__(self, core: Core, store: Store, sources: Sources, looking: Looking, waivers: Waivers) -> None:
        self._core, self._store, self._waivers = core, store, waivers
        self._sources, self._looking = sources, looking
        self._rests: _Resting | None = None

    # -- violations ------------------------------------------------------------------------------

    def violations(self, caller: Caller, wanted: ViolationFilter, sort: str, limit: int, cursor: str | None) -> Page:
        """See `LiveEstate.violations`."""
        self._waivers.sweep()
        if caller.tenant is not None:
            wanted = replace(wanted, tenant=caller.tenant)
        page = self._store.violations.page(wanted, sort=sort, limit=limit, cursor=cursor)
        if caller.tenant is None:
            return page
        return replace(page, items=tuple(each for each in page.items if self._still_owned(each)))

    def violation(self, caller: Caller, id_: str) -> tuple[ViolationRecord, ...]:
        """See `LiveEstate.violation`."""
        self._waivers.sweep()
        episodes = tuple(self._store.violations.episodes(id_))
        if caller.tenant is not None:
            episodes = tuple(each for each in episodes if each.tenant == caller.tenant and self._still_owned(each))
        if not episodes:
            raise KeyError(id_)
        return episodes

    def _still_owned(self, record: ViolationRecord) -> bool:
        """Whether an open violation's object belongs to the tenant that it belonged to when it was first seen."""
        if record.resolved_at is not None:
            return True
        snapshot = self._core.snapshot()
        rule = next((each for each in snapshot.program.rules if _is(each, record)), None)
        if rule is None or rule.object is None:
            return False
        tenants = self._core.history.belonging.tenants(snapshot, rule, [record.row[rule.object]])
        return tenants == [record.tenant]

    def explain(self, caller: Caller, id_: str) -> Mapping[str, Any] | None:
        """See `LiveEstate.explain`."""
        latest = self.violation(caller, id_)[0]
        snapshot = self._core.snapshot()
        rule = next((each for each in snapshot.program.rules if _is(each, latest)), None)
        proof = None if rule is None else snapshot.explain(rule.table, latest.row, whole=True)
        if proof is None:
            return None
        document = aged(as_json(proof), self.as_of)
        if caller.tenant is None:
            return document
        return redacted(document, lambda table, row: self._owns(snapshot, caller.tenant, table, row))

    def _owns(self, snapshot: Snapshot, tenant: str | None, table: str, row: Mapping[str, Any]) -> bool:
        schema = snapshot.schema(table)
        if len(schema.key) != 1 or schema.key[0] not in row:
            return False
        reference = Reference(table, schema.key[0])
        return self._core.history.belonging.tenants_of(snapshot, reference, [row[schema.key[0]]]) == [tenant]

    def counts(self, caller: Caller, kinds: Collection[str]) -> tuple[Counted, ...]:
        """See `LiveEstate.counts`."""
        self._waivers.sweep()
        counted = (_counted(each) for each in self._store.violations.counts(caller.tenant))
        return tuple(each for each in counted if each.kind in kinds)

    # -- conflicts -------------------------------------------------------------------------------

    def conflict(self, record: ViolationRecord) -> Conflict | None:
        """See `LiveEstate.conflict`."""
        program = self._core.snapshot().program
        rule = next((each for each in contradicting(program) if _is(each, record)), None)
        return None if rule is None else conflict_of(rule, record.row, program, record.message)

    def explain_sides(self, caller: Caller, id_: str) -> tuple[Mapping[str, Any] | None, ...] | None:
        """See `LiveEstate.explain_sides`."""
        found = self.conflict(self.violation(caller, id_)[0])
        if found is None:
            return None
        proofs = self._core.snapshot().explain_sides(found)
        return tuple(None if proof is None else aged(as_json(proof), self.as_of) for proof in proofs)

    # -- freshness -------------------------------------------------------------------------------

    def as_of(self, table: str) -> float | None:
        """Of when the rows of a source's table are; None if they were never pulled, now for pushed ones."""
        source = self._sources.of_table(table)
        feed = None if source is None else source.feed_of(table)
        if feed is None:
            return None
        return time.time() if feed.every is None else feed.last_success

    def current(self, tables: Sequence[str]) -> float | None:
        """See `LiveEstate.current`."""
        return oldest([self.as_of(table) for table in tables])

    def undetermined(self, looked: Looked = NOTHING_NAMED) -> tuple[Undetermined, ...]:
        """See `LiveEstate.undetermined`."""
        readers = self._resting(self._core.snapshot().program).readers
        found = {(each.source, each.feed): each for each in looked.undetermined}
        for source in self._sources.statuses():
            for feed in source.feeds:
                policies = sorted(set().union(*(readers.get(table, frozenset()) for table in feed.tables)))
                if feed.health in ("stale", "pending", "held_back") and policies:
                    found[source.name, feed.name] = undetermined(source.name, feed, policies)
        return tuple(found.values())

    def _resting(self, program: Program) -> _Resting:
        """What rests on which source tables; found out once for each program."""
        known = self._rests
        if known is None or known.program is not program:
            known = self._rests = _Resting.of(program)
        return known

    # -- tables ----------------------------------------------------------------------------------

    def tables(self, caller: Caller) -> tuple[TableInfo, ...]:
        """See `LiveEstate.tables`."""
        snapshot = self._core.snapshot()
        read = snapshot.program.base
        # The engine's own tables are told of once somebody reads them.
        shown = (name for source in self._sources.values() for name in source.schemas
                 if source.managed != "engine" or name in read)  # fmt: skip
        names = [*snapshot.tables(), *shown]
        return tuple(
            self._info(snapshot, caller, name) for name in sorted(names) if self._may_see(snapshot, caller, name)
        )

    def table(self, caller: Caller, name: str) -> TableInfo:
        """See `LiveEstate.table`."""
        snapshot = self._core.snapshot()
        snapshot.schema(name)  # a KeyError for one that there is not
        if not self._may_see(snapshot, caller, name):
            raise KeyError(name)
        return self._info(snapshot, caller, name)

    def _info(self, snapshot: Snapshot, caller: Caller, name: str) -> TableInfo:
        # How many there are of all tenants is told to nobody who belongs to one.
        everything = caller.tenant is None
        source = self._sources.of_table(name)
        if source is not None:
            feed = source.feed_of(name)
            assert feed is not None, "each table of a source is in a feed"
            rows = snapshot.select(name, limit=0)[1] if feed.seen and everything else None
            return TableInfo(snapshot.schema(name), False, rows, self.as_of(name), feed.health())
        rests = self._resting(snapshot.program).tables
        parts = snapshot.program.answers.get(name, (name,))
        bases = sorted(set().union(*(rests.get(part, frozenset()) for part in parts)))
        ages = [self.as_of(base) for base in bases]
        healths = {feed.health() for base in bases if (feed := self._feed(base)) is not None}
        worst: Health = next((each for each in _WORST if each in healths), "fresh")
        rows = snapshot.count(name) if everything else None
        return TableInfo(snapshot.schema(name), True, rows, oldest(ages), worst)

    def _feed(self, table: str) -> FeedState | None:
        source = self._sources.of_table(table)
        return None if source is None else source.feed_of(table)

    def _may_see(self, snapshot: Snapshot, caller: Caller, name: str) -> bool:
        return caller.tenant is None or bool(self._core.history.belonging.path(snapshot, name))

    def rows(self, caller: Caller, table: str, where: Mapping[str, str], offset: int, limit: int) -> Rows:
        """See `LiveEstate.rows`."""
        schema = self.table(caller, table).schema
        self._looking.look(frozenset({table}))
        self._must_be_seen(table)
        snapshot = self._core.snapshot()
        values = {name: _read(schema, name, text) for name, text in where.items()}
        columns = tuple(column.name for column in schema.columns)
        if caller.tenant is None:
            found, total = snapshot.select(table, values, offset=offset, limit=limit)
        else:
            mine = [row for row in self._owned_rows(snapshot, caller.tenant, schema) if _agrees(schema, row, values)]
            found, total = mine[offset : offset + limit], len(mine)
        following = offset + len(found)
        return Rows(columns, found, following if found and following < total else None, total)

    def _owned_rows(self, snapshot: Snapshot, tenant: str, schema: TableSchema) -> list[Row]:
        """The rows of a table whose owner path leads to a tenant."""
        path = self._core.history.belonging.path(snapshot, schema.name)
        own = ", ".join(f"{column.name}=c{at}" for at, column in enumerate(schema.columns))
        atoms = [f"{schema.name}({own})"]
        following = f"c{schema.position(path[0].column)}"
        for at, step in enumerate(path[1:]):
            atoms.append(f"{step.table}({path[at].to.column}={following}, {step.column}=o{at})")
            following = f"o{at}"
        answer = snapshot.query(f"{', '.join(atoms)}, {following} = {value_text(tenant)}")
        wanted = [answer.columns.index(f"c{at}") for at in range(schema.arity)]
        return sorted({tuple(row[at] for at in wanted) for row in answer.rows}, key=repr)

    def _must_be_seen(self, table: str) -> None:
        """Raise SourceError for a table that was to be pulled, and of which nothing is known: it is not empty."""
        feed = self._feed(table)
        if feed is not None and not (feed.seen or feed.wanted) and feed.findings:
            raise SourceError(feed.findings)

    def query(self, caller: Caller, text: str, limit: int) -> Rows:
        """See `LiveEstate.query`."""
        if caller.tenant is not None:
            raise NotYoursError("queries range over the objects of all tenants")
        answer = self._core.snapshot().query(text)
        more = len(answer.rows) > limit
        return Rows(answer.columns, answer.rows[:limit], limit if more else None, len(answer.rows))


def _is(rule: Any, record: ViolationRecord) -> bool:
    return is_kept(rule) and (rule.policy, rule.identity) == (record.rule.policy, record.rule.rule)


def _counted(entry: Any) -> Counted:
    rule, site, still_open, waived = entry
    return Counted(rule.policy, rule.rule, rule.kind, rule.severity, rule.mode, site, still_open, waived)


def _agrees(schema: TableSchema, row: Sequence[Scalar], values: Mapping[str, Scalar]) -> bool:
    return all(row[schema.position(name) or 0] == value for name, value in values.items())


def _read(schema: TableSchema, name: str, text: str) -> Scalar:
    """A text as a value of a column. Raises KeyError for a column that there is not."""
    position = schema.position(name)
    if position is None:
        raise KeyError(name)
    type_ = schema.columns[position].type
    if type_ is Type.STR:
        return text
    words: dict[str, Scalar] = {"null": None, "": None, "true": True, "false": False}
    if text in words:
        return words[text]
    for number in (int, float):
        try:
            return canonical(number(text))
        except (ValueError, OverflowError):
            continue
    return text
