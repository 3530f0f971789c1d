"""Operators: what they give, and where they hold neither way."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.language.semantics import Skip, calculate, compare, equal
from congresslite.schema import INT_MAX, INT_MIN, canonical

SKIP = object()


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a call gives, or SKIP; with its type, since True equals 1 to Python."""
    try:
        result = function(*arguments)
    except Skip:
        return SKIP
    return type(result), result


@pytest.mark.parametrize(
    ("operator", "left", "right", "expected"),
    [
        pytest.param("+", 2**53, 1, 2**53 + 1, id="integers are exact beyond 2**53"),
        pytest.param("+", 0.1, 0.2, 0.1 + 0.2, id="floats are IEEE 754"),
        pytest.param("+", 0.5, 0.5, 1, id="a float without a fraction becomes an integer"),
        pytest.param("+", "a", "b", "ab", id="strings are joined"),
        pytest.param("+", INT_MAX, 1, SKIP, id="overflow"),
        pytest.param("-", INT_MIN, 1, SKIP, id="overflow below"),
        pytest.param("*", 2**32, 2**31, SKIP, id="overflow of a product"),
        pytest.param("-", 0.0, 0.0, 0, id="no negative zero"),
        pytest.param("*", 1e300, 1e300, SKIP, id="an infinity"),
        pytest.param("-", "a", "b", SKIP, id="strings are not subtracted"),
        pytest.param("*", "a", 2, SKIP, id="strings are not repeated"),
        pytest.param("%", "%s", 2, SKIP, id="strings are not formatted"),
        pytest.param("+", "a", 1, SKIP, id="mixed kinds"),
        pytest.param("+", None, 1, SKIP, id="null"),
        pytest.param("+", True, 1, SKIP, id="true is not 1"),
        pytest.param("/", 7, 2, 3.5, id="true division"),
        pytest.param("/", 6, 3, 2, id="an integral quotient is an integer"),
        pytest.param("/", INT_MIN, -1, float(2**63), id="a quotient is a float"),
        pytest.param("/", 1, 0, SKIP, id="division by zero"),
        pytest.param("/", 0.5, 0, SKIP, id="division of a float by zero"),
        pytest.param("%", 7, 3, 1, id="remainder"),
        pytest.param("%", -7, 3, 2, id="the remainder has the divisor's sign"),
        pytest.param("%", 7, -3, -2, id="the remainder has the divisor's negative sign"),
        pytest.param("%", -0.5, 2, 1.5, id="the remainder of floats has it too"),
        pytest.param("%", 7, 0, SKIP, id="remainder of zero"),
        pytest.param("%", 0.5, 0, SKIP, id="remainder of a float by zero"),
    ],
)
def test_calculate(operator, left, right, expected):
    """Arithmetic is exact on integers, IEEE 754 on floats, and holds nothing for what it is not made for."""
    assert outcome(calculate, operator, left, right) == (expected if expected is SKIP else (type(expected), expected))


@pytest.mark.parametrize(
    ("operator", "left", "right", "expected"),
    [
        pytest.param("=", None, None, True, id="null is null"),
        pytest.param("=", True, 1, False, id="true is not 1"),
        pytest.param("=", False, 0, False, id="false is not 0"),
        pytest.param("!=", 1, "1", True, id="a number is not its text"),
        pytest.param("=", 2**53, float(2**53), True, id="a number is itself in either form"),
        pytest.param("<", 2**53, 2**53 + 1, True, id="integers are compared exactly"),
        pytest.param("<", INT_MAX, float(2**63), True, id="an integer and a float are compared by value"),
        pytest.param(">", 1.5, 1, True, id="greater"),
        pytest.param(">=", "b", "a", True, id="strings"),
        pytest.param("<", "Z", "a", True, id="strings by code point"),
        pytest.param("<", "\uffff", "\U00010000", True, id="strings by code point, not by UTF-16"),
        pytest.param("<", "", "a", True, id="the empty string is the least"),
        pytest.param("<=", None, None, SKIP, id="null is not ordered"),
        pytest.param("<", None, 1, SKIP, id="null against a number"),
        pytest.param("<", True, 2, SKIP, id="a boolean against a number"),
        pytest.param("<", False, True, SKIP, id="booleans"),
        pytest.param("<", 1, "2", SKIP, id="a number against a string"),
    ],
)
def test_compare(operator, left, right, expected):
    """Equality is for all kinds, ordering for two numbers or two strings only."""
    assert outcome(compare, operator, left, right) == (expected if expected is SKIP else (bool, expected))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(INT_MIN, INT_MAX), st.floats(allow_nan=False, allow_infinity=False), st.text()
).map(canonical)


@given(SCALARS, SCALARS)
def test_one_of_the_orderings_holds(left, right):
    """Where two values are ordered at all, exactly one of `<`, `=` and `>` holds, and `!=` is the opposite of `=`."""
    assert compare("!=", left, right) is not equal(left, right)
    try:
        holding = [compare(operator, left, right) for operator in ("<", "=", ">")]
    except Skip:
        return
    assert holding.count(True) == 1
    assert compare("<=", left, right) is not compare(">", left, right)
    assert compare(">=", left, right) is not compare("<", left, right)


@given(st.sampled_from("+-*/%"), SCALARS, SCALARS)
def test_results_are_canonical(operator, left, right):
    """What is calculated is a canonical value, and exact where both operands are integers."""
    try:
        value = calculate(operator, left, right)
    except Skip:
        return
    assert outcome(canonical, value) == (type(value), value)
    if isinstance(left, int) and isinstance(right, int):
        x, y = Fraction(left), Fraction(right)
        if operator == "/":
            assert value == float(x / y)
        else:
            assert value == {"+": x + y, "-": x - y, "*": x * y, "%": y and x - y * math.floor(x / y)}[operator]
