"""
States: all relations at one moment.

A state is a value. A batch makes the next one and leaves the one it started
from as it was; so a snapshot is a reference to a state, a batch that fails is
a state that nobody keeps, and a what-if is one that nobody publishes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from congresslite.engine.folds import Groups
from congresslite.engine.prepared import Prepared
from congresslite.engine.relation import Relation


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
