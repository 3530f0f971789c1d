"""
Recursion: semi-naive evaluation of tables that depend on themselves.

Each round evaluates the recursive rules once for each of their recursive
literals, which reads only the rows that the round before made new, while the
other literals read all rows. The round's results are what the tables did not
have. (Bancilhon, "Naive evaluation of recursively defined relations", 1986.)
It serves a full evaluation, which starts from nothing, and a change, which
starts from what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping

import numpy as np

from congresslite.engine.counting import NOWHERE, Bag, consolidated
from congresslite.engine.deltas import frame_of_rows
from congresslite.engine.dictionary import Ids
from congresslite.engine.keys import KeySet
from congresslite.engine.limits import Limits
from congresslite.engine.pipeline import EMPTY_FRAME, Shape
from congresslite.engine.relation import Relation
from congresslite.engine.rules import Pipelines, changed_literals, head_rows
from congresslite.engine.run import Run
from congresslite.engine.sinks import Part, gathered, text_bytes
from congresslite.language.program import Call, CheckedRule, Compare
from congresslite.plan.nodes import Conjunction, RulePlan, StratumPlan


class Growing:
    """One of the stratum's tables: all rows, and those that this round found.

    In bulk, a set of all rows tells which are new; otherwise the relation is asked, at the cost of what is added.
    """

    def __init__(self, relation: Relation, owner: object, *, bulk: bool) -> None:
        self.relation = relation
        self.dictionaries = relation.dictionaries
        self._owner = owner
        self.added: list[Part] = []  # but in bulk, where everything was
        self._next: list[Part] = []
        self._keys = KeySet(self.dictionaries) if bulk else None

    def add(self, bag: Bag) -> int:
        """Note what is new among these rows; returns how many."""
        if self._keys is not None:
            columns, length = self._keys.add(bag.columns, bag.length)
        else:
            fresh = bag.take(self.relation.find(bag.columns, bag.length) < 0)
            columns, length = fresh.columns, fresh.length
        if length:
            self._next.append((columns, length))
        return length

    def turn(self) -> Part:
        """Begin the next round: what this one found is part of all rows, and is returned."""
        columns, length = gathered(self._next, len(self.dictionaries))
        self._next = []
        if not length:
            return columns, length
        if self._keys is not None:
            self.relation.append(columns, length)
            return columns, length
        distinct = consolidated(Bag(columns, np.ones(length, np.int64)), self.dictionaries)
        self.relation = self.relation.changed(NOWHERE, distinct.columns, distinct.length, self._owner)
        self.added.append((distinct.columns, distinct.length))
        return distinct.columns, distinct.length


class Fixpoint:
    """The evaluation of one recursive stratum. `relations` are those that `run` reads; the stratum's grow in them."""

    def __init__(
        self,
        stratum: StratumPlan,
        relations: MutableMapping[str, Relation],
        run: Run,
        pipelines: Pipelines,
        owner: object,
        *,
        bulk: bool,
    ) -> None:
        self._rules = stratum.rules
        self._relations, self._run = relations, run
        self._limits: Limits = run.limits
        self._pipelines = pipelines
        self._tables = {name: Growing(relations[name], owner, bulk=bulk) for name in stratum.stratum.tables}

    def evaluate(self, facts: Mapping[str, Bag]) -> None:
        """Fill the stratum's relations, which are empty, from nothing but these rows and the tables below."""
        for name, bag in facts.items():
            self._tables[name].add(bag)
        for plan in self._rules:
            for branch in plan.branches:
                if not any(scan.table in self._tables for scan in branch.scans):
                    pipeline = self._pipelines.get(plan, branch, Shape(lasting=True), self._run)
                    dictionaries = self._tables[plan.rule.table].dictionaries
                    self.add(plan.rule, head_rows(branch, pipeline, EMPTY_FRAME, self._run, dictionaries))
        self.close()

    def add(self, rule: CheckedRule, bags: Iterable[Bag]) -> int:
        """Note what is new among the rows of a rule; returns how many."""
        table = self._tables[rule.table]
        texts = text_bytes(table.dictionaries)
        made = 0
        for bag in bags:
            made += table.add(bag)
        if made:
            self._limits.hold(rule, made * 4 * max(1, len(table.dictionaries)))
            self._limits.hold_texts(rule, text_bytes(table.dictionaries) - texts)
        return made

    def added(self, name: str) -> Part:
        """The rows that were added to a table, not in bulk."""
        table = self._tables[name]
        return gathered(table.added, len(table.dictionaries))

    def restore(self, name: str, bag: Bag) -> None:
        """Note rows that hold whatever the rules say."""
        self._tables[name].add(bag)

    def close(self) -> None:
        """Add what follows from the rows noted so far, and what follows from that, until nothing new does."""
        deltas = self._turn()
        variants = [(plan, *each) for plan in self._rules for each in changed_literals(plan, self._tables)]
        rounds = 0
        while any(length for _, length in deltas.values()):
            values, last = self._values(), None
            for plan, branch, place, _ in variants:
                columns, length = deltas[branch.scans[place].table]
                if not length:
                    continue
                made = self._step(plan, branch, place, columns, length)
                if made and _computes(branch):
                    last = plan.rule
            rounds += self._values() > values
            if last is not None and rounds > self._limits.rounds:
                raise self._limits.endless(last)
            deltas = self._turn()

    def _step(self, plan: RulePlan, branch: Conjunction, place: int, columns: list[Ids], length: int) -> int:
        """What follows by one literal from its new rows."""
        pipeline = self._pipelines.get(plan, branch, Shape(delta=place, lasting=True), self._run)
        read = self._tables[branch.scans[place].table].dictionaries
        start = frame_of_rows(pipeline.start, columns, length, read)
        dictionaries = self._tables[plan.rule.table].dictionaries
        return self.add(plan.rule, head_rows(branch, pipeline, start, self._run, dictionaries))

    def _turn(self) -> dict[str, Part]:
        deltas = {name: table.turn() for name, table in self._tables.items()}
        self._relations.update((name, table.relation) for name, table in self._tables.items())
        return deltas

    def _values(self) -> int:
        """How many values the stratum's dictionaries hold."""
        return sum(each.size for table in self._tables.values() for each in table.dictionaries)


def _computes(conjunction: Conjunction) -> bool:
    """Whether a conjunction can make values that no table holds."""
    return any(isinstance(each, Compare | Call) for each in conjunction.conditions)
