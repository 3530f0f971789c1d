"""
Impact: the violations that come, go and stay, by the service and the tenant of their objects.

There may be hundreds of thousands of them. All are counted, set by set; told one by one are only the first, those of
services that are configured already before those that belong to none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Literal

from congresslite.analysis.belonging import Belonging, Ways, led, object_reference
from congresslite.analysis.documents import Document, violation_document
from congresslite.analysis.report import Group, Impact
from congresslite.api import Snapshot, Trial
from congresslite.language.annotations import SEVERITIES
from congresslite.language.program import CheckedRule, RuleKind
from congresslite.policy.violations import is_violation, shown, violation_ids
from congresslite.schema import Changes, Reference, Row

_WORST_FIRST = SEVERITIES[::-1]
_Of = Literal["service", "tenant"]


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows that came to a violation rule, or went from it, with the services and the tenants of their objects."""

    rule: CheckedRule
    rows: Sequence[Row]
    service: Sequence[str | None]
    tenant: Sequence[str | None]

    def ids(self) -> list[str]:
        """The ids of the violations that these rows are."""
        return violation_ids(self.rule.policy, self.rule.identity, self.rows)


@dataclass(frozen=True, slots=True)
class Movement:
    """Everything that moved in a trial."""

    new: Sequence[Moved]
    resolved: Sequence[Moved]


def movement(trial: Trial, belonging: Belonging) -> Movement:
    """The violations that a trial would bring, and those that it would resolve."""
    return Movement(
        tuple(_moved(trial.after, trial.changes, belonging, came=True)),
        tuple(_moved(trial.before, trial.changes, belonging, came=False)),
    )


def impact_of(trial: Trial, moved: Movement, belonging: Belonging, limit: int) -> Impact:
    """What becomes of violations; at most `limit` of each kind are told one by one, and of services and tenants."""
    new, resolved = _total(moved.new), _total(moved.resolved)
    before = sum(trial.before.count(rule.table) for rule in violation_rules(trial.before))
    services, tenants = (_groups(trial.before, moved, belonging, of) for of in ("service", "tenant"))
    return Impact(
        _told(trial.after, moved.new, limit),
        _told(trial.before, moved.resolved, limit),
        {"new": new, "resolved": resolved, "unchanged": before - resolved},
        services[:limit],
        tenants[:limit],
        {"services": len(services), "tenants": len(tenants)},
    )


def violation_rules(snapshot: Snapshot) -> Iterator[CheckedRule]:
    """The rules whose rows are violations."""
    return filter(is_violation, snapshot.program.rules)


def _moved(snapshot: Snapshot, changes: Changes, belonging: Belonging, *, came: bool) -> Iterator[Moved]:
    for rule in violation_rules(snapshot):
        if changes.size(rule.table)[0 if came else 1]:
            delta = changes.part(rule.table)
            rows = delta.insert if came else delta.delete
            objects = [row[rule.object] if row and rule.object is not None else None for row in rows]
            reference = object_reference(snapshot, rule)
            ways = None if reference is None else belonging.ways(snapshot, reference)
            yield Moved(
                rule,
                rows,
                led(snapshot, objects, None if ways is None else ways.service),
                led(snapshot, objects, None if ways is None else ways.tenant),
            )


def _total(moved: Iterable[Moved]) -> int:
    return sum(len(each.rows) for each in moved)


# -- groups --------------------------------------------------------------------------------------


def _groups(before: Snapshot, moved: Movement, belonging: Belonging, of: _Of) -> list[Group]:
    """What becomes of the violations of each service or tenant of which any come or go; the worst hit first."""
    new, resolved = _by(moved.new, of), _by(moved.resolved, of)
    touched = new.keys() | resolved.keys()
    held = _held(before, belonging, of) if touched else {}
    groups = (Group(name, new[name], resolved[name], held.get(name, 0) - resolved[name]) for name in touched)
    return sorted(groups, key=lambda each: (-each.new, -each.resolved, each.name is None, each.name or ""))


def _by(moved: Iterable[Moved], of: _Of) -> Counter[str | None]:
    counted: Counter[str | None] = Counter()
    for each in moved:
        counted.update(each.service if of == "service" else each.tenant)
    return counted


def _held(snapshot: Snapshot, belonging: Belonging, of: _Of) -> Mapping[str | None, int]:
    """How many violations each service or tenant has: those of all rules that name the same kind of object at once."""
    columns: defaultdict[Reference | None, list[tuple[str, int]]] = defaultdict(list)
    nobody = 0
    for rule in violation_rules(snapshot):
        reference = object_reference(snapshot, rule)
        columns[reference].append((rule.table, rule.object or 0))
    held: Counter[str | None] = Counter()
    for reference, places in columns.items():
        ways = None if reference is None else belonging.ways(snapshot, reference)
        way = None if ways is None else _way(ways, of)
        if way is None:
            nobody += sum(snapshot.count(table) for table, _ in places)
            continue
        for value, count in snapshot.counted(places, way).items():
            held[None if value is None else str(value)] += count
    held[None] += nobody
    return held


def _way(ways: Ways, of: _Of) -> Sequence[tuple[str, str, str]] | None:
    return ways.service if of == "service" else ways.tenant


# -- one by one ----------------------------------------------------------------------------------


def _told(snapshot: Snapshot, moved: Sequence[Moved], limit: int) -> tuple[Document, ...]:
    """The first violations as documents, the gravest first."""
    order = nsmallest(
        limit, (_rank(each, at, number) for number, each in enumerate(moved) for at in range(len(each.rows)))
    )
    chosen: defaultdict[int, list[int]] = defaultdict(list)
    for *_, number, at in order:
        chosen[number].append(at)
    documents: dict[tuple[int, int], Document] = {}
    for number, places in chosen.items():
        each = moved[number]
        found = snapshot.violations_of(each.rule, [each.rows[at] for at in places])
        for at, violation in zip(places, found, strict=True):
            belongs = {"service": each.service[at], "tenant": each.tenant[at]}
            documents[number, at] = {**violation_document(violation), **belongs}
    return tuple(documents[number, at] for *_, number, at in order)


def _rank(moved: Moved, at: int, number: int) -> tuple[bool, bool, int, str, str, int, int]:
    rule, service = moved.rule, moved.service[at]
    name = "" if rule.object is None or not moved.rows[at] else shown(moved.rows[at][rule.object])
    soft = rule.kind is not RuleKind.ERROR
    return service is None, soft, _WORST_FIRST.index(rule.severity), service or "", name, number, at
