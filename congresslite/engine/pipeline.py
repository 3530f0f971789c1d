"""
Pipelines: a conjunction with its literals in order, ready to be run on frames.

Each condition and each negation runs as soon as its variables are bound, and a
variable is carried no further than it is used. With set semantics a literal
that only tests becomes a membership test; where bindings are counted, it may
not swallow any, unless it can match once at most.

A pipeline starts from nothing (a full evaluation), from the rows of one literal
(a delta) or from bindings of some variables (a question about one row). It
names tables and holds no relation, so it can be run on any state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from congresslite.engine.access import Access, Planner, access, best_position
from congresslite.engine.frames import WEIGHT, Frame
from congresslite.engine.run import Relations, Run
from congresslite.engine.steps import Assign, Builtin, Exists, Filter, Probe, Scan, Step
from congresslite.language.program import Call, CheckedRule, Compare, Const, Var
from congresslite.plan.nodes import Condition, Conjunction, condition_variables, variables_of
from congresslite.plan.variables import binds, used_variables


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in order, from bindings of the variables in `start`. `joined` are the accesses that multiply bindings.

    `copies` says that there are no steps, and that the head has the variables of the start, and nothing else.
    """

    steps: tuple[Step, ...]
    joined: tuple[Access, ...]
    start: Access
    copies: bool

    def run(self, start: Frame, run: Run) -> Iterator[Frame]:
        """All bindings that follow from those of `start`, batch by batch."""
        run.made.clear()
        # What each step has still to give: a stack of our own, since a body may have more literals than Python's holds.
        running: list[Iterator[Frame]] = [iter((start,))]
        while running:
            frame = next(running[-1], None)
            if frame is None:
                running.pop()
            elif frame.length and len(running) > len(self.steps):
                yield frame
            elif frame.length:
                running.append(self.steps[len(running) - 1](frame, run))

    def proves_distinct(self, head: frozenset[str], relations: Relations) -> bool:
        """Whether no two bindings agree in the head: from its variables, unique columns lead to one row of each access.

        It relies on what indexes have shown of the rows that there are now, so ask after running. A builtin may
        give several rows for the same inputs: with one, nothing is proved.
        """
        if any(isinstance(step, Builtin) for step in self.steps):
            return False
        determined = set(head)
        waiting = list(self.joined)
        progress = True
        while progress and waiting:
            progress = False
            for each in list(waiting):
                relation = relations[each.table]
                if any(relation.unique(at) and name in determined for name, at in each.columns.items()):
                    determined.update(each.columns)
                    waiting.remove(each)
                    progress = True
        return not waiting


EMPTY_FRAME = Frame(1, {})
_NOTHING = Access("", {})


class Reading(Enum):
    """Which state literals read: as it is, as it was before the batch, or each what makes a sum of deltas exact.

    That sum has a term for each literal that changed: its delta, with the literals before it as they are and those
    after it as they were. (So a self-join whose sides both change needs no term for both.)
    """

    NOW = "now"
    BEFORE = "before"
    TELESCOPED = "telescoped"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a conjunction is to be evaluated.

    `counted`: every binding is one row of the result; `delta`: the literal (scans first, then negations) whose rows
    are the start; `bound`: the variables that the start binds; `lasting`: the pipeline will be run again when rows
    have changed.
    """

    counted: bool = False
    delta: int | None = None
    reading: Reading = Reading.NOW
    bound: frozenset[str] = frozenset()
    lasting: bool = False

    def before(self, place: int) -> bool:
        """Whether the literal at this place reads the state before the batch."""
        if self.reading is Reading.TELESCOPED:
            return self.delta is not None and place > self.delta
        return self.reading is Reading.BEFORE


def build_pipeline(rule: CheckedRule, conjunction: Conjunction, shape: Shape, run: Run) -> Pipeline:
    """Order the literals of a conjunction over the relations of a run as they are now."""
    used = used_variables(conjunction, everything=False) | shape.bound
    literals = conjunction.literals
    accesses = [
        access(each, run.relation(each.table, before=shape.before(at)), used, before=shape.before(at))
        for at, each in enumerate(literals)
    ]
    start = _NOTHING if shape.delta is None else accesses[shape.delta]
    bound = shape.bound | frozenset(start.columns)
    count = len(conjunction.scans)
    scans = [each for at, each in enumerate(accesses[:count]) if at != shape.delta]
    absent = tuple(each for at, each in enumerate(accesses[count:], count) if at != shape.delta)
    head = frozenset(name for term in conjunction.head for name in variables_of(term))
    builder = _Builder(rule, shape, _Tests(conjunction.conditions, absent), head, run)
    builder.bound |= bound
    order = Planner(run.relations).order(scans, conjunction.conditions, bound)
    for number, place in enumerate(order):
        builder.add_scan(scans[place], [scans[each] for each in order[number + 1 :]])
    builder.add_tests([])
    assert builder.done, f"not everything in {rule.span} can be bound"
    plain = all(not isinstance(term, Const) for term in conjunction.head)
    copies = not builder.steps and plain and head == start.columns.keys()
    return Pipeline(tuple(builder.steps), tuple(builder.joined), start, copies)


@dataclass(frozen=True, slots=True)
class _Tests:
    """What bindings must pass beside the joins."""

    conditions: tuple[Condition, ...]
    absent: tuple[Access, ...]


class _Builder:
    """Collects the steps of one pipeline, keeping track of what is bound and what is still to be tested."""

    def __init__(self, rule: CheckedRule, shape: Shape, tests: _Tests, head: frozenset[str], run: Run) -> None:
        self.steps: list[Step] = []
        self.joined: list[Access] = []
        self.bound: set[str] = set()
        self._rule, self._shape, self._head, self._run = rule, shape, head, run
        self._conditions, self._absent = list(tests.conditions), list(tests.absent)

    @property
    def done(self) -> bool:
        """Whether nothing is left to be tested."""
        return not self._conditions and not self._absent

    def add_scan(self, scan: Access, later: Sequence[Access]) -> None:
        """Join the next literal, after whatever can be tested before it."""
        self.add_tests([scan, *later])
        shared = [name for name in scan.columns if name in self.bound]
        keep = self._needed(later)
        fresh = [name for name in scan.columns if name not in self.bound and name in keep]
        counted = self._shape.counted
        # Two places that must agree can be looked up only if one of them is given.
        given = {scan.columns[name] for name in shared}
        answerable = all(one in given for one, _ in scan.equal)
        if not fresh and answerable and (not counted or (shared and self._matches_once(scan, shared))):
            self.steps.append(Exists(scan.only(shared), False, keep))
            return
        self.joined.append(scan)
        position = best_position(scan, scan.relation(self._run), shared)
        join = len(self.steps)
        if position is None:
            self.steps.append(Scan(scan.only(fresh), self._rule, join))
        else:
            by = next(name for name in shared if scan.columns[name] == position)
            others = tuple(name for name in shared if name != by)
            self.steps.append(Probe(scan.only([*shared, *fresh]), by, others, keep, self._rule, join))
        self.bound.update(scan.columns)

    def add_tests(self, later: Sequence[Access]) -> None:
        """Run every condition and negation whose variables are bound, and what that makes ready."""
        ready = True
        while ready:
            ready = False
            for condition in list(self._conditions):
                new = binds(condition, self.bound)
                if new is None:
                    continue
                self._conditions.remove(condition)
                self.bound |= new
                self._add_condition(condition, new, self._needed(later))
                ready = True
            for absent in list(self._absent):
                if absent.columns.keys() <= self.bound:
                    self._absent.remove(absent)
                    self.steps.append(Exists(absent, True, self._needed(later)))
                    ready = True

    def _add_condition(self, condition: Condition, new: set[str], keep: frozenset[str]) -> None:
        match condition:
            case Call():
                self.steps.append(Builtin(condition, keep, self._rule))
            case Compare("=", left, right) if new:
                (name,) = new
                value = right if isinstance(left, Var) and left.name == name else left
                self.steps.append(Assign(name, value, keep, self._rule))
            case _:
                self.steps.append(Filter(condition, keep, self._rule))

    def _needed(self, later: Sequence[Access]) -> frozenset[str]:
        """The variables that something after this point uses, and the weight of a delta."""
        needed = {WEIGHT, *self._head}
        for each in (*later, *self._absent):
            needed.update(each.columns)
        for condition in self._conditions:
            needed |= condition_variables(condition)
        return frozenset(needed)

    def _matches_once(self, scan: Access, shared: Sequence[str]) -> bool:
        """Whether a binding finds one row at most: all columns of a set are given, or a unique one is."""
        relation = scan.relation(self._run)
        if not self._shape.lasting and any(relation.unique(scan.columns[name]) for name in shared):
            return True
        return relation.distinct and len(shared) + scan.given - len(scan.columns) == len(relation.dictionaries)
