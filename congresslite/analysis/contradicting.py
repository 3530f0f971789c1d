"""
Contradicting: the conflicts that come, go and stay in a trial.

One that another side wins than before goes, and comes as what it is then. All are counted. Told one by one, with both
sides and why each of them holds, are those that come first, then those that go, then those that stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from congresslite.analysis.documents import conflict_document
from congresslite.analysis.report import ConflictFound, Status
from congresslite.api import Snapshot, Trial
from congresslite.engine.explanation import as_json
from congresslite.language.program import CheckedRule, Program
from congresslite.policy.conflicts import told
from congresslite.policy.conflicts.told import Conflict
from congresslite.policy.violations import violation_ids
from congresslite.schema import Changes, Row

# How many bindings of an aggregate an explanation tells.
_GROUP = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """The rows of one pair of rules that contradict each other, in a state that has them."""

    status: Status
    snapshot: Snapshot
    rule: CheckedRule
    rows: Sequence[Row]

    def ids(self) -> list[str]:
        """The ids of these conflicts."""
        return violation_ids(self.rule.policy, self.rule.identity, self.rows)


def moved_conflicts(trial: Trial) -> tuple[Moved, ...]:
    """The conflicts that come, and those that go."""
    turned = _turned(trial.before.program, trial.after.program)
    return (
        *_moved(trial.after, trial.changes, turned, "new"),
        *_moved(trial.before, trial.changes, turned, "resolved"),
    )


def _turned(before: Program, after: Program) -> set[str]:
    """The identities of the pairs of rules of which another side wins than before, or none."""
    then, now = (
        {(rule.identity, program.contradictions[rule.table].winner) for rule in told.contradicting(program)}
        for program in (before, after)
    )
    return {identity for identity, _ in then - now} & {identity for identity, _ in now - then}


def _moved(
    snapshot: Snapshot, changes: Changes, turned: Collection[str], status: Literal["new", "resolved"]
) -> Iterator[Moved]:
    for rule in contradicting(snapshot):
        if rule.identity in turned:
            if snapshot.count(rule.table):
                yield Moved(status, snapshot, rule, snapshot.rows(rule.table))
        elif changes.size(rule.table)[status == "resolved"]:
            delta = changes.part(rule.table)
            yield Moved(status, snapshot, rule, delta.insert if status == "new" else delta.delete)


def conflict_totals(trial: Trial, moved: Sequence[Moved]) -> Mapping[Status, int]:
    """How many conflicts come, go and stay."""
    sizes: dict[Status, int] = {"new": 0, "resolved": 0}
    for each in moved:
        sizes[each.status] += len(each.rows)
    before = sum(trial.before.count(rule.table) for rule in contradicting(trial.before))
    return {**sizes, "unchanged": before - sizes["resolved"]}


def conflicts_found(trial: Trial, moved: Sequence[Moved], limit: int) -> tuple[ConflictFound, ...]:
    """The first `limit` conflicts, with both sides explained; those that nothing decides first."""
    return tuple(islice(_told(trial, moved, limit), limit))


def contradicting(snapshot: Snapshot) -> Iterator[CheckedRule]:
    """The rules whose rows are conflicts; those that nothing decides before others."""
    contradictions = snapshot.program.contradictions
    return iter(sorted(told.contradicting(snapshot.program), key=lambda rule: _rank(contradictions[rule.table].by)))


def _rank(by: str | None) -> int:
    return 0 if by is None else 1 if by == "deny" else 2


def _told(trial: Trial, moved: Sequence[Moved], limit: int) -> Iterator[ConflictFound]:
    for each in moved:
        for found in each.snapshot.conflicts_of(each.rule, sorted(each.rows, key=repr)[:limit]):
            yield ConflictFound(each.status, conflict_document(found, _explained(each.snapshot, found)))
    new = {(each.rule.table, row) for each in moved if each.status == "new" for row in each.rows}
    for rule in contradicting(trial.after):
        # Only as many are looked at as could be told.
        rows, _ = trial.after.select(rule.table, limit=limit + len(new))
        stay = [row for row in rows if (rule.table, row) not in new]
        for found in trial.after.conflicts_of(rule, sorted(stay, key=repr)[:limit]):
            yield ConflictFound("unchanged", conflict_document(found, _explained(trial.after, found)))


def _explained(snapshot: Snapshot, found: Conflict) -> list[Mapping[str, Any] | None]:
    """Why each side holds; None for a rule of another engine, which is explained there."""
    return [None if proof is None else as_json(proof) for proof in snapshot.explain_sides(found, limit=_GROUP)]
