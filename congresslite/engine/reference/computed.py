"""
What is computed around pyDatalog: operators and builtins, as predicates over interned values.

pyDatalog sees integers only, one for each value of the language, so that its
equality is the language's: 1 and 1.0 are one number, `true` is another. Where a
rule calculates, orders, or calls a builtin, pyDatalog asks a predicate made
here. An operation that holds neither way gives no answer, negated or not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from congresslite.language.builtins import BUILTINS
from congresslite.language.semantics import Skip, calculate, compare
from congresslite.language.syntax import ArithmeticOperator
from congresslite.schema import Scalar, canonical, identity

# Inputs and outputs as ids; None where an output is not bound. Gives the ids of all terms, for each answer.
Predicate = Callable[[Sequence[int | None]], Iterable[Sequence[int]]]

ABSENT = 0  # the id of no value: the variable of a branch that was not taken


class Values:
    """The values that occur, each under one integer."""

    def __init__(self) -> None:
        self._ids: dict[Hashable, int] = {}
        self._values: list[Scalar] = [None]  # of ABSENT, never asked for

    def id(self, value: Scalar) -> int:
        """The integer that stands for a value."""
        key = identity(canonical(value))
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = len(self._values)
            self._values.append(canonical(value))
        return found

    def value(self, number: int) -> Scalar:
        """The value that an integer stands for."""
        return self._values[number]


def predicate(name: str, values: Values, clock: str) -> Predicate:
    """The predicate for a computed step: an operator, `in` or `call BUILTIN`, perhaps with `not ` before it."""
    positive = name.removeprefix("not ")
    negated = positive != name
    match positive:
        case "+" | "-" | "*" | "/" | "%":
            return _arithmetic(positive, values)
        case "<" | "<=" | ">" | ">=":
            return _test(lambda terms: compare(positive, values.value(terms[0]), values.value(terms[1])), negated)
        case "in":
            return _test(lambda terms: terms[0] in terms[1:], negated)
        case _:
            return _builtin(positive.removeprefix("call "), values, clock, negated)


def _arithmetic(operator: ArithmeticOperator, values: Values) -> Predicate:
    def answer(terms: Sequence[int | None]) -> Iterable[Sequence[int]]:
        left, right = _bound(terms[:2])
        try:
            result = calculate(operator, values.value(left), values.value(right))
        except Skip:
            return ()
        return ((left, right, values.id(result)),)

    return answer


def _test(holds: Callable[[list[int]], bool], negated: bool) -> Predicate:
    def answer(terms: Sequence[int | None]) -> Iterable[Sequence[int]]:
        bound = _bound(terms)
        try:
            return (bound,) if holds(bound) != negated else ()
        except Skip:
            return ()

    return answer


def _builtin(name: str, values: Values, clock: str, negated: bool) -> Predicate:
    builtin = BUILTINS[name]
    arity = len(builtin.inputs)

    def answer(terms: Sequence[int | None]) -> Iterable[Sequence[int]]:
        inputs, wanted = _bound(terms[:arity]), terms[arity:]
        try:
            found = builtin.rows([values.value(term) for term in inputs], clock)
        except Skip:
            return ()
        rows = [[values.id(value) for value in row] for row in found]
        fitting = [row for row in rows if all(term in (None, value) for term, value in zip(wanted, row, strict=True))]
        if not negated:
            return [[*inputs, *row] for row in fitting]
        # Of a negated call only the truth counts; an output that is not bound stands for any value.
        return () if fitting else ([*inputs, *(ABSENT if term is None else term for term in wanted)],)

    return answer


def _bound(terms: Sequence[int | None]) -> list[int]:
    """The terms, all of which the order of the steps has bound."""
    assert None not in terms, "a computed step before its inputs"
    return [term for term in terms if term is not None]
