"""Vectors: whole columns are calculated with and compared exactly as `semantics` does it value by value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from congresslite.engine.dictionary import Dictionary
from congresslite.engine.vectors import (
    Coded,
    Mask,
    Plain,
    Same,
    Vector,
    calculate,
    compare,
    encode,
    find,
    length_of,
    map_rows,
    scalars,
    take,
)
from congresslite.language import semantics
from congresslite.language.semantics import Skip
from congresslite.language.syntax import ArithmeticOperator, ComparisonOperator
from congresslite.schema import INT_MAX, INT_MIN, Scalar, canonical
from tests.examples import few

QUICK = few(50)
ARITHMETIC: Sequence[ArithmeticOperator] = get_args(ArithmeticOperator)
COMPARISONS: Sequence[ComparisonOperator] = get_args(ComparisonOperator)

# Where floats and integers part ways, where 64 bits end, and where rounding begins.
EDGES = [0, 1, -1, 2, 3, 7, 321, 28059810762433, 2**31, 2**32 + 1, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, -(2**53)]
EDGES += [-(2**53) - 1, 2**61, 2**62, 2**62 + 1, INT_MAX - 1, INT_MAX, INT_MIN, INT_MIN + 1, 3037000500]
FLOATS = [0.5, -0.5, 1.5, 0.1, 2.0**52 + 0.5, 1e-300, 5e-324, -5e-324, 1e300, -1e300, 1.7976931348623157e308, 2.0**63]
FLOATS += [2.0**64, -(2.0**64), 1e17, 1 / 3, 9007199254740991.5]

integers = st.one_of(st.sampled_from(EDGES), st.integers(-4, 4), st.integers(INT_MIN, INT_MAX))
floats = st.one_of(st.sampled_from(FLOATS), st.floats(allow_nan=False, allow_infinity=False)).map(canonical)
texts = st.sampled_from(["", "a", "b", "ab", "\uffff", "\U0001f600", "1"])
anything = st.one_of(integers, floats, texts, st.none(), st.booleans())
KINDS: dict[str, st.SearchStrategy[Scalar]] = {
    "integers": integers,
    "small integers": st.integers(-3, 3),
    "floats": floats,
    "numbers": st.one_of(integers, floats),
    "strings": texts,
    "anything": anything,
}


def coded(values: Sequence[Scalar], dictionary: Dictionary) -> Vector:
    return Coded(dictionary.encode(values), dictionary)


def computed(values: Sequence[Scalar]) -> Vector:
    """An array as a calculation leaves it: integers, floats where all are exact as such, or Python values."""
    if values and all(type(value) is int for value in values):
        return np.array(values, np.int64)
    if values and all(isinstance(value, int | float) and type(value) is not bool for value in values):
        numbers = [float(value) for value in values]  # type: ignore[arg-type]
        if all(abs(number) <= 2.0**53 for number in numbers) and numbers == values:
            return np.array(numbers, np.float64)
    objects = np.empty(len(values), object)
    objects[:] = values
    return objects


def as_floats(values: Sequence[Scalar]) -> Vector:
    """Integers as a quotient leaves them: floats of integral value."""
    if values and all(type(value) is int and abs(value) <= 2**53 for value in values):
        return np.array(values, np.float64)
    return computed(values)


Form = Callable[[Sequence[Scalar], Dictionary], Vector]
FORMS: dict[str, Form] = {
    "coded": coded,
    "of another dictionary": lambda values, _: coded(values, Dictionary()),
    "computed": lambda values, _: computed(values),
    "quotients": lambda values, _: as_floats(values),
    "constant": lambda values, _: Same(canonical(values[0]), len(values)) if values else Same(None, 0),
}


@st.composite
def operands(draw: st.DrawFn) -> tuple[Vector, Vector]:
    """Two vectors of one length, in any two forms; sometimes long enough to be handled by distinct pairs."""
    length = draw(st.sampled_from([0, 1, 2, 5, 20]))
    shared = Dictionary()
    shared.encode(draw(st.lists(anything, max_size=3)))
    vectors = []
    for _ in range(2):
        kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
        values = [canonical(value) for value in draw(st.lists(kind, min_size=length, max_size=length))]
        vectors.append(FORMS[draw(st.sampled_from(sorted(FORMS)))](values, shared))
    return vectors[0], vectors[1]


def checked(
    vectors: tuple[Vector, Vector], expected: Callable[[Scalar, Scalar], object], got: Plain, known: Mask | None
) -> None:
    """Every row has the value that `expected` gives, or none where it raises Skip."""
    values = scalars(got) if got.dtype != bool else got.tolist()
    exists = [True] * len(values) if known is None else known.tolist()
    rows = list(zip(scalars(vectors[0]), scalars(vectors[1]), strict=True))
    assert len(rows) == len(values) == len(exists)
    for row, value, there in zip(rows, values, exists, strict=True):
        try:
            wanted = expected(*row)
        except Skip:
            assert not there, row
            continue
        assert there, row
        assert (type(value), value) == (type(wanted), wanted), row


def plain_pair(left: list[Scalar], right: list[Scalar]) -> tuple[Vector, Vector]:
    return computed(left), computed(right)


@pytest.mark.parametrize("operator", ARITHMETIC)
@QUICK
@given(vectors=operands())
@example(vectors=plain_pair([INT_MIN, INT_MIN, 5], [-1, 1, -3]))
@example(vectors=plain_pair([INT_MAX, 1], [1, INT_MAX]))
@example(vectors=(np.array([2.0**53, 28059810762433.0]), np.array([1, 321])))
@example(vectors=(np.array([-(2.0**53)]), np.array([-1])))
@example(vectors=(np.array([0.0, 4.0]), np.array([-5, 2])))
@example(vectors=plain_pair([1.5, 5e-324], [0.5, 2.5]))
def test_arithmetic_on_columns(operator: ArithmeticOperator, vectors: tuple[Vector, Vector]) -> None:
    """Arithmetic on columns gives what it gives value by value: exact, to the last bit, and skips the same rows."""
    values, known = calculate(operator, *vectors)
    checked(vectors, lambda left, right: semantics.calculate(operator, left, right), values, known)


@pytest.mark.parametrize("operator", COMPARISONS)
@QUICK
@given(vectors=operands())
@example(vectors=plain_pair([INT_MAX, INT_MIN, 2**53 + 1], [2.0**63, -(2.0**64), 2.5]))
@example(vectors=plain_pair([INT_MIN, 5], [0.5, 1.5]))
@example(vectors=(np.array([2.0**53]), np.array([2**53 + 1])))
def test_comparisons_of_columns(operator: ComparisonOperator, vectors: tuple[Vector, Vector]) -> None:
    """Comparing columns gives what comparing their values gives, and skips the same rows."""
    true, known = compare(operator, *vectors)
    checked(vectors, lambda left, right: semantics.compare(operator, left, right), true, known)


@pytest.mark.parametrize("operator", COMPARISONS)
def test_long_columns_of_strings(operator: ComparisonOperator) -> None:
    """Long columns of strings, compared by rank, are ordered by code point like short ones."""
    dictionary, source = Dictionary(), np.random.default_rng(3)
    words = ["", "a", "ab", "b", "\uffff", "\U0001f600", "Z", "é"]
    left = coded([words[place] for place in source.integers(0, 8, 400)], dictionary)
    right = coded([words[place] for place in source.integers(0, 8, 400)], dictionary)
    true, known = compare(operator, left, right)
    checked((left, right), lambda a, b: semantics.compare(operator, a, b), true, known)


@pytest.mark.parametrize("operator", COMPARISONS)
def test_a_column_with_itself(operator: ComparisonOperator) -> None:
    """Rows that agree are settled by their ids, but null and booleans have no order."""
    dictionary = Dictionary()
    left = coded([None, True, 1, 0.5, "a"] * 8, dictionary)
    right = coded([None, True, 1, 0.5, "b"] * 8, dictionary)
    for other in (left, right):
        true, known = compare(operator, left, other)
        checked((left, other), lambda a, b: semantics.compare(operator, a, b), true, known)


@pytest.mark.parametrize("form", FORMS)
@QUICK
@given(data=st.data())
def test_finding_and_encoding(form: str, data: st.DataObject) -> None:
    """The ids that a vector has in a dictionary stand for its values; those not held are -1, or added."""
    own, target = Dictionary(), Dictionary()
    kind = KINDS[data.draw(st.sampled_from(sorted(KINDS)))]
    values = [canonical(value) for value in data.draw(st.lists(kind, max_size=8))]
    vector = FORMS[form](values, own)
    held = [canonical(value) for value in data.draw(st.lists(st.one_of(kind, st.sampled_from(values or [None]))))]
    target.encode(held)
    ids = find(vector, target).tolist()
    assert ids == [target.find(value) for value in scalars(vector)]
    for target_ in (target, own):
        again = encode(vector, target_)
        assert again.dtype == np.int32
        decoded = target_.decode(again)
        assert [(type(value), value) for value in decoded] == [(type(value), value) for value in scalars(vector)]
    assert length_of(vector) == len(values)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "rows", [np.array([2, 0, 0]), np.array([True, False, True]), np.array([], np.int64)], ids=["places", "mask", "none"]
)
def test_taking_rows(form: str, rows: Plain) -> None:
    """Rows are taken by place or by mask, from a vector of any form."""
    vector = FORMS[form](["a", "a", "a"] if form == "constant" else [3, 4, 5], Dictionary())
    expected = np.array(scalars(vector), object)[rows].tolist()
    taken = take(vector, rows)
    assert scalars(taken) == expected
    assert length_of(taken) == len(expected)


@pytest.mark.parametrize("length", [5, 40], ids=["row by row", "by distinct rows"])
def test_functions_are_applied_once_a_value(length: int) -> None:
    """A function of a column is called once for each distinct value of a long column, and skips where it has none."""
    calls = []

    def half(value: Scalar) -> Scalar:
        calls.append(value)
        if not isinstance(value, int):
            raise Skip
        return value // 2

    values: list[Scalar] = [4, "x", 9, 4, None] * (length // 5)
    results, known = map_rows(half, (coded(values, Dictionary()),))
    assert known is not None
    assert [result for result, there in zip(results.tolist(), known.tolist(), strict=True) if there] == [2, 4, 2] * (
        length // 5
    )
    assert len(calls) == (length if length < 16 else 4)
