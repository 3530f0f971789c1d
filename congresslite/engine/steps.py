"""
Steps: the operators that every evaluation is made of. A step takes a frame of bindings and gives frames.

Joins make at most `CHUNK` bindings at a time and hand each chunk on before they
make the next, so that what exists at once is bounded, whatever the rule. How
many there will be is known before the first is made, and checked against the
limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from congresslite.engine.access import Access
from congresslite.engine.frames import WEIGHT, Frame, both, evaluate
from congresslite.engine.index import Dense, Places
from congresslite.engine.limits import CHUNK, Limits
from congresslite.engine.relation import Relation
from congresslite.engine.run import Run
from congresslite.engine.vectors import Coded, Mask, Plain, Vector, compare, find, map_rows, plain, take
from congresslite.language.builtins import BUILTINS
from congresslite.language.program import Calc, Call, CheckedRule, Compare, Expression, Member, Var
from congresslite.plan.nodes import variables_of
from congresslite.schema import Row, identity


def _lost(frame: Frame, known: Mask) -> int:
    """How many bindings are skipped; in a delta those that came, less those that went."""
    weights = frame.vectors.get(WEIGHT)
    return int(frame.length - known.sum()) if weights is None else int(plain(weights)[~known].sum())


class Step(Protocol):
    """One operator of a pipeline."""

    def __call__(self, frame: Frame, run: Run) -> Iterator[Frame]:
        """The bindings that follow from these."""


@dataclass(frozen=True, slots=True)
class Scan:
    """All rows of an access, in chunks; it begins a pipeline, or multiplies what shares no variable with it."""

    access: Access
    rule: CheckedRule
    join: int

    def __call__(self, frame: Frame, run: Run) -> Iterator[Frame]:  # noqa: D102
        relation = self.access.relation(run)
        places = self.access.living(relation)
        rows = relation.size if places is None else len(places)
        run.take(self.rule, self.join, frame.length * rows, len(frame.vectors) + len(self.access.columns))
        at_once = max(1, CHUNK // frame.length)
        for start in range(0, rows, at_once):
            stop = min(start + at_once, rows)
            chunk = slice(start, stop) if places is None else places[start:stop]
            scanned: dict[str, Vector] = {
                name: Coded(relation.column(position)[chunk], relation.dictionaries[position])
                for name, position in self.access.columns.items()
            }
            if frame.length == 1 and not frame.vectors:
                yield Frame(stop - start, scanned)
                continue
            left = np.repeat(np.arange(frame.length), stop - start)
            right = np.tile(np.arange(stop - start), frame.length)
            vectors = {name: take(vector, left) for name, vector in frame.vectors.items()}
            vectors.update((name, take(vector, right)) for name, vector in scanned.items())
            yield Frame(len(left), vectors)


@dataclass(frozen=True, slots=True)
class Probe:
    """The rows that agree with a binding in all variables that both have, found by the index on one of them."""

    access: Access
    by: str  # the variable whose index is used
    bound: tuple[str, ...]  # the other variables that are bound already
    keep: frozenset[str]
    rule: CheckedRule
    join: int

    def __call__(self, frame: Frame, run: Run) -> Iterator[Frame]:  # noqa: D102
        relation = self.access.relation(run)
        position = self.access.columns[self.by]
        vector = frame.vectors[self.by]
        ids = find(vector, relation.dictionaries[position])
        if not (isinstance(vector, Coded) and ids is vector.ids) and len(ids) and ids.min() < 0:
            frame, ids = frame.filter(ids >= 0), ids[ids >= 0]
        parts: list[tuple[Places | None, Places]] = []
        size = relation.dictionaries[position].size
        for segment in relation.index(position).segments:
            if isinstance(segment, Dense) and segment.unique:
                places = segment.lookup(ids, size)
                found = places >= 0
                which = None if found.all() else found.nonzero()[0]
                parts.append((which, places if which is None else places[which]))
                continue
            likely = segment.likely(ids)
            if likely is not None and not len(likely):
                continue
            first, counts = segment.spans(ids if likely is None else ids[likely], size)
            total = int(counts.sum())
            run.take(self.rule, self.join, total, len(frame.vectors) + len(self.access.columns))
            if total > CHUNK:
                for start, stop, low, high in _pieces(counts):
                    spans = counts[start:stop] if stop - start > 1 else np.array([high - low])
                    which, places = segment.expand(first[start:stop] + low, spans)
                    which = which + start if likely is None else likely[which + start]
                    yield from self._joined(frame, relation, which, places)
            elif total:
                which, places = segment.expand(first, counts)
                parts.append((which if likely is None else likely[which], places))
        if len(parts) == 1:
            yield from self._joined(frame, relation, *parts[0])
        elif sum(len(part[1]) for part in parts) <= CHUNK:
            yield from self._joined(frame, relation, *_together(parts))
        else:
            for part in parts:
                yield from self._joined(frame, relation, *part)

    def _joined(self, frame: Frame, relation: Relation, which: Places | None, places: Places) -> Iterator[Frame]:
        dead = relation.dead(places)
        if dead is not None:
            which, places = _kept(which, places, (~dead).nonzero()[0])
        if self.access.selects:
            passing = self.access.passing(relation, places)
            if passing is not None:
                which, places = _kept(which, places, passing)
        for name in self.bound:
            column = self.access.columns[name]
            ids = find(frame.vectors[name], relation.dictionaries[column])
            same = relation.column(column)[places] == (ids if which is None else ids[which])
            which, places = _kept(which, places, same.nonzero()[0])
        if not len(places):
            return
        vectors: dict[str, Vector] = {}
        for name, vector in frame.vectors.items():
            if name in self.keep:
                vectors[name] = vector if which is None else take(vector, which)
        for name, position in self.access.columns.items():
            if name in self.keep and name not in vectors:
                vectors[name] = Coded(relation.column(position)[places], relation.dictionaries[position])
        yield Frame(len(places), vectors)


def _kept(which: Places | None, places: Places, chosen: Places) -> tuple[Places, Places]:
    """The chosen ones of some matches."""
    return chosen if which is None else which[chosen], places[chosen]


def _together(parts: Sequence[tuple[Places | None, Places]]) -> tuple[Places, Places]:
    """The matches of several segments as those of one."""
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    which = [np.arange(len(places)) if each is None else each for each, places in parts]
    return np.concatenate(which), np.concatenate([places for _, places in parts])


def _pieces(counts: Places) -> Iterator[tuple[int, int, int, int]]:
    """Cut spans into pieces of about `CHUNK` rows: from span to span, and rows within a span that is cut itself."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + CHUNK, "right"))
        if stop > start:
            yield start, stop, 0, int(counts[start])
            start = stop
            continue
        for low in range(0, int(counts[start]), CHUNK):
            yield start, start + 1, low, min(low + CHUNK, int(counts[start]))
        start += 1


@dataclass(frozen=True, slots=True)
class Exists:
    """Keeps the bindings for which there is a row, or with `negated` those for which there is none."""

    access: Access
    negated: bool
    keep: frozenset[str]

    def __call__(self, frame: Frame, run: Run) -> Iterator[Frame]:  # noqa: D102
        found = exists(self.access, self.access.relation(run), frame)
        yield frame.keep(self.keep).filter(~found if self.negated else found)


def exists(access: Access, relation: Relation, frame: Frame) -> Mask:
    """For which bindings an access, all of whose variables are bound, finds a row."""
    asked = {
        position: find(frame.vectors[name], relation.dictionaries[position])
        for name, position in access.columns.items()
    }
    for position, id_ in access.constants:
        asked[position] = np.full(frame.length, id_, np.int32)
    for one, other in access.equal:
        name = next(name for name, position in access.columns.items() if position == one)
        asked[other] = find(frame.vectors[name], relation.dictionaries[other])
    positions = tuple(sorted(asked))
    return relation.contains(positions, [asked[position] for position in positions], frame.length)


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps the bindings for which a comparison or membership is true."""

    condition: Compare | Member
    keep: frozenset[str]
    rule: CheckedRule

    def __call__(self, frame: Frame, run: Run) -> Iterator[Frame]:  # noqa: D102
        true, known = self._decide(frame)
        if self.condition.negated:
            true = ~true
        if known is not None:
            run.limits.skip(self.rule, _lost(frame, known))
            true = true & known
        yield frame.keep(self.keep).filter(true)

    def _decide(self, frame: Frame) -> tuple[Mask, Mask | None]:
        condition = self.condition
        if isinstance(condition, Member):
            vector, known = evaluate(condition.term, frame)
            vector, whole = (vector, None) if known is None else (take(vector, known), known)
            return _spread(_is_member(vector, condition), whole)
        left, known_left = evaluate(condition.left, frame)
        right, known_right = evaluate(condition.right, frame)
        known = both(known_left, known_right)
        if known is None:
            return compare(condition.operator, left, right)
        true, decided = compare(condition.operator, take(left, known), take(right, known))
        if decided is not None:
            true = true & decided
            both_known = known.copy()
            both_known[known] = decided
            return _spread(true, known)[0], both_known
        return _spread(true, known)


def _spread(values: Mask, known: Mask | None) -> tuple[Mask, Mask | None]:
    """Results for the bindings that `known` marks, among all of them."""
    if known is None:
        return values, None
    full = np.zeros(len(known), bool)
    full[known] = values
    return full, known


def _is_member(vector: Vector, condition: Member) -> Mask:
    if isinstance(vector, Coded):
        wanted = [vector.dictionary.find(value) for value in condition.values]
        return np.isin(vector.ids, np.array([each for each in wanted if each >= 0], np.int32))
    members = {identity(value) for value in condition.values}
    result, _ = map_rows(lambda value: identity(value) in members, (vector,))
    return result.astype(bool)


@dataclass(frozen=True, slots=True)
class Assign:
    """Binds a variable to the value of an expression; a binding for which it has none is dropped."""

    name: str
    expression: Expression
    keep: frozenset[str]
    rule: CheckedRule

    def __call__(self, frame: Frame, run: Run) -> Iterator[Frame]:  # noqa: D102
        vector, known = evaluate(self.expression, frame)
        if known is not None:
            run.limits.skip(self.rule, _lost(frame, known))
            frame, vector = frame.filter(known), take(vector, known)
        yield Frame(frame.length, {**frame.keep(self.keep).vectors, self.name: vector})


@dataclass(frozen=True, slots=True)
class Builtin:
    """Computes a builtin for each binding: binds its free outputs, compares the others."""

    call: Call
    keep: frozenset[str]
    rule: CheckedRule

    def __call__(self, frame: Frame, run: Run) -> Iterator[Frame]:  # noqa: D102
        frame, answers = self._compute(frame, run.limits)
        counts = np.fromiter((len(rows) for rows in answers), np.int64, len(answers))
        which = np.repeat(np.arange(frame.length), counts)
        rows = [row for each in answers for row in each]
        matched = frame.take(which, len(which))
        vectors = dict(matched.vectors)
        compared: list[tuple[Expression, Plain]] = []
        for place, term in enumerate(self.call.outputs):
            values = np.empty(len(rows), object)
            values[:] = [row[place] for row in rows]
            if isinstance(term, Var) and term.name not in vectors:
                vectors[term.name] = values
            else:
                compared.append((term, values))
        true = np.ones(len(which), bool)
        for term, values in compared if rows else ():
            expected, known = evaluate(term, Frame(len(which), vectors))
            if known is None:
                true &= compare("=", expected, values)[0]
            else:
                true &= known
                true[known] &= compare("=", take(expected, known), values[known])[0]
        if self.call.negated:
            hit = np.zeros(frame.length, bool)
            hit[which[true]] = True
            yield frame.keep(self.keep).filter(~hit)
        else:
            yield Frame(len(which), vectors).keep(self.keep).filter(true)

    def _compute(self, frame: Frame, limits: Limits) -> tuple[Frame, list[tuple[Row, ...]]]:
        """The bindings that the builtin can decide, and its rows for each."""
        builtin = BUILTINS[self.call.builtin]
        inputs: list[Vector] = []
        known: Mask | None = None
        for each in self.call.inputs:
            vector, exists = evaluate(each, frame)
            inputs.append(vector)
            known = both(known, exists)
        for each in self.call.outputs:
            # With an expression that has no value, no output can be compared. It may use other outputs: then, later.
            if isinstance(each, Calc) and frame.vectors.keys() >= set(variables_of(each)):
                known = both(known, evaluate(each, frame)[1])
        if known is not None:
            limits.skip(self.rule, _lost(frame, known))
            frame, inputs = frame.filter(known), [take(each, known) for each in inputs]
        if not inputs:
            return frame, [builtin.rows((), limits.clock)] * frame.length
        clock = limits.clock
        answers, decided = map_rows(lambda *values: (builtin.rows(values, clock),), inputs)
        if decided is not None:
            limits.skip(self.rule, _lost(frame, decided))
            frame, answers = frame.filter(decided), answers[decided]
        return frame, [each[0] for each in answers.tolist()]
