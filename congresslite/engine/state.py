"""
States: all relations at one moment, and what a run of rules sees of them.

A state is a value. A batch makes the next one and leaves the one it started
from as it was; so a snapshot is a reference to a state, a batch that fails is
a state that nobody keeps, and a what-if is one that nobody publishes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from congresslite.engine.limits import Limits
from congresslite.engine.relation import Relation
from congresslite.language.program import CheckedRule

if TYPE_CHECKING:
    from congresslite.engine.folds import Groups
    from congresslite.engine.prepared import Prepared

Relations = Mapping[str, Relation]


@dataclass(frozen=True, slots=True)
class State:
    """All relations of a program at one moment, the groups of its aggregates (by the id of the rule's plan), and what
    was skipped (by rule place) and is held (bytes) up to now.
    """

    prepared: Prepared
    relations: dict[str, Relation]
    groups: Mapping[int, Groups]
    skipped: Counter[str]
    held: int


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
