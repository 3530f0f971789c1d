"""
Batches: from one state to the next, at the cost of what changes.

Strata are visited in topological order, and only those that read a table which
changed, or whose rules did. So each table takes one turn, when all that it
depends on is final: rules give the derivations that it gains and loses, and
what that makes of its rows is what the strata after it read. A full evaluation
is the batch in which every table is new.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from congresslite.engine.counting import Bag, TableDelta, consolidated, delta_of, merged, united
from congresslite.engine.deltas import Deltas
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.fixpoint import Fixpoint
from congresslite.engine.folds import Groups
from congresslite.engine.limits import Limits
from congresslite.engine.prepared import Prepared, Revision, folded
from congresslite.engine.rederive import Rederivation
from congresslite.engine.relation import Relation
from congresslite.engine.rules import Pipelines, derive, derive_change, value_dictionaries
from congresslite.engine.run import Run
from congresslite.engine.sinks import CountSink
from congresslite.engine.state import State
from congresslite.plan import RulePlan, StratumPlan

_UNREVISED = Revision((), ())


class Batch:
    """One change of a state. `owner` is who may append to the arrays of relations."""

    def __init__(self, state: State, prepared: Prepared, limits: Limits, owner: object) -> None:
        self._prepared, self._limits, self._owner = prepared, limits, owner
        self._state = state
        self.relations = dict(state.relations)
        self._groups = dict(state.groups)
        self.deltas = Deltas(self.relations, state.relations)
        self._run = Run(self.relations, state.relations, limits)
        self._waiting: list[int] = []
        self._queued: set[int] = set()
        self._revisions: Mapping[int, Revision | None] = {}
        self._replaced: set[str] = set()

    def note(self, table: str, relation: Relation, delta: TableDelta) -> None:
        """Take a changed table: whoever reads it will be visited."""
        self.relations[table] = relation
        if table in self._prepared.places:
            self._replaced.add(table)
        self.deltas.add(table, delta)
        if delta:
            for at in self._prepared.readers.get(table, ()):
                self._queue(at)

    def revise(self) -> None:
        """Take the prepared program instead of the state's: revised strata will be visited, tables without one go."""
        self._revisions = self._prepared.revisions
        for at in self._revisions:
            self._queue(at)
        for name in self._state.prepared.places.keys() - self._prepared.places.keys():
            gone = self.relations.pop(name)
            self._replaced.add(name)
            nothing = [column[:0] for column in gone.columns()]
            self.deltas.add(name, TableDelta(nothing, 0, gone.columns(), gone.rows))

    def again(self, strata: Iterable[int]) -> None:
        """Evaluate these strata anew, though nothing that they read has changed: the time has."""
        self._revisions = dict.fromkeys(strata)
        for at in self._revisions:
            self._queue(at)

    def propagate(self, progress: Callable[[int, int], None] | None = None) -> State:
        """Visit every stratum that has to be; returns the state after the batch. Raises EvaluationError at a limit."""
        done = 0
        while self._waiting:
            if progress is not None:
                progress(done, done + len(self._waiting))
            at = heapq.heappop(self._waiting)
            self._visit(at, self._revisions.get(at, _UNREVISED))
            done += 1
        kept = self._prepared.words
        groups = {key: each for key, each in self._groups.items() if key in kept}
        skipped = self._state.skipped.copy()
        skipped.update(self._limits.skipped)
        return State(self._prepared, self.relations, groups, skipped, self._held())

    def _held(self) -> int:
        """What the derived tables take after the batch: rows that went give back what they took, texts do not."""
        held = self._state.held + self._limits.texts
        for name in self._replaced:
            before, after = self._state.relations.get(name), self.relations.get(name)
            held += (0 if after is None else after.nbytes) - (0 if before is None else before.nbytes)
        return held

    def _queue(self, at: int) -> None:
        if at not in self._queued:
            self._queued.add(at)
            heapq.heappush(self._waiting, at)

    def _visit(self, at: int, revision: Revision | None) -> None:
        stratum, source = self._prepared.strata[at], self._prepared.copies.get(at)
        if revision is None:
            self._anew(stratum, source)
        elif source is not None:
            self.note(stratum.stratum.tables[0], self.relations[source], self.deltas.tables[source])
        elif stratum.stratum.recursive:
            change = Rederivation(
                stratum, self.relations, self.deltas, self._run, self._prepared.pipelines, owner=self._owner
            ).change(self._facts)
            for name, delta in change.items():
                self.note(name, self.relations[name], delta)
        elif self._is_groups(stratum):
            self._regroup(stratum.rules[0])
        else:
            (name,) = stratum.stratum.tables
            relation = self.relations[name]
            width = len(relation.dictionaries)
            bags = [bag for bag in self._changes(stratum, revision, relation.dictionaries) if bag.length]
            bag = consolidated(united(bags, width), relation.dictionaries)
            if bag.length:
                rule = stratum.rules[0].rule if stratum.rules else revision.removed[0].rule
                self._limits.hold(rule, int((bag.weights > 0).sum()) * 4 * max(1, width))
                self.note(name, *merged(relation, bag, self._owner))

    def _is_groups(self, stratum: StratumPlan) -> bool:
        """Whether a table has the relation of the groups of its only rule."""
        groups = self._groups.get(id(stratum.rules[0])) if folded(stratum) else None
        return groups is not None and self.relations[stratum.stratum.tables[0]] is groups.relation

    def _regroup(self, plan: RulePlan) -> None:
        """Change a table whose relation is that of the groups of its only rule."""
        for rows in self._refolded(plan):
            self._limits.hold(plan.rule, int((rows.weights > 0).sum()) * 4 * len(rows.columns))
            self.note(plan.rule.table, self._table_of(self._groups[id(plan)]), delta_of(rows))

    def _table_of(self, groups: Groups) -> Relation:
        """The table of one aggregating rule: the groups themselves, unless one of them has no row."""
        if groups.whole:
            return groups.relation
        columns, length = groups.rows()
        dictionaries = self._prepared.dictionaries(groups.rule.table)
        return Relation(groups.rule.table, dictionaries, columns, length, distinct=True, owner=self._owner)

    # -- tables that are new, or to be made anew -------------------------------------------------

    def _anew(self, stratum: StratumPlan, source: str | None) -> None:
        old = {name: self.relations.get(name) for name in stratum.stratum.tables}
        if stratum.stratum.recursive:
            for name in stratum.stratum.tables:
                self.relations[name] = Relation.empty(name, self._prepared.dictionaries(name), owner=self._owner)
            facts = {name: self._facts(name) for name in stratum.stratum.tables}
            # Pipelines of their own: these are built over tables that are still empty.
            fixpoint = Fixpoint(stratum, self.relations, self._run, Pipelines(), self._owner, bulk=True)
            fixpoint.evaluate(facts)
        else:
            (name,) = stratum.stratum.tables
            self.relations[name] = self._derived(stratum, name) if source is None else self.relations[source]
        for name, before in old.items():
            relation = self.relations[name]
            self.note(name, relation, _difference(before, relation))

    def _derived(self, stratum: StratumPlan, name: str) -> Relation:
        """The relation of a table that does not depend on itself."""
        dictionaries = self._prepared.dictionaries(name)
        sink = CountSink(dictionaries, self._limits)
        facts = self._facts(name)
        if folded(stratum) and not facts.length:
            rows = self._folded(stratum.rules[0], dictionaries)
            self._limits.hold(stratum.rules[0].rule, rows.length * 4 * len(dictionaries))
            return self._table_of(self._groups[id(stratum.rules[0])])
        sink.start(facts)
        distinct = (facts.length > 0) + len(stratum.rules) <= 1
        for plan in stratum.rules:
            if plan.rule.aggregates:
                bag = self._folded(plan, dictionaries)
                sink.add(plan.rule, bag.columns, bag.length)
            else:
                distinct &= derive(plan, self._run, dictionaries, sink)
        return sink.relation(name, self._owner, distinct=distinct)

    def _folded(self, plan: RulePlan, dictionaries: list[Dictionary]) -> Bag:
        """The rows of an aggregating rule, whose groups are kept."""
        groups = Groups.empty(plan.rule, value_dictionaries(plan, self.relations), dictionaries, self._owner)
        sink = CountSink(groups.read, self._limits)
        derive(plan, self._run, groups.read, sink)
        self._groups[id(plan)], bag = groups.changed(sink.bag(), self._limits, self._owner)
        return bag

    def _facts(self, name: str) -> Bag:
        """The facts of a table, each once."""
        rows = self._prepared.facts(name)
        dictionaries = self._prepared.dictionaries(name)
        columns = [each.encode(row[at] for row in rows) for at, each in enumerate(dictionaries)]
        bag = consolidated(Bag(columns, np.ones(len(rows), np.int64)), dictionaries)
        return Bag(bag.columns, np.ones(bag.length, np.int64))

    # -- tables that change ----------------------------------------------------------------------

    def _changes(self, stratum: StratumPlan, revision: Revision, dictionaries: list[Dictionary]) -> Iterator[Bag]:
        """The derivations that a table gains and loses."""
        for plan in revision.removed:
            yield self._lost(plan, dictionaries)
        for plan in stratum.rules:
            if any(plan is each for each in revision.added):
                yield self._all(plan, dictionaries)
            elif plan.rule.aggregates:
                yield from self._refolded(plan)
            else:
                yield from derive_change(plan, self.deltas, self._prepared.pipelines, self._run, dictionaries)

    def _refolded(self, plan: RulePlan) -> Iterator[Bag]:
        """The rows that an aggregating rule gains and loses, if its bindings changed; its groups change with them."""
        groups = self._groups[id(plan)]
        bags = list(derive_change(plan, self.deltas, self._prepared.pipelines, self._run, groups.read))
        if bags:
            bag = united(bags, len(groups.read))
            self._groups[id(plan)], rows = groups.changed(bag, self._limits, self._owner)
            yield rows

    def _all(self, plan: RulePlan, dictionaries: list[Dictionary]) -> Bag:
        """All that a rule derives."""
        if plan.rule.aggregates:
            return self._folded(plan, dictionaries)
        sink = CountSink(dictionaries, self._limits)
        derive(plan, self._run, dictionaries, sink)
        return sink.bag()

    def _lost(self, plan: RulePlan, dictionaries: list[Dictionary]) -> Bag:
        """All that a rule derived before the batch, taken away."""
        if plan.rule.aggregates:
            return self._groups.pop(id(plan)).lost()
        sink = CountSink(dictionaries, self._limits)
        derive(plan, Run(self._state.relations, self._state.relations, self._limits), dictionaries, sink)
        bag = sink.bag()
        return Bag(bag.columns, -bag.weights)


def _difference(before: Relation | None, after: Relation) -> TableDelta:
    """What came and went from one relation to another that replaces it."""
    columns = after.columns()
    if before is None or not before.rows:
        nothing: list[Ids] = [column[:0] for column in columns]
        return TableDelta(columns, after.rows, nothing, 0)
    if len(before.dictionaries) != len(after.dictionaries):
        return TableDelta(columns, after.rows, before.columns(), before.rows)
    new = before.find(columns, after.rows) < 0
    old = before.columns()
    lost = after.find(old, before.rows) < 0
    came, gone = [column[new] for column in columns], [column[lost] for column in old]
    return TableDelta(came, int(new.sum()), gone, int(lost.sum()))
