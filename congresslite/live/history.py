"""
History: what the engine tells of violations and of conflicts, as episodes in the store.

The rule to keep: a rule that rests on a table that nobody has pulled yet is not
heard. An empty table that is not known to be empty would resolve what is wrong
and accuse what is right; so such a rule's violations stay as they were last
known, until every table that it rests on has been seen once. What is told of an
open violation is what holds now, not what held when it came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from congresslite.analysis.belonging import Belonging
from congresslite.api import Snapshot
from congresslite.live.events import MOST, Change, Happened, Hub
from congresslite.live.rules import Rules
from congresslite.live.telling import Otherwise, Telling
from congresslite.policy.violations import violation_ids
from congresslite.policy.waivers import covers
from congresslite.schema import Changes
from congresslite.store.records import Opened, Part, ViolationRecord, WaiverRecord
from congresslite.store.retelling import told_hash
from congresslite.store.store import Store


@dataclass(frozen=True, slots=True)
class News:
    """What one change made of the violations: those that came, the ids of those that went, and those told otherwise."""

    at: float
    opened: Sequence[Opened] = ()
    resolved: Sequence[str] = ()
    revised: Sequence[ViolationRecord] = ()


@dataclass(slots=True)
class _Differences:
    """What came, what went, and what may be told otherwise, by what is to be kept of it."""

    opened: list[Opened] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    retold: defaultdict[tuple[Part, ...], list[Iterable[Opened]]] = field(default_factory=lambda: defaultdict(list))


class History:
    """The episodes of violations. One thread at a time changes it; `unseen` are the tables that were never pulled."""

    def __init__(self, store: Store, belonging: Belonging, hub: Hub, unseen: Iterable[str]) -> None:
        self._store, self._hub = store, hub
        self._telling = Telling(store, belonging)
        self.belonging = belonging
        self.unseen = frozenset(unseen)
        self.rules: Rules | None = None
        self.waivers: tuple[WaiverRecord, ...] = ()
        self.news: list[News] = []  # since the core last took them

    def reconcile(self, snapshot: Snapshot, at: float) -> None:
        """Make the open episodes those of a snapshot, as is needed whenever the store may lag behind the engine."""
        rules = self.rules = Rules(snapshot.program)
        self._store.violations.set_rules(tuple(rules.records.values()))
        standing = self._store.violations.open_numbers()
        self._telling.owe(rules, (t for t in rules.checked if rules.key(t) in standing), snapshot, self.unseen)
        self._telling.turned(snapshot, rules)  # everything is looked at
        found = self._differences(snapshot, rules, rules.known(self.unseen), at)
        found.resolved += self._of_gone_rules(rules)
        self._take(at, found, "change")

    def _differences(self, snapshot: Snapshot, rules: Rules, wanted: Iterable[str], at: float) -> _Differences:
        """What came and went of these rules, and what is told otherwise, since the store was last told."""
        found = _Differences()
        for table in sorted(wanted):
            rule = rules.checked[table]
            held = self._store.violations.told_of(rule.policy, rule.identity)
            keep = self._telling.kept(rules, table, snapshot, self.unseen)
            there: set[str] = set()
            retold: list[Opened] = []
            for each in self._telling.told(snapshot, rules, table, snapshot.rows(table)):
                there.add(each.id)
                if each.id not in held:
                    found.opened.append(each)
                elif keep or held[each.id] != told_hash(each):
                    retold.append(each)
            found.resolved += [id_ for id_ in held if id_ not in there]
            if retold:
                found.retold[keep].append(self._waived(retold, at))
        return found

    def _of_gone_rules(self, rules: Rules) -> list[str]:
        """What is open of rules that are no more."""
        there = {(rule.policy, rule.identity) for rule in rules.checked.values()}
        gone = [each for each in self._store.violations.open_numbers() if each not in there]
        return [id_ for policy, rule in gone for id_ in self._store.violations.ids_of(policy, rule)]

    def take(self, changes: Changes, snapshot: Snapshot, at: float) -> None:
        """Record what a batch of rows made of the violations."""
        assert self.rules is not None
        heard = self.rules.known(self.unseen)
        found = self._moved(changes, snapshot, self.rules, heard)
        otherwise = self._telling.changed(changes, snapshot, self.rules, heard)
        self._retell(found, otherwise, snapshot, self.rules, at)
        self._take(at, found, "change")

    def _moved(self, changes: Changes, snapshot: Snapshot, rules: Rules, tables: Iterable[str]) -> _Differences:
        """What came and what went of these rules in a batch."""
        found = _Differences()
        for table in tables:
            rule, delta = rules.checked[table], changes.part(table)
            found.opened += self._telling.told(snapshot, rules, table, delta.insert)
            found.resolved += violation_ids(rule.policy, rule.identity, delta.delete)
        return found

    def _retell(self, found: _Differences, otherwise: Otherwise, snapshot: Snapshot, rules: Rules, at: float) -> None:
        """Add what may be told otherwise to what came and went, which is told already."""
        known = {each.id for each in found.opened}.union(found.resolved)
        for table, rows in otherwise.rows.items():
            if table not in otherwise.whole:
                lasting = [row for id_, row in rows.items() if id_ not in known]
                keep = self._telling.kept(rules, table, snapshot, self.unseen)
                found.retold[keep].append(self._telling.told(snapshot, rules, table, lasting))
        for keep, told in self._differences(snapshot, rules, otherwise.whole, at).retold.items():
            found.retold[keep] += told

    def revise(self, changes: Changes, snapshot: Snapshot, at: float) -> None:
        """Record what a change of policies made of the violations; rules that went resolve theirs."""
        assert self.rules is not None
        before, after = self.rules, Rules(snapshot.program)
        self.rules = after
        self._store.violations.set_rules(tuple(after.records.values()))
        gone = [before.checked[table] for table in before.checked.keys() - after.checked.keys()]
        left = [id_ for rule in gone for id_ in self._store.violations.ids_of(rule.policy, rule.identity)]
        self._record(at, [], left, "policy")
        known = after.known(self.unseen)
        heard = (before.known(self.unseen) & known) - self._telling.revised(snapshot, before, after)
        found = self._differences(snapshot, after, known - heard, at)
        moved = self._moved(changes, snapshot, after, heard)
        found.opened += moved.opened
        found.resolved += moved.resolved
        self._take(at, found, "policy")

    def see(self, tables: Iterable[str], snapshot: Snapshot, at: float) -> None:
        """These tables have been pulled for the first time: rules that waited for them alone are heard from now on."""
        assert self.rules is not None
        seen = frozenset(tables) & self.unseen
        if not seen:
            return
        before = self.rules.known(self.unseen)
        self.unseen -= seen
        heard = self.rules.known(self.unseen)
        settled = self._telling.settled(self.rules, heard, snapshot, seen, self.unseen)
        self._take(at, self._differences(snapshot, self.rules, (heard - before) | settled, at), "change")

    def _take(self, at: float, found: _Differences, by: str) -> None:
        """Record what came and went, and tell otherwise what lasts."""
        self._record(at, found.opened, found.resolved, by)
        for keep, told in found.retold.items():
            batch, revised = self._store.violations.revise(at, chain.from_iterable(told), keep)
            if batch is not None:
                few = len(revised) <= MOST
                pairs = [(Change.of(before), Change.of(after)) for before, after in revised] if few else None
                self.news.append(News(at, revised=[after for _, after in revised]))
                self._hub.publish(Happened(batch, [], [], pairs))

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
        """Violations, with the waivers that cover them already."""
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
