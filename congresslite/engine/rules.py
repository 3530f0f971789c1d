"""
Rules: the rows that one rule derives from relations as they are.

The bindings of a rule with aggregates are counted, each exactly once; those of
any other rule form a set. Over alternatives (`or`), a binding is the partial
assignment of one of them: which variables it has is part of what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from congresslite.engine.access import used_variables
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.folds import FoldSink
from congresslite.engine.frames import Frame
from congresslite.engine.keys import KeySet
from congresslite.engine.limits import Limits
from congresslite.engine.pipeline import EMPTY_FRAME, Pipeline, build_pipeline
from congresslite.engine.relation import Relation
from congresslite.engine.sinks import Part, SetSink, head_columns
from congresslite.engine.vectors import Coded, Vector, encode
from congresslite.language.program import Fold
from congresslite.plan.nodes import Conjunction, RulePlan, variables_of


def derive(
    plan: RulePlan, relations: Mapping[str, Relation], dictionaries: Sequence[Dictionary], limits: Limits, sink: SetSink
) -> bool:
    """Add the rows of a rule to a sink; returns whether they are known not to repeat."""
    if plan.rule.aggregates:
        sink.add(plan.rule, *folded(plan, relations, dictionaries, limits))
        return True
    pipelines = [build_pipeline(plan.rule, branch, relations, limits) for branch in plan.branches]
    for branch, pipeline in zip(plan.branches, pipelines, strict=True):
        for columns, length in head_rows(branch, pipeline, dictionaries):
            sink.add(plan.rule, columns, length)
    if len(pipelines) != 1:
        return False
    head = frozenset(name for term in plan.branches[0].head for name in variables_of(term))
    return pipelines[0].proves_distinct(head)


def head_rows(conjunction: Conjunction, pipeline: Pipeline, dictionaries: Sequence[Dictionary]) -> Iterator[Part]:
    """The head's columns for all bindings of a conjunction without aggregates, batch by batch."""
    terms = tuple(term for term in conjunction.head if not isinstance(term, Fold))
    for frame in pipeline.run(EMPTY_FRAME):
        yield head_columns(terms, frame, dictionaries), frame.length


def folded(
    plan: RulePlan, relations: Mapping[str, Relation], dictionaries: Sequence[Dictionary], limits: Limits
) -> Part:
    """The rows of a rule with aggregates."""
    rule = plan.rule
    groups = [d for d, term in zip(dictionaries, rule.head, strict=True) if not isinstance(term, Fold)]
    values = [Dictionary() for term in rule.head if isinstance(term, Fold)]
    sink: FoldSink | None = None
    for branch, frame in _bindings(plan, relations, limits):
        if sink is None:
            # The values stay in the dictionary in which they come.
            for place, term in enumerate(each for each in rule.head if isinstance(each, Fold)):
                vector = frame.vectors[term.argument.name]
                if isinstance(vector, Coded):
                    values[place] = vector.dictionary
            sink = FoldSink(rule, groups, values, limits)
        terms = [term for term in branch.head if not isinstance(term, Fold)]
        columns = head_columns(terms, frame, groups)
        arguments = [term.argument.name for term in branch.head if isinstance(term, Fold)]
        columns += [encode(frame.vectors[name], each) for name, each in zip(arguments, values, strict=True)]
        sink.add(columns, frame.length)
    if sink is None:
        return [np.zeros(0, np.int32) for _ in dictionaries], 0
    return sink.columns(dictionaries)


def _bindings(plan: RulePlan, relations: Mapping[str, Relation], limits: Limits) -> Iterator[tuple[Conjunction, Frame]]:
    """Every binding of a rule's body once."""
    if len(plan.branches) == 1:
        pipeline = build_pipeline(plan.rule, plan.branches[0], relations, limits, counted=True)
        for frame in pipeline.run(EMPTY_FRAME):
            yield plan.branches[0], frame
        return
    names = sorted(set().union(*(used_variables(branch, everything=True) for branch in plan.branches)))
    shared = {name: Dictionary() for name in names}
    signature = Dictionary()
    seen = KeySet([signature, *shared.values()])
    for branch in plan.branches:
        pipeline = build_pipeline(plan.rule, branch, relations, limits, counted=True, everything=True)
        for frame in pipeline.run(EMPTY_FRAME):
            assigned = ",".join(sorted(frame.vectors))
            columns = [np.full(frame.length, signature.add(assigned), np.int32)]
            columns += [_column(frame, name, shared[name]) for name in names]
            fresh, length = seen.add(columns, frame.length)
            limits.hold(plan.rule, length * 4 * len(columns))
            vectors: dict[str, Vector] = {
                name: Coded(column, shared[name])
                for name, column in zip(names, fresh[1:], strict=True)
                if name in frame.vectors
            }
            yield branch, Frame(length, vectors)


def _column(frame: Frame, name: str, dictionary: Dictionary) -> Ids:
    vector = frame.vectors.get(name)
    return np.zeros(frame.length, np.int32) if vector is None else encode(vector, dictionary)
