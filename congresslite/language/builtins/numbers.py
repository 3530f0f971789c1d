"""Comparison and arithmetic as predicates, for rules written for Congress: `gt(x, y)` is `x > y`."""

from __future__ import annotations

from congresslite.language.builtins.builtin import test, value
from congresslite.language.semantics import Skip, calculate, compare, equal, is_number
from congresslite.schema import Scalar, order_key


@test("lt(x: any, y: any)")
def _lt(x: Scalar, y: Scalar) -> bool:
    """`x < y`, for two numbers or two strings."""
    return compare("<", x, y)


@test("lteq(x: any, y: any)")
def _lteq(x: Scalar, y: Scalar) -> bool:
    """`x <= y`, for two numbers or two strings."""
    return compare("<=", x, y)


@test("equal(x: any, y: any)")
def _equal(x: Scalar, y: Scalar) -> bool:
    """`x = y`, for values of all kinds."""
    return equal(x, y)


@test("gt(x: any, y: any)")
def _gt(x: Scalar, y: Scalar) -> bool:
    """`x > y`, for two numbers or two strings."""
    return compare(">", x, y)


@test("gteq(x: any, y: any)")
def _gteq(x: Scalar, y: Scalar) -> bool:
    """`x >= y`, for two numbers or two strings."""
    return compare(">=", x, y)


@test("precedes(x: any, y: any)")
def _precedes(x: Scalar, y: Scalar) -> bool:
    """`x` comes before `y`, for values of all kinds but null: false, true, numbers, then strings."""
    if x is None or y is None:
        raise Skip
    return order_key(x) < order_key(y)


@value("max(x: any, y: any -> z: any)")
def _max(x: Scalar, y: Scalar) -> Scalar:
    """The greater of two numbers or two strings."""
    return x if compare(">=", x, y) else y


@value("plus(x: any, y: any -> z: any)")
def _plus(x: Scalar, y: Scalar) -> Scalar:
    """`x + y`: the sum of two numbers, or two strings joined."""
    return calculate("+", x, y)


@value("minus(x: float, y: float -> z: any)")
def _minus(x: Scalar, y: Scalar) -> Scalar:
    """`x - y`."""
    return calculate("-", x, y)


@value("mul(x: float, y: float -> z: any)")
def _mul(x: Scalar, y: Scalar) -> Scalar:
    """`x * y`."""
    return calculate("*", x, y)


@value("div(x: float, y: float -> z: any)")
def _div(x: Scalar, y: Scalar) -> Scalar:
    """The quotient; of two integers it is rounded down, as in Congress (`x / y` is not)."""
    if isinstance(x, int) and isinstance(y, int):
        if y == 0:
            raise Skip
        return x // y
    return calculate("/", x, y)


@value("float(x: any -> y: any)")
def _float(x: Scalar) -> Scalar:
    """A number as it is, or the number that a string spells."""
    if isinstance(x, str):
        try:
            return float(x)
        except ValueError as error:
            raise Skip from error
    if is_number(x):
        return x
    raise Skip


@value("int(x: any -> y: int)")
def _int(x: Scalar) -> Scalar:
    """A number without its fraction, or the integer that a string spells in decimal."""
    if isinstance(x, str) or is_number(x):
        try:
            return int(x)
        except (ValueError, OverflowError) as error:
            raise Skip from error
    raise Skip


NUMBERS = (_lt, _lteq, _equal, _gt, _gteq, _precedes, _max, _plus, _minus, _mul, _div, _float, _int)
