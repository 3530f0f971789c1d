"""
Telling: what is told of violations (object, tenant, site, message), and of which ones a change makes it something else.

A violation lasts while its row does; what is told of it may come from any other
row. So a change is asked, by rules beside the program, which rows are worded
otherwise and which objects lead elsewhere. That costs what changed; all that a
rule has is looked at only where the rule, or the way from its objects, is another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.analysis.belonging import Belonging, leading
from congresslite.api import Snapshot
from congresslite.api.snapshot import Way
from congresslite.language.program import CheckedRule, Fold
from congresslite.live.rules import Key, Rules
from congresslite.policy.violations import shown, violation_ids
from congresslite.schema import Catalog, Changes, Row, Type, as_float
from congresslite.store.records import Opened, Part
from congresslite.store.store import Store

# From so many rows on, their messages are asked for together.
_MANY = 2000


@dataclass(slots=True)
class Otherwise:
    """What may be told otherwise, by the tables of rules: all that a rule has, or some rows by their ids."""

    whole: set[str] = field(default_factory=set)
    rows: defaultdict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))


@dataclass(frozen=True, slots=True)
class _Ways:
    """Where the objects of each rule lead, over one program and one set of sources."""

    rules: Rules
    catalog: Catalog
    owners: object
    tenants: dict[Key, Way | None]
    place: Way | None
    leading: dict[Way, tuple[CheckedRule, ...]]

    @staticmethod
    def of(belonging: Belonging, snapshot: Snapshot, rules: Rules) -> _Ways:
        found = {rules.key(table): belonging.tenant_way(snapshot, rule) for table, rule in rules.checked.items()}
        place = belonging.place_way(snapshot)
        every = {way for way in (*found.values(), place) if way}
        steps = {way: leading(snapshot, way) for way in every}
        return _Ways(rules, snapshot.catalog, belonging.owners, found, place, steps)

    def turned(self, before: _Ways) -> set[Key]:
        """The rules whose objects led another way before, or were others."""
        place = before.place != self.place
        return {key for key, way in self.tenants.items() if place or before.tenants.get(key, ()) != way}


class Telling:
    """Tells violations of the latest snapshot. One thread at a time uses it."""

    def __init__(self, store: Store, belonging: Belonging) -> None:
        self._store, self._belonging = store, belonging
        self._known: _Ways | None = None
        self._turned: set[Key] = set()  # rules whose objects lead another way, until somebody is told
        # Rules of which an earlier process has told more than can be found out yet.
        self._owed: set[Key] = set()

    def told(self, snapshot: Snapshot, rules: Rules, table: str, rows: Sequence[Row]) -> Iterator[Opened]:
        """What is told of these rows of a rule, in their order."""
        rule, record = rules.checked[table], rules.records[table]
        if not rows:
            return
        objects = [None if rule.object is None or not row else row[rule.object] for row in rows]
        tenants = self._belonging.tenants(snapshot, rule, objects)
        sites = self._belonging.places(snapshot, objects)
        told = snapshot.violations_of(rule, rows, together=len(rows) > _MANY)
        ids = violation_ids(rule.policy, rule.identity, rows)
        for id_, each, tenant, site in zip(ids, told, tenants, sites, strict=True):
            yield Opened(id_, record, each.row, each.object, tenant, site, each.message)

    # -- what rests on tables that nobody has pulled yet -------------------------------------------

    def owe(self, rules: Rules, tables: Iterable[str], snapshot: Snapshot, unseen: frozenset[str]) -> None:
        """These rules have violations from an earlier process: what cannot be found out yet stays as it was told."""
        ways = self._ways(snapshot, rules)
        self._owed = {rules.key(table) for table in tables if _rest(rules, ways, table) & unseen}

    def kept(self, rules: Rules, table: str, snapshot: Snapshot, unseen: frozenset[str]) -> tuple[Part, ...]:
        """What is to be left as it was told of a rule's violations."""
        key = rules.key(table)
        if key not in self._owed:
            return ()
        ways = self._ways(snapshot, rules)
        parts: tuple[tuple[Part, Way | None], ...] = (("tenant", ways.tenants.get(key)), ("site", ways.place))
        return tuple(part for part, way in parts if _rest_of_way(rules, way) & unseen)

    def settled(
        self, rules: Rules, tables: Iterable[str], snapshot: Snapshot, seen: frozenset[str], unseen: frozenset[str]
    ) -> set[str]:
        """The rules of which more can be found out now than before these tables were `seen`."""
        ways = self._ways(snapshot, rules)
        found = {each for each in tables if rules.key(each) in self._owed and _rest(rules, ways, each) & seen}
        self._owed -= {rules.key(each) for each in found if not _rest(rules, ways, each) & unseen}
        return found

    # -- what is told otherwise ----------------------------------------------------------------------

    def turned(self, snapshot: Snapshot, rules: Rules) -> set[str]:
        """The rules whose objects lead another way than when this was last asked."""
        self._ways(snapshot, rules)
        turned, self._turned = self._turned, set()
        return {table for table in rules.checked if rules.key(table) in turned}

    def revised(self, snapshot: Snapshot, before: Rules, after: Rules) -> set[str]:
        """The rules whose violations may be told otherwise since policies changed."""
        otherwise = after.otherwise(before)
        turned = self.turned(snapshot, after)
        ways = self._ways(snapshot, after)
        led = {way for way in ways.leading if any(table in otherwise for table, _, _ in way)}
        return turned | {
            table
            for table, rule in after.checked.items()
            if table in otherwise
            or (rule.object is not None and (ways.place in led or ways.tenants[after.key(table)] in led))
        }

    def changed(self, changes: Changes, snapshot: Snapshot, rules: Rules, tables: Iterable[str]) -> Otherwise:
        """What may be told otherwise of these rules' open violations since a batch of rows."""
        standing = self._store.violations.open_numbers()
        asked = [table for table in tables if standing.get(rules.key(table))]
        found = Otherwise(self.turned(snapshot, rules).intersection(asked))
        for table in asked:
            if table in rules.worded:
                for id_, row in self._worded(changes, snapshot, rules, table):
                    found.rows[table][id_] = row
        self._led(changes, snapshot, rules, {table: standing[rules.key(table)] for table in asked}, found)
        return found

    def _worded(self, changes: Changes, snapshot: Snapshot, rules: Rules, table: str) -> Iterator[tuple[str, Row]]:
        """The rows of a rule that may be told in other words."""
        rule = rules.checked[table]
        groups = [place for place, term in enumerate(rule.head) if not isinstance(term, Fold)]
        keys = [row[: len(groups)] for row in changes.differing(rules.worded[table])]
        if not keys:
            return
        schema = snapshot.schema(table)
        if rule.aggregates:
            names = [schema.columns[place].name for place in groups]
            rows = [row for found in snapshot.matching(table, names, keys) for row in found]
        else:
            floats = [column.type is Type.FLOAT for column in schema.columns]
            rows = [tuple(as_float(v) if f else v for v, f in zip(key, floats, strict=True)) for key in keys]
        yield from zip(violation_ids(rule.policy, rule.identity, rows), rows, strict=True)

    def _led(
        self, changes: Changes, snapshot: Snapshot, rules: Rules, standing: Mapping[str, int], found: Otherwise
    ) -> None:
        """Add the violations whose objects lead elsewhere."""
        ways = self._ways(snapshot, rules)
        travelling: defaultdict[Way, list[str]] = defaultdict(list)
        for table in standing:
            if rules.checked[table].object is not None and table not in found.whole:
                for way in {ways.tenants[rules.key(table)], ways.place}:
                    if way:
                        travelling[way].append(table)
        for way, tables in travelling.items():
            if not any(any(changes.size(table)) for table, _, _ in way):
                continue
            rows = (row for rule in ways.leading[way] for row in changes.differing(rule))
            objects = {shown(row[0]) for row in rows if row[0] is not None}
            if objects:
                # Where there are fewer violations than objects to look for, they are all looked at.
                found.whole.update(table for table in tables if standing[table] < len(objects))
                sought = {rules.key(table): table for table in tables if table not in found.whole}
                for record in self._store.violations.open_about(sought, objects):
                    found.rows[sought[record.rule.policy, record.rule.rule]][record.id] = record.row

    def _ways(self, snapshot: Snapshot, rules: Rules) -> _Ways:
        known, belonging = self._known, self._belonging
        if (
            known is None
            or known.rules is not rules
            or known.catalog is not snapshot.catalog
            or known.owners is not belonging.owners
        ):
            before, known = known, _Ways.of(belonging, snapshot, rules)
            self._known = known
            if before is not None:
                self._turned |= known.turned(before)
        return known


def _rest(rules: Rules, ways: _Ways, table: str) -> frozenset[str]:
    """The source tables that say where a rule's objects belong."""
    if rules.checked[table].object is None:
        return frozenset()
    return _rest_of_way(rules, ways.tenants.get(rules.key(table))) | _rest_of_way(rules, ways.place)


def _rest_of_way(rules: Rules, way: Way | None) -> frozenset[str]:
    return frozenset().union(*(rules.rest(table) for table, _, _ in way or ()))
