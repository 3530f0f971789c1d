"""
Rules: what one rule derives, from everything there is or from what changed.

Every binding of a rule's body derives its head once. A rule with aggregates has
the values that it folds where another has a column: what is derived of it are
bindings, and `folds` makes rows of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.engine.counting import Bag
from congresslite.engine.deltas import Deltas
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.frames import Frame
from congresslite.engine.pipeline import EMPTY_FRAME, Pipeline, Reading, Shape, build_pipeline
from congresslite.engine.run import Relations, Run
from congresslite.engine.sinks import CountSink, head_columns, weights_of
from congresslite.language.program import Const, Fold, Var
from congresslite.plan.nodes import Conjunction, RulePlan, variables_of


@dataclass(slots=True)
class Pipelines:
    """Pipelines that have been built, for conjunctions that last as long as this does."""

    _built: dict[tuple[int, Shape | int], tuple[Conjunction, Pipeline]] = field(default_factory=dict)

    def delta(self, plan: RulePlan, branch: Conjunction, place: int, run: Run) -> Pipeline:
        """The pipeline that counts what a conjunction derives from the delta of the literal at a place."""
        # By the place alone: this is asked for each literal in each batch.
        found = self._built.get((id(branch), place))
        if found is None:
            shape = Shape(counted=True, delta=place, reading=Reading.TELESCOPED, lasting=True)
            found = self._built[id(branch), place] = branch, build_pipeline(plan.rule, branch, shape, run)
        return found[1]

    def get(self, plan: RulePlan, branch: Conjunction, shape: Shape, run: Run) -> Pipeline:
        """The pipeline of a conjunction in this shape; built over the relations of `run` when it is first asked for."""
        key = (id(branch), shape)
        found = self._built.get(key)
        if found is None:
            # The conjunction is kept, so that no other can have its id.
            pipeline = build_pipeline(plan.rule, branch, shape, run)
            found = self._built[key] = branch, pipeline
        return found[1]

    def kept(self, branches: Iterable[Conjunction]) -> Pipelines:
        """Those of these conjunctions only."""
        ids = {id(branch) for branch in branches}
        built = self._built.copy()  # a question that is asked meanwhile may add to it
        return Pipelines({key: each for key, each in built.items() if key[0] in ids})


def terms_of(branch: Conjunction) -> tuple[Var | Const, ...]:
    """What a binding is reduced to: the head's terms, those of groups first and then the folded variables."""
    groups = tuple(term for term in branch.head if not isinstance(term, Fold))
    return groups + tuple(term.argument for term in branch.head if isinstance(term, Fold))


def value_dictionaries(plan: RulePlan, relations: Relations) -> list[Dictionary]:
    """For each folded variable the dictionary of a column that it comes from, a new one for computed values."""
    (branch,) = plan.branches
    found = []
    for term in branch.head:
        if isinstance(term, Fold):
            scan = next((each for each in branch.scans if term.argument in each.terms), None)
            at = None if scan is None else scan.terms.index(term.argument)
            found.append(Dictionary() if scan is None or at is None else relations[scan.table].dictionaries[at])
    return found


def derive(
    plan: RulePlan, run: Run, dictionaries: Sequence[Dictionary], sink: CountSink, *, counted: bool = True
) -> bool:
    """Give all that a rule derives to a sink; returns whether nothing of it is known to repeat.

    `dictionaries` are those of `terms_of` the head; unless `counted`, how often a row is given means nothing.
    """
    distinct = len(plan.branches) == 1
    for branch in plan.branches:
        pipeline = build_pipeline(plan.rule, branch, Shape(counted=counted), run)
        for frame in pipeline.run(EMPTY_FRAME, run):
            sink.add(plan.rule, head_columns(terms_of(branch), frame, dictionaries), frame.length)
        head = frozenset(name for term in branch.head for name in variables_of(term))
        distinct = distinct and pipeline.proves_distinct(head, run.relations)
    return distinct


def derive_change(
    plan: RulePlan, deltas: Deltas, pipelines: Pipelines, run: Run, dictionaries: Sequence[Dictionary]
) -> Iterator[Bag]:
    """What a rule derives more and less than before, since the tables that it reads changed."""
    for branch, place, negated in changed_literals(plan, deltas.tables):
        pipeline = pipelines.delta(plan, branch, place, run)
        start = deltas.frame(pipeline.start, negated=negated)
        # A delta lists each binding once; so do the rows that are nothing but those.
        for frame in pipeline.run(start, run) if start.length else ():
            yield Bag(head_columns(terms_of(branch), frame, dictionaries), weights_of(frame), pipeline.copies)


def changed_literals(plan: RulePlan, tables: Mapping[str, object]) -> Iterator[tuple[Conjunction, int, bool]]:
    """The literals of a rule that read one of these tables: with their place, and whether they negate."""
    for branch in plan.branches:
        scans = len(branch.scans)
        for place, literal in enumerate(branch.literals):
            if literal.table in tables:
                yield branch, place, place >= scans


def head_rows(
    branch: Conjunction, pipeline: Pipeline, start: Frame, run: Run, dictionaries: Sequence[Dictionary]
) -> Iterator[Bag]:
    """The rows that follow from bindings, repeated ones included, as a set: weights mean nothing."""
    for frame in pipeline.run(start, run) if start.length else ():
        yield Bag(head_columns(terms_of(branch), frame, dictionaries), weights_of(frame))
