"""
The closure of comparisons: everything that some of them say about the values they speak of.

A value is a number, and values that are equal share one *class*. Of each class it is known what the value can be
(`values`), of two classes that one comes before the other, or that they differ; an expression is a class too, equal
wherever its operands are. `close` adds what follows until nothing more does; the questions are for a closed one.

An ordering that holds proves that both sides are numbers, or both texts, and whatever is computed has a value: a
binding of which that is not so was skipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable

from congresslite.language.semantics import Skip, calculate
from congresslite.language.syntax import ArithmeticOperator
from congresslite.policy.implication.budget import Budget
from congresslite.policy.implication.values import NUMBER, ORDERED, TEXT, Contradiction, End, Known
from congresslite.schema import Scalar, canonical, identity

_Order = tuple[int, int]


class Closure:
    """What is known of some values. What says more may raise Contradiction; all of it may raise Exhausted."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._parent: list[int] = []
        self._known: dict[int, Known] = {}
        self._constants: dict[Hashable, int] = {}
        self._calculated: dict[tuple[ArithmeticOperator, int, int], int] = {}
        # Pairs where the first comes before the second, and whether they differ.
        self._orders: dict[_Order, bool] = {}
        self._apart: set[_Order] = set()
        self._after: dict[int, list[tuple[int, bool]]] | None = None
        self._unsettled: set[int] = set()
        self._changed = False

    def copy(self, budget: Budget) -> Closure:
        """One that may be told more, which this one is not."""
        budget.spend(len(self._parent) // 8)
        other = Closure(budget)
        other._parent = self._parent.copy()
        other._known = self._known.copy()
        other._constants = self._constants.copy()
        other._calculated = self._calculated.copy()
        other._orders = self._orders.copy()
        other._apart = self._apart.copy()
        other._unsettled = self._unsettled.copy()
        other._changed = self._changed
        return other

    # Values

    def fresh(self, known: Known) -> int:
        """A value of which only this is known."""
        value = len(self._parent)
        self._parent.append(value)
        self._known[value] = known
        if known.listed is not None or known.low is not None or known.high is not None:
            self._touch(value)
        return value

    def constant(self, value: Scalar) -> int:
        """The value of a constant."""
        value = canonical(value)
        same = identity(value)
        if same not in self._constants:
            self._constants[same] = len(self._parent)
            self._parent.append(self._constants[same])
            self._known[self._constants[same]] = Known.constant(value)
        return self.find(self._constants[same])

    def calculated(self, operator: ArithmeticOperator, left: int, right: int) -> int:
        """The value of an expression that has one."""
        key = (operator, self.find(left), self.find(right))
        if key not in self._calculated:
            self._calculated[key] = self.fresh(Known(ORDERED if operator == "+" else NUMBER))
            self._changed = True
        return self.find(self._calculated[key])

    def find(self, value: int) -> int:
        """The class of a value."""
        parent = self._parent
        while parent[value] != value:
            parent[value] = parent[parent[value]]
            value = parent[value]
        return value

    def known(self, value: int) -> Known:
        """What is known of a value."""
        return self._known[self.find(value)]

    # What is said

    def equal(self, one: int, other: int) -> None:
        """The two are equal."""
        one, other = self.find(one), self.find(other)
        if one != other:
            self.budget.spend()
            self._known[other] = self._known[other].both(self._known.pop(one))
            self._parent[one] = other
            self._touch(other)

    def differ(self, one: int, other: int) -> None:
        """The two are not equal."""
        self._apart.add((one, other))
        self._changed = True

    def before(self, one: int, other: int, *, strictly: bool) -> None:
        """The one is less than the other, or perhaps equal to it."""
        key = (self.find(one), self.find(other))
        if not self._orders.get(key, False):
            self._orders[key] = strictly
            self._after, self._changed = None, True

    def know(self, value: int, known: Known) -> None:
        """Something is known of a value, beside what was."""
        value = self.find(value)
        self._put(value, self._known[value].both(known))

    def _put(self, value: int, known: Known) -> None:
        if known != self._known[value]:
            self._known[value] = known
            self._touch(value)

    def _touch(self, value: int) -> None:
        self._unsettled.add(value)
        self._after, self._changed = None, True

    # What follows

    def close(self) -> None:
        """Add what follows."""
        while self._changed:
            self._changed = False
            self._settle()
            for (one, other), strictly in list(self._orders.items()):
                self._order(self.find(one), self.find(other), strictly)
            for one, other in self._apart:
                self._differ(self.find(one), self.find(other))
            self._calculate()

    def _settle(self) -> None:
        while self._unsettled:
            value = self.find(self._unsettled.pop())
            known = self._known[value]
            self.budget.spend(_size(known))
            known = known.settled()
            self._put(value, known)
            if known.one:
                self.equal(value, self.constant(known.value))

    def _order(self, one: int, other: int, strictly: bool) -> None:
        self.budget.spend()
        if one == other:
            if strictly:
                raise Contradiction
            return
        back = self._path(other, one)
        if back is not None:
            if strictly or back:
                raise Contradiction
            self.equal(one, other)
            return
        first, second = self._known[one], self._known[other]
        kinds = first.kinds & second.kinds & ORDERED
        first, second = first.of(kinds), second.of(kinds)
        if kinds in (NUMBER, TEXT):
            low, high = first.low, second.high
            first = first.between(None, high if high is None or not strictly else _opened(high))
            second = second.between(low if low is None or not strictly else _opened(low), None)
        self._put(one, first)
        self._put(other, second)

    def _differ(self, one: int, other: int) -> None:
        self.budget.spend()
        if one == other:
            raise Contradiction
        for this, that in ((one, other), (other, one)):
            if self._known[that].one:
                self._put(this, self._known[this].but(identity(self._known[that].value)))
            if self._path(this, that) is False:
                self.before(this, that, strictly=True)

    def _calculate(self) -> None:
        for (operator, left, right), result in list(self._calculated.items()):
            self.budget.spend()
            key = (operator, self.find(left), self.find(right))
            self.equal(result, self._calculated.setdefault(key, result))
            operands = [self._known[self.find(each)] for each in key[1:]]
            kinds = NUMBER
            if operator == "+":
                kinds = operands[0].kinds & operands[1].kinds & self.known(result).kinds & ORDERED
            for each in (*key[1:], result):
                self._put(self.find(each), self.known(each).of(kinds))
            if operands[0].one and operands[1].one:
                try:
                    value = calculate(operator, operands[0].value, operands[1].value)
                except Skip:
                    raise Contradiction from None
                self.equal(result, self.constant(value))

    def _path(self, start: int, end: int) -> bool | None:
        """Whether the orders lead from one class to another, and then whether the two differ."""
        if self._after is None:
            after: defaultdict[int, list[tuple[int, bool]]] = defaultdict(list)
            for (one, other), strictly in self._orders.items():
                after[self.find(one)].append((self.find(other), strictly))
            self._after = after
        if start not in self._after:
            return None
        seen: set[tuple[int, bool]] = {(start, False)}
        todo, found = [(start, False)], None
        while todo:
            self.budget.spend()
            at, strictly = todo.pop()
            for following, step in self._after.get(at, ()):
                reached = (following, strictly or step)
                if following == end:
                    found = found or reached[1]
                if reached not in seen:
                    seen.add(reached)
                    todo.append(reached)
        return found

    # Questions

    def are_equal(self, one: int, other: int) -> bool:
        """Whether two values are proven equal."""
        return self.find(one) == self.find(other)

    def are_different(self, one: int, other: int) -> bool:
        """Whether two values are proven different."""
        self.budget.spend(1 + len(self._apart) // 4)
        one, other = self.find(one), self.find(other)
        first, second = self._known[one], self._known[other]
        if one == other:
            return False
        if not first.kinds & second.kinds or _disjoint(first, second):
            return True
        if any({self.find(this), self.find(that)} == {one, other} for this, that in self._apart):
            return True
        return bool(self._path(one, other) or self._path(other, one))

    def comparable(self, one: int, other: int) -> bool:
        """Whether two values are proven to have an order: two numbers, or two texts."""
        one, other = self.find(one), self.find(other)
        first, second = self._known[one].kinds, self._known[other].kinds
        if first == second and first in (NUMBER, TEXT):
            return True
        if one == other:
            return not first & ~ORDERED
        return self._path(one, other) is not None or self._path(other, one) is not None

    def is_before(self, one: int, other: int, *, strictly: bool) -> bool:
        """Whether a value is proven to be less than another that it is comparable with, or perhaps equal to it."""
        one, other = self.find(one), self.find(other)
        if one == other:
            return not strictly
        path = self._path(one, other)
        if path is not None and (path or not strictly):
            return True
        high, low = self._known[one].high, self._known[other].low
        if high is None or low is None or isinstance(high.value, str) != isinstance(low.value, str):
            return False
        if high.value == low.value:
            return not strictly or high.open or low.open
        return high.value < low.value  # type: ignore[operator]  # both numbers, or both texts

    def is_among(self, value: int, values: Collection[Scalar]) -> bool:
        """Whether a value is proven to be one of these."""
        listed = self.known(value).listed
        self.budget.spend(len(values) // 4)
        return listed is not None and listed <= frozenset(map(identity, values))

    def expression(self, operator: ArithmeticOperator, left: int, right: int) -> int | None:
        """The value of an expression, if it is proven to have one."""
        left, right = self.find(left), self.find(right)
        found = self._calculated.get((operator, left, right))
        first, second = self._known[left], self._known[right]
        # Texts are joined in their order; numbers can be exchanged.
        if found is None and (operator == "*" or (operator == "+" and NUMBER in (first.kinds, second.kinds))):
            found = self._calculated.get((operator, right, left))
        if found is None and first.one and second.one:
            try:
                return self.constant(calculate(operator, first.value, second.value))
            except Skip:
                return None
        return None if found is None else self.find(found)


def _opened(end: End) -> End:
    return End(end.value, open=True)


def _size(known: Known) -> int:
    return 1 + len(known.listed or ()) // 4 + len(known.excluded) // 4


def _disjoint(first: Known, second: Known) -> bool:
    """Whether no value is left that both could be."""
    try:
        first.both(second).settled()
    except Contradiction:
        return True
    return False
