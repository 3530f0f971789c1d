"""
Pipelines: a conjunction with its literals in order, ready to be run on frames.

Each condition and each negation runs as soon as its variables are bound, and a
variable is carried no further than it is used. With set semantics a literal
that only tests becomes a membership test; where bindings are counted, it may
not swallow any, unless it can match once at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from congresslite.engine.access import Access, access, best_position, binds, join_order, used_variables
from congresslite.engine.frames import Frame
from congresslite.engine.limits import Budget, Limits
from congresslite.engine.relation import Relation
from congresslite.engine.steps import Assign, Builtin, Exists, Filter, Probe, Scan, Step
from congresslite.language.program import Call, CheckedRule, Compare, Var
from congresslite.plan.nodes import Condition, Conjunction, condition_variables, variables_of


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in order. `joined` are the accesses that multiply bindings, `budgets` what bounds each of them."""

    steps: tuple[Step, ...]
    joined: tuple[Access, ...]
    budgets: tuple[Budget, ...]

    def run(self, start: Frame) -> Iterator[Frame]:
        """All bindings that follow from those of `start`, batch by batch."""
        for budget in self.budgets:
            budget.start()
        # What each step has still to give: a stack of our own, since a body may have more literals than Python's holds.
        running: list[Iterator[Frame]] = [iter((start,))]
        while running:
            frame = next(running[-1], None)
            if frame is None:
                running.pop()
            elif frame.length and len(running) > len(self.steps):
                yield frame
            elif frame.length:
                running.append(self.steps[len(running) - 1](frame))

    def proves_distinct(self, head: frozenset[str]) -> bool:
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
                relation = each.selected()
                if any(relation.unique(at) and name in determined for name, at in each.columns.items()):
                    determined.update(each.columns)
                    waiting.remove(each)
                    progress = True
        return not waiting


EMPTY_FRAME = Frame(1, {})


def build_pipeline(
    rule: CheckedRule,
    conjunction: Conjunction,
    relations: Mapping[str, Relation],
    limits: Limits,
    *,
    counted: bool = False,
    everything: bool = False,
    delta: int | None = None,
    delta_relation: Relation | None = None,
) -> Pipeline:
    """Order the literals of a conjunction over the relations as they are now.

    `counted`: every binding is one row of the result (aggregates); `everything`: keep all variables;
    `delta`: the scan that reads `delta_relation` instead, and comes first.
    """
    used = used_variables(conjunction, everything=everything)
    accesses = [access(each, relations[each.table], used) for each in conjunction.scans]
    if delta is not None and delta_relation is not None:
        accesses[delta] = access(conjunction.scans[delta], delta_relation, used)
    order = join_order(accesses, conjunction.conditions, delta)
    head = used if everything else frozenset(name for term in conjunction.head for name in variables_of(term))
    absent = tuple(access(each, relations[each.table], used) for each in conjunction.absent)
    builder = _Builder(rule, limits, _Tests(conjunction.conditions, absent), head, counted)
    for place in order:
        builder.add_scan(accesses[place], [accesses[each] for each in order[order.index(place) + 1 :]])
    builder.add_tests([])
    assert builder.done, f"not everything in {rule.span} can be bound"
    return Pipeline(tuple(builder.steps), tuple(builder.joined), tuple(builder.budgets))


@dataclass(frozen=True, slots=True)
class _Tests:
    """What bindings must pass beside the joins."""

    conditions: tuple[Condition, ...]
    absent: tuple[Access, ...]


class _Builder:
    """Collects the steps of one pipeline, keeping track of what is bound and what is still to be tested."""

    def __init__(self, rule: CheckedRule, limits: Limits, tests: _Tests, head: frozenset[str], counted: bool) -> None:
        self.steps: list[Step] = []
        self.joined: list[Access] = []
        self.budgets: list[Budget] = []
        self._rule, self._limits, self._head, self._counted = rule, limits, head, counted
        self._bound: set[str] = set()
        self._conditions, self._absent = list(tests.conditions), list(tests.absent)

    @property
    def done(self) -> bool:
        """Whether nothing is left to be tested."""
        return not self._conditions and not self._absent

    def add_scan(self, scan: Access, later: Sequence[Access]) -> None:
        """Join the next literal, after whatever can be tested before it."""
        self.add_tests([scan, *later])
        shared = [name for name in scan.columns if name in self._bound]
        keep = self._needed(later)
        fresh = [name for name in scan.columns if name not in self._bound and name in keep]
        if not fresh and (not self._counted or self._matches_once(scan, shared)) and (shared or not self._counted):
            self.steps.append(Exists(_only(scan, shared), False, keep))
            return
        self.joined.append(scan)
        budget = Budget(self._rule, self._limits)
        self.budgets.append(budget)
        position = best_position(scan, shared)
        if position is None:
            self.steps.append(Scan(_only(scan, fresh), budget))
        else:
            by = next(name for name in shared if scan.columns[name] == position)
            others = tuple(name for name in shared if name != by)
            narrowed = _only(scan, [*shared, *fresh])
            self.steps.append(Probe(narrowed, by, others, keep, budget))
        self._bound.update(scan.columns)

    def add_tests(self, later: Sequence[Access]) -> None:
        """Run every condition and negation whose variables are bound, and what that makes ready."""
        ready = True
        while ready:
            ready = False
            for condition in list(self._conditions):
                new = binds(condition, self._bound)
                if new is None:
                    continue
                self._conditions.remove(condition)
                self._bound |= new
                self._add_condition(condition, new, self._needed(later))
                ready = True
            for absent in list(self._absent):
                if absent.columns.keys() <= self._bound:
                    self._absent.remove(absent)
                    self.steps.append(Exists(absent, True, self._needed(later)))
                    ready = True

    def _add_condition(self, condition: Condition, new: set[str], keep: frozenset[str]) -> None:
        match condition:
            case Call():
                self.steps.append(Builtin(condition, keep, self._rule, self._limits))
            case Compare("=", left, right) if new:
                (name,) = new
                value = right if isinstance(left, Var) and left.name == name else left
                self.steps.append(Assign(name, value, keep, self._rule, self._limits))
            case _:
                self.steps.append(Filter(condition, keep, self._rule, self._limits))

    def _needed(self, later: Sequence[Access]) -> frozenset[str]:
        """The variables that something after this point uses."""
        needed = set(self._head)
        for each in (*later, *self._absent):
            needed.update(each.columns)
        for condition in self._conditions:
            needed |= condition_variables(condition)
        return frozenset(needed)

    def _matches_once(self, scan: Access, shared: Sequence[str]) -> bool:
        """Whether a binding finds one row at most: all columns of a set are given, or a unique one is."""
        relation = scan.selected()
        if any(relation.unique(scan.columns[name]) for name in shared):
            return True
        given = len(shared) + len(scan.selection.constants) + len(scan.selection.equal)
        return relation.distinct and given == len(relation.dictionaries)


def _only(scan: Access, names: Sequence[str]) -> Access:
    """The access with these variables only."""
    return Access(scan.relation, scan.selection, {name: scan.columns[name] for name in names})
