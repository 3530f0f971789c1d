"""Runs: what one run of rules sees of the relations, and what keeps it within its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from congresslite.engine.limits import Limits
from congresslite.engine.relation import Relation
from congresslite.language.program import CheckedRule

Relations = Mapping[str, Relation]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a pipeline: the relations it reads, those before the batch, and what keeps it within its limits."""

    relations: Relations
    before: Relations
    limits: Limits
    made: dict[int, int] = field(default_factory=dict)

    def relation(self, table: str, *, before: bool) -> Relation:
        """A table as it is, or as it was before the batch."""
        return (self.before if before else self.relations)[table]

    def take(self, rule: CheckedRule, join: int, rows: int, width: int) -> None:
        """Count the bindings that a join makes, before it does. Raises EvaluationError if a run makes too many."""
        made = self.made[join] = self.made.get(join, 0) + rows
        self.limits.check_bindings(rule, made, width)
