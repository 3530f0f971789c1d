"""
What operators mean: the one definition of arithmetic, comparison and equality.

Values are canonical scalars, and so are results. An operation on values that
it is not made for *holds neither way*: it raises `Skip`, and whoever evaluates
drops the binding, whether or not the literal is negated, and counts it against
the rule. So a rule never fires because of a null or a wrong type.

Every back end agrees with these functions; where one is quicker on whole
columns, the differential tests hold it to them.
"""

from __future__ import annotations

from typing import TypeGuard, assert_never

from congresslite.language.syntax import ArithmeticOperator, ComparisonOperator
from congresslite.schema import Scalar, canonical

# Characters of a computed text: a rule that joins texts to themselves would fill any memory in forty rounds.
MAX_TEXT = 1 << 20


class Skip(Exception):  # noqa: N818 - no error, but a third outcome beside true and false
    """The operation holds neither way for these values: the binding is dropped and counted."""


def is_number(value: Scalar) -> TypeGuard[int | float]:
    """Whether a value can be calculated with; `true` cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def result(value: Scalar) -> Scalar:
    """A computed value made canonical.

    Raises Skip for an integer beyond 64 bits, a text beyond `MAX_TEXT`, and what is no number (NaN, infinities).
    """
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise Skip
    try:
        return canonical(value)
    except ValueError as error:
        raise Skip from error


def calculate(operator: ArithmeticOperator, left: Scalar, right: Scalar) -> Scalar:
    """The value of `left operator right`.

    Two integers are calculated with exactly, and their quotient is rounded once;
    with any other float both become floats first. `+` also joins two strings.
    `%` takes the divisor's sign. Raises Skip for null, wrong types, division by
    zero, overflow, and results that are no numbers.
    """
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return result(left + right)
    if not (is_number(left) and is_number(right)):
        raise Skip
    try:
        return result(_apply(operator, left, right))
    except (OverflowError, ZeroDivisionError) as error:
        raise Skip from error


def _apply(operator: ArithmeticOperator, left: int | float, right: int | float) -> int | float:
    """The operator on two numbers, as Python has it: exact for integers, IEEE 754 as soon as one is a float."""
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "%":
            return left % right
        case _:
            assert_never(operator)


def equal(left: Scalar, right: Scalar) -> bool:
    """Whether two values are one: null is null, 1 is 1.0, `true` is not 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def ordered(left: Scalar, right: Scalar) -> bool:
    """Whether one of the two comes before the other, or neither: two numbers, or two strings."""
    return (isinstance(left, str) and isinstance(right, str)) or (is_number(left) and is_number(right))


def compare(operator: ComparisonOperator, left: Scalar, right: Scalar) -> bool:
    """Whether `left operator right`.

    `=` and `!=` are for values of all kinds. Ordering is for two numbers, by
    exact value, and for two strings, by code point. Raises Skip for any other.
    """
    match operator:
        case "=":
            return equal(left, right)
        case "!=":
            return not equal(left, right)
    if not ordered(left, right):
        raise Skip
    order = (left > right) - (left < right)  # type: ignore[operator]  # both numbers, or both strings
    match operator:
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case ">=":
            return order >= 0
        case _:
            assert_never(operator)
