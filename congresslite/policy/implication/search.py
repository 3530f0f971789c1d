"""
The search for a homomorphism: whether a body holds in a state, its variables standing for values of the state.

Goals are taken one after the other: whatever can be tested is tested first, then a row is chosen for an atom, or the
table is taken apart by its definition. That a row is not there is proven by assuming that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.language.program import (
    Calc,
    Call,
    Compare,
    Const,
    Either,
    Expression,
    Literal,
    Match,
    Member,
    NoMatch,
    Var,
)
from congresslite.language.resolution.binding import variables
from congresslite.language.semantics import Skip
from congresslite.policy.implication.renaming import Names
from congresslite.policy.implication.state import NEGATED, Pattern, State
from congresslite.schema import Scalar

# How often tables are taken apart on the way to one proof.
MAX_UNFOLDED = 8
# How many tests that fail are remembered.
MAX_MISSING = 8

_LEFT, _RIGHT = Var("?left"), Var("?right")

Bindings = Mapping[str, int]
# Whether it is contradictory that the state has a row of a table.
Refutes = Callable[[State, str, Pattern], bool]


@dataclass(frozen=True, slots=True)
class Missing:
    """A test that is not proven of values that it can be asked of: it holds of them, or its contrary does."""

    literal: Compare | Member
    values: tuple[int, ...]

    def named(self) -> Bindings:
        """The values by the variables of the literal."""
        return dict(zip((_LEFT.name, _RIGHT.name), self.values, strict=False))

    def contrary(self) -> Compare | Member:
        """What holds where the test does not."""
        return replace(self.literal, negated=not self.literal.negated)


class Search:
    """Proofs in one state. Tests that were all but proven are gathered in `missing`."""

    def __init__(self, state: State, names: Names, refutes: Refutes) -> None:
        self.state = state
        self.closure = state.closure
        self.names = names
        self.refutes = refutes
        self.missing: list[Missing] = []

    def holds(self, goals: Sequence[Literal], bound: Bindings, unfolded: int = 0) -> bool:
        """Whether it is proven that the goals hold for some values of the variables that are not bound."""
        self.closure.budget.spend(1 + len(goals))
        if not goals:
            return True
        place = self._next(goals, bound)
        goal, rest = goals[place], (*goals[:place], *goals[place + 1 :])
        match goal:
            case Match(table, terms):
                return any(self.holds(rest, each, unfolded) for each in self._rows(table, terms, bound)) or (
                    unfolded < MAX_UNFOLDED and self._by_definition(goal, rest, bound, unfolded + 1)
                )
            case Call(negated=False):
                return any(self.holds(rest, each, unfolded) for each in self._results(goal, bound))
            case Either(branches):
                return any(self.holds((*branch, *rest), bound, unfolded) for branch in branches)
            case Compare():
                extended = self._compare(goal, bound)
                return extended is not None and self.holds(rest, extended, unfolded)
            case _:
                return self._test(goal, bound) and self.holds(rest, bound, unfolded)

    # The order of goals

    def _next(self, goals: Sequence[Literal], bound: Bindings) -> int:
        ranks = [self._rank(goal, bound) for goal in goals]
        return ranks.index(min(ranks))

    def _rank(self, goal: Literal, bound: Bindings) -> int:
        """How soon a goal is taken: tests, then atoms by how many of their terms are open, then disjunctions."""
        match goal:
            case Match(_, terms):
                rows = len(self.state.present.get(goal.table, ()))
                return 1 + min(rows, 9) + 10 * sum(isinstance(term, Var) and term.name not in bound for term in terms)
            case Call(_, inputs, _, False):
                return 1 if self._bound(inputs, bound) else 2_000
            case Compare("=", left, right, False):
                return 0 if self._bound((left,), bound) or self._bound((right,), bound) else 2_000
            case Either():
                return 1_000
            case NoMatch() | Call():
                given = goal.terms if isinstance(goal, NoMatch) else (*goal.inputs, *goal.outputs)
                named = [term for term in given if not (isinstance(term, Var) and term.anonymous)]
                return 0 if self._bound(named, bound) else 2_000
            case Compare(_, left, right):
                return 0 if self._bound((left, right), bound) else 2_000
            case Member(term):
                return 0 if self._bound((term,), bound) else 2_000

    def _bound(self, terms: Sequence[Expression], bound: Bindings) -> bool:
        return all(name in bound for name in variables(terms))

    # Rows

    def _rows(self, table: str, terms: Sequence[Expression], bound: Bindings) -> Iterator[Bindings]:
        """The bindings under which the terms are a row that must be there."""
        for row in self.state.present.get(table, ()):
            extended = self.unified(terms, row.terms, bound)
            if extended is not None:
                yield extended

    def unified(self, terms: Sequence[Expression], row: Sequence[int], bound: Bindings) -> Bindings | None:
        """The bindings under which terms are proven to be the values of a row."""
        self.closure.budget.spend(1 + len(row) // 4)
        extended = dict(bound)
        for term, value in zip(terms, row, strict=True):
            if isinstance(term, Var) and term.name not in extended:
                extended[term.name] = value
                continue
            wanted = self.value(term, extended)
            if wanted is None or not self._equal(wanted, value):
                return None
        return extended

    def _equal(self, one: int, other: int) -> bool:
        if self.closure.are_equal(one, other):
            return True
        if None not in (self.closure.known(one).listed, self.closure.known(other).listed):
            self._miss(Compare("=", _LEFT, _RIGHT), one, other)
        return False

    def _by_definition(self, goal: Match, rest: Sequence[Literal], bound: Bindings, unfolded: int) -> bool:
        definitions = self.state.theory.definitions(goal.table)
        terms = self.names.named(goal.terms)
        return any(
            self.holds((*self.names.instance(definition, terms), *rest), bound, unfolded) for definition in definitions
        )

    def _results(self, call: Call, bound: Bindings) -> Iterator[Bindings]:
        """The bindings under which a builtin gives these outputs."""
        inputs = self._values(call.inputs, bound)
        if inputs is None:
            return
        try:
            computed = self.state.computed(call.builtin, inputs)
        except Skip:
            return
        if computed is None:
            names = [Var(f"?in{place}") for place in range(len(inputs))]
            given = dict(bound) | {name.name: value for name, value in zip(names, inputs, strict=True)}
            yield from self._rows(f"builtin:{call.builtin}", (*names, *call.outputs), given)
            return
        for row in computed:
            extended = self.unified(call.outputs, [self.closure.constant(value) for value in row], bound)
            if extended is not None:
                yield extended

    # Tests

    def value(self, term: Expression, bound: Bindings) -> int | None:
        """The value of a term, if it is proven to have one."""
        match term:
            case Const(value):
                return self.closure.constant(value)
            case Var(name):
                return bound.get(name)
            case Calc(operator, left, right):
                first, second = self.value(left, bound), self.value(right, bound)
                return None if first is None or second is None else self.closure.expression(operator, first, second)

    def _values(self, terms: Sequence[Expression], bound: Bindings) -> tuple[int, ...] | None:
        found = [self.value(term, bound) for term in terms]
        values = tuple(each for each in found if each is not None)
        return values if len(values) == len(found) else None

    def _compare(self, goal: Compare, bound: Bindings) -> Bindings | None:
        """The bindings with what a comparison binds, if it is proven."""
        if goal.operator == "=" and not goal.negated:
            for one, other in ((goal.left, goal.right), (goal.right, goal.left)):
                if isinstance(one, Var) and one.name not in bound:
                    value = self.value(other, bound)
                    return None if value is None else {**bound, one.name: value}
        left, right = self.value(goal.left, bound), self.value(goal.right, bound)
        if left is None or right is None:
            return None
        return bound if self._compared(goal, left, right) else None

    def _compared(self, goal: Compare, left: int, right: int) -> bool:
        operator = NEGATED[goal.operator] if goal.negated else goal.operator
        match operator:
            case "=":
                proven, possible = self.closure.are_equal(left, right), True
            case "!=":
                proven, possible = self.closure.are_different(left, right), True
            case "<" | "<=":
                possible = self.closure.comparable(left, right)
                proven = possible and self.closure.is_before(left, right, strictly=operator == "<")
            case ">" | ">=":
                possible = self.closure.comparable(left, right)
                proven = possible and self.closure.is_before(right, left, strictly=operator == ">")
        if possible and not proven:
            self._miss(Compare(operator, _LEFT, _RIGHT), left, right)
        return proven

    def _test(self, goal: Literal, bound: Bindings) -> bool:
        match goal:
            case Member(term, values, negated):
                value = self.value(term, bound)
                return value is not None and self._member(value, values, negated=negated)
            case NoMatch(table, terms):
                pattern = self._pattern(terms, bound)
                return pattern is not None and self._is_absent(table, pattern)
            case Call(negated=True):
                return self._fails(goal, bound)
            case _:
                return False

    def _member(self, value: int, values: tuple[Scalar, ...], *, negated: bool) -> bool:
        if negated:
            constants = [self.closure.constant(each) for each in values]
            proven = all(self.closure.are_different(value, each) for each in constants)
        else:
            proven = self.closure.is_among(value, values)
        if not proven:
            self._miss(Member(_LEFT, values, negated), value)
        return proven

    def _miss(self, literal: Compare | Member, *values: int) -> None:
        missing = Missing(literal, tuple(map(self.closure.find, values)))
        if len(self.missing) < MAX_MISSING and missing not in self.missing:
            self.missing.append(missing)

    # Absence

    def _pattern(self, terms: Sequence[Expression], bound: Bindings) -> Pattern | None:
        found: list[int | None] = []
        for term in terms:
            if isinstance(term, Var) and term.anonymous:
                found.append(None)
                continue
            value = self.value(term, bound)
            if value is None:
                return None
            found.append(value)
        return tuple(found)

    def _is_absent(self, table: str, pattern: Pattern) -> bool:
        patterns = self.state.absent.get(table, ())
        return any(self.state.covers(each, pattern) for each in patterns) or self.refutes(self.state, table, pattern)

    def _fails(self, call: Call, bound: Bindings) -> bool:
        """Whether a builtin that is made for these inputs gives no such output."""
        inputs, outputs = self._values(call.inputs, bound), self._pattern(call.outputs, bound)
        if inputs is None or outputs is None:
            return False
        try:
            if self.state.computed(call.builtin, inputs) == ():
                return True
        except Skip:
            return False
        patterns = self.state.absent.get(f"builtin:{call.builtin}", ())
        return any(self.state.covers(each, (*inputs, *outputs)) for each in patterns)
