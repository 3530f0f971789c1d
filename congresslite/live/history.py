"""
History: what the engine tells of violations and of conflicts, as episodes in the store.

The rule to keep: a rule that rests on a table that nobody has pulled yet is not
heard. An empty table that is not known to be empty would resolve what is wrong
and accuse what is right; so such a rule's violations stay as they were last
known, until every table that it rests on has been seen once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from congresslite.analysis.belonging import Belonging
from congresslite.api import Snapshot
from congresslite.live.events import MOST, Change, Happened, Hub
from congresslite.live.rules import Rules
from congresslite.policy.violations import violation_ids
from congresslite.policy.waivers import covers
from congresslite.schema import Changes, Row
from congresslite.store.records import Opened, WaiverRecord
from congresslite.store.store import Store


@dataclass(frozen=True, slots=True)
class News:
    """What one change made of the violations: those that came, and the ids of those that went."""

    at: float
    opened: Sequence[Opened]
    resolved: Sequence[str]


class History:
    """The episodes of violations. One thread at a time changes it; `unseen` are the tables that were never pulled."""

    def __init__(self, store: Store, belonging: Belonging, hub: Hub, unseen: Iterable[str]) -> None:
        self._store, self._hub = store, hub
        self.belonging = belonging
        self.unseen = frozenset(unseen)
        self.rules: Rules | None = None
        self.waivers: tuple[WaiverRecord, ...] = ()
        self.news: list[News] = []  # since the core last took them

    def reconcile(self, snapshot: Snapshot, at: float) -> None:
        """Make the open episodes those of a snapshot, as is needed whenever the store may lag behind the engine."""
        rules = self.rules = Rules(snapshot.program)
        self._store.violations.set_rules(tuple(rules.records.values()))
        opened, resolved = self._differences(snapshot, rules, rules.known(self.unseen))
        self._record(at, opened, resolved + self._of_gone_rules(rules), "change")

    def _differences(self, snapshot: Snapshot, rules: Rules, wanted: Iterable[str]) -> tuple[list[Opened], list[str]]:
        """What came and what went of these rules since the store was last told."""
        opened: list[Opened] = []
        resolved: list[str] = []
        for table in sorted(wanted):
            rule = rules.checked[table]
            held = self._store.violations.ids_of(rule.policy, rule.identity)
            every = snapshot.rows(table)
            rows = dict(zip(violation_ids(rule.policy, rule.identity, every), every, strict=True))
            fresh = [row for id_, row in rows.items() if id_ not in held]
            opened += self._opened(snapshot, rules, table, fresh)
            resolved += [id_ for id_ in held if id_ not in rows]
        return opened, resolved

    def _of_gone_rules(self, rules: Rules) -> list[str]:
        """What is open of rules that are no more."""
        there = {(rule.policy, rule.identity) for rule in rules.checked.values()}
        gone = [each for each in self._store.violations.open_rules() if each not in there]
        return [id_ for policy, rule in gone for id_ in self._store.violations.ids_of(policy, rule)]

    def take(self, changes: Changes, snapshot: Snapshot, at: float) -> None:
        """Record what a batch of rows made of the violations."""
        assert self.rules is not None
        opened, resolved = self._moved(changes, snapshot, self.rules, self.rules.known(self.unseen))
        self._record(at, opened, resolved, "change")

    def _moved(
        self, changes: Changes, snapshot: Snapshot, rules: Rules, tables: Iterable[str]
    ) -> tuple[list[Opened], list[str]]:
        """What came and what went of these rules in a batch."""
        opened: list[Opened] = []
        resolved: list[str] = []
        for table in tables:
            rule, delta = rules.checked[table], changes.part(table)
            opened += self._opened(snapshot, rules, table, delta.insert)
            resolved += violation_ids(rule.policy, rule.identity, delta.delete)
        return opened, resolved

    def revise(self, changes: Changes, snapshot: Snapshot, at: float) -> None:
        """Record what a change of policies made of the violations; rules that went resolve theirs."""
        assert self.rules is not None
        before, after = self.rules, Rules(snapshot.program)
        self.rules = after
        self._store.violations.set_rules(tuple(after.records.values()))
        gone = [before.checked[table] for table in before.checked.keys() - after.checked.keys()]
        left = [id_ for rule in gone for id_ in self._store.violations.ids_of(rule.policy, rule.identity)]
        self._record(at, [], left, "policy")
        heard = before.known(self.unseen) & after.known(self.unseen)
        opened, resolved = self._moved(changes, snapshot, after, heard)
        more, less = self._differences(snapshot, after, after.known(self.unseen) - heard)
        self._record(at, opened + more, resolved + less, "policy")

    def see(self, tables: Iterable[str], snapshot: Snapshot, at: float) -> None:
        """These tables have been pulled for the first time: rules that waited for them alone are heard from now on."""
        assert self.rules is not None
        before = self.rules.known(self.unseen)
        self.unseen -= frozenset(tables)
        heard = self.rules.known(self.unseen) - before
        opened, resolved = self._differences(snapshot, self.rules, heard)
        self._record(at, opened, resolved, "change")

    def _opened(self, snapshot: Snapshot, rules: Rules, table: str, rows: Sequence[Row]) -> list[Opened]:
        rule, record = rules.checked[table], rules.records[table]
        if not rows:
            return []
        objects = [None if rule.object is None or not row else row[rule.object] for row in rows]
        tenants = self.belonging.tenants(snapshot, rule, objects)
        sites = self.belonging.places(snapshot, objects)
        told = snapshot.violations_of(rule, rows, together=len(rows) > _MANY)
        ids = violation_ids(rule.policy, rule.identity, rows)
        return [
            Opened(id_, record, each.row, each.object, tenant, site, each.message)
            for id_, each, tenant, site in zip(ids, told, tenants, sites, strict=True)
        ]

    def _record(self, at: float, opened: Sequence[Opened], resolved: Sequence[str], by: str) -> None:
        if not opened and not resolved:
            return
        # What came back in the very batch in which it went has never been away.
        both = {each.id for each in opened} & set(resolved)
        if both:
            opened = [each for each in opened if each.id not in both]
            resolved = [id_ for id_ in resolved if id_ not in both]
        few = len(opened) + len(resolved) <= MOST
        gone = [Change.of(each) for each in self._store.violations.open_of(resolved)] if few else None
        batch = self._store.violations.record(at, self._waived(opened, at), resolved, by)
        self.news.append(News(at, opened, resolved))
        if batch is not None:
            self._hub.publish(Happened(batch, [Change.of(each) for each in opened] if few else None, gone))

    def _waived(self, opened: Sequence[Opened], at: float) -> Sequence[Opened]:
        """New violations, with the waivers that cover them already."""
        if not self.waivers:
            return opened
        covered = dict(_covered(opened, self.waivers, at))
        return [replace(each, waiver=covered[each.id]) if each.id in covered else each for each in opened]


def _covered(opened: Iterable[Opened], waivers: Sequence[WaiverRecord], at: float) -> Iterator[tuple[str, str]]:
    for each in opened:
        for waiver in waivers:
            if covers(waiver, id=each.id, policy=each.rule.policy, rule=each.rule.rule, object=each.object, now=at):
                yield each.id, waiver.id
                break


# From so many rows on, their messages are asked for together.
_MANY = 2000
