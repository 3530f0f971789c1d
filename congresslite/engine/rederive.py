"""
Recursion kept current: delete too much, put back what still holds, then insert.

A row that derives itself would never lose its last derivation, so counts do not
serve a recursive stratum. Instead everything goes that some lost row ever helped
to derive; each of these rows comes back if a question about it, over what is
left, finds a derivation; and what is new follows semi-naively. (Gupta, Mumick
and Subrahmanian, 1993: "delete and rederive".) Deletions read the state before
the batch, all else the state after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

import numpy as np

from congresslite.engine.counting import NOWHERE, Bag, TableDelta
from congresslite.engine.deltas import Deltas, frame_of_rows, gains, losses
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.fixpoint import Fixpoint
from congresslite.engine.frames import Frame
from congresslite.engine.index import Places
from congresslite.engine.pipeline import Pipeline, Reading, Shape
from congresslite.engine.relation import Relation
from congresslite.engine.rules import Pipelines, changed_literals, head_rows
from congresslite.engine.run import Run
from congresslite.engine.sinks import Part
from congresslite.engine.vectors import Coded, Vector
from congresslite.language.program import Const, Fold, Var
from congresslite.plan.nodes import Conjunction, RulePlan, StratumPlan


@dataclass(slots=True)
class _Doomed:
    """The rows of a table that are deleted for the time being, and those of the last round."""

    relation: Relation
    places: Places = field(default_factory=lambda: NOWHERE)
    fresh: Places = field(default_factory=lambda: NOWHERE)
    next: list[Places] = field(default_factory=list)

    def add(self, bag: Bag) -> None:
        """Delete rows, if they are there."""
        places = self.relation.find(bag.columns, bag.length)
        self.next.append(places[places >= 0])

    def turn(self) -> bool:
        """Begin the next round; returns whether the last one deleted anything more."""
        found = np.unique(np.concatenate(self.next)) if self.next else NOWHERE
        self.fresh = np.setdiff1d(found, self.places, assume_unique=True)
        self.places = np.union1d(self.places, self.fresh) if len(self.fresh) else self.places
        self.next = []
        return len(self.fresh) > 0

    def columns(self, places: Places) -> list[Ids]:
        """The rows at these places."""
        return [self.relation.column(at)[places] for at in range(len(self.relation.dictionaries))]


class Rederivation:
    """One change of one recursive stratum. `relations` are those of the batch, where the stratum's are replaced."""

    def __init__(
        self,
        stratum: StratumPlan,
        relations: MutableMapping[str, Relation],
        deltas: Deltas,
        run: Run,
        pipelines: Pipelines,
        *,
        owner: object,
    ) -> None:
        self._stratum, self._rules = stratum, stratum.rules
        self._relations, self._deltas, self._run = relations, deltas, run
        self._pipelines, self._owner = pipelines, owner
        self._old = {name: relations[name] for name in stratum.stratum.tables}

    def change(self, facts: Callable[[str], Bag]) -> Mapping[str, TableDelta]:
        """What came and went in each table of the stratum; `facts` gives rows that hold whatever the rules say."""
        doomed = self._over_delete()
        for name, each in doomed.items():
            if len(each.places):
                width = len(each.relation.dictionaries)
                nothing = [np.zeros(0, np.int32)] * width
                self._relations[name] = each.relation.changed(each.places, nothing, 0, self._owner)
        fixpoint = Fixpoint(self._stratum, self._relations, self._run, self._pipelines, self._owner, bulk=False)
        for plan in self._rules:
            fixpoint.add(plan.rule, self._rederived(plan, doomed[plan.rule.table]))
            fixpoint.add(plan.rule, self._gained(plan))
        for name, each in doomed.items():
            if len(each.places):
                fixpoint.restore(name, facts(name))
        fixpoint.close()
        return {name: self._difference(name, doomed[name], fixpoint.added(name)) for name in self._old}

    def _over_delete(self) -> dict[str, _Doomed]:
        """Everything that a lost row helped to derive, as far as it was there."""
        doomed = {name: _Doomed(relation) for name, relation in self._old.items()}
        for plan in self._rules:
            for branch, place, negated in changed_literals(plan, self._deltas.tables):
                shape = Shape(delta=place, reading=Reading.BEFORE, lasting=True)
                pipeline = self._pipelines.get(plan, branch, shape, self._run)
                start = losses(self._deltas.frame(pipeline.start, negated=negated))
                for bag in self._rows(plan, branch, pipeline, start):
                    doomed[plan.rule.table].add(bag)
        own = [(plan, *each) for plan in self._rules for each in changed_literals(plan, self._old)]
        turned = [each.turn() for each in doomed.values()]
        while any(turned):
            for plan, branch, place, _ in own:
                read = doomed[branch.scans[place].table]
                if len(read.fresh):
                    shape = Shape(delta=place, reading=Reading.BEFORE, lasting=True)
                    pipeline = self._pipelines.get(plan, branch, shape, self._run)
                    columns = read.columns(read.fresh)
                    start = frame_of_rows(pipeline.start, columns, len(read.fresh), read.relation.dictionaries)
                    for bag in self._rows(plan, branch, pipeline, start):
                        doomed[plan.rule.table].add(bag)
            turned = [each.turn() for each in doomed.values()]
        return doomed

    def _rederived(self, plan: RulePlan, doomed: _Doomed) -> Iterator[Bag]:
        """The deleted rows that a rule derives from what is left."""
        if not len(doomed.places):
            return
        columns = doomed.columns(doomed.places)
        for branch in plan.branches:
            start = frame_of_head(branch, columns, len(doomed.places), doomed.relation.dictionaries)
            shape = Shape(bound=frozenset(start.vectors), lasting=True)
            pipeline = self._pipelines.get(plan, branch, shape, self._run)
            yield from self._rows(plan, branch, pipeline, start)

    def _gained(self, plan: RulePlan) -> Iterator[Bag]:
        """What a rule derives from rows that came to lower strata, or for lack of rows that went."""
        for branch, place, negated in changed_literals(plan, self._deltas.tables):
            shape = Shape(delta=place, lasting=True)
            pipeline = self._pipelines.get(plan, branch, shape, self._run)
            start = gains(self._deltas.frame(pipeline.start, negated=negated))
            yield from self._rows(plan, branch, pipeline, start)

    def _rows(self, plan: RulePlan, branch: Conjunction, pipeline: Pipeline, start: Frame) -> Iterator[Bag]:
        dictionaries = self._old[plan.rule.table].dictionaries
        return head_rows(branch, pipeline, start, self._run, dictionaries)

    def _difference(self, name: str, doomed: _Doomed, added: Part) -> TableDelta:
        """The rows that are gone for good, and those that were not there before."""
        columns, length = added
        deleted = doomed.columns(doomed.places)
        lost = self._relations[name].find(deleted, len(doomed.places)) < 0
        new = self._old[name].find(columns, length) < 0
        came, gone = [column[new] for column in columns], [column[lost] for column in deleted]
        return TableDelta(came, int(new.sum()), gone, int(lost.sum()))


def frame_of_head(branch: Conjunction, columns: list[Ids], length: int, dictionaries: list[Dictionary]) -> Frame:
    """Rows of a table as bindings of the head's variables, as far as they fit its constants."""
    mask = np.ones(length, bool)
    vectors: dict[str, Vector] = {}
    for term, column, dictionary in zip(branch.head, columns, dictionaries, strict=True):
        match term:
            case Const(value):
                mask &= column == dictionary.find(value)
            case Var(name):
                known = vectors.get(name)
                if isinstance(known, Coded):
                    mask &= known.ids == (
                        column
                        if known.dictionary is dictionary
                        else dictionary.translate(column, known.dictionary, add=False)
                    )
                else:
                    vectors[name] = Coded(column, dictionary)
            case Fold():
                raise AssertionError("an aggregate has no place in a recursion")
    return Frame(length, vectors).filter(mask)
