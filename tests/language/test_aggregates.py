"""Aggregates: one value for a group, or none, whatever the order of the rows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.language.aggregates import Folded, fold
from congresslite.schema import INT_MAX, INT_MIN, canonical


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        pytest.param("count", [None, 1, 1, "a", True], Folded(4, 0), id="count leaves null out"),
        pytest.param("count", [None, None], Folded(None, 0), id="count is never 0"),
        pytest.param("count", [], Folded(None, 0), id="nothing to count"),
        pytest.param("count_distinct", [1, 1, True, "1", None], Folded(3, 0), id="true is not 1"),
        pytest.param("sum", [2**53, 1, 1], Folded(2**53 + 2, 0), id="integers are summed exactly"),
        pytest.param("sum", [INT_MAX, 1], Folded(None, 1), id="overflow"),
        pytest.param("sum", [INT_MAX, INT_MAX, INT_MIN, INT_MIN], Folded(-2, 0), id="overflow on the way is none"),
        pytest.param("sum", [0.1] * 10, Folded(1, 0), id="floats are summed exactly and rounded once"),
        pytest.param("sum", [2**53 + 1, 0.5], Folded(2**53 + 2, 0), id="integers and floats exactly, rounded once"),
        pytest.param("sum", [1e308, 1e308, -1e308], Folded(1e308, 0), id="an infinity on the way is none"),
        pytest.param("sum", [1e308, 1e308], Folded(None, 1), id="an infinity"),
        pytest.param("sum", [1, "a", True, None], Folded(1, 2), id="what is no number is skipped and counted"),
        pytest.param("sum", ["a", None], Folded(None, 1), id="no number at all"),
        pytest.param("avg", [1, 2], Folded(1.5, 0), id="average"),
        pytest.param("avg", [1, 3], Folded(2, 0), id="an integral average is an integer"),
        pytest.param("avg", [INT_MAX, INT_MAX], Folded(float(INT_MAX), 0), id="an average cannot overflow"),
        pytest.param("avg", [1, "a"], Folded(1, 1), id="average skips what is no number"),
        pytest.param("min", [2, 1.5, None], Folded(1.5, 0), id="least number"),
        pytest.param("max", ["a", "b"], Folded("b", 0), id="greatest string"),
        pytest.param("max", [1, "b"], Folded(None, 1), id="mixed kinds have no greatest"),
        pytest.param("min", [True], Folded(None, 1), id="booleans have no least"),
        pytest.param("min", [None], Folded(None, 0), id="nothing but null"),
    ],
)
def test_fold(function, values, expected):
    """Null is ignored, what cannot be folded is counted, and a group of nothing has no row."""
    assert repr(fold(function, values)) == repr(expected)


NUMBERS = st.lists(
    st.one_of(st.integers(INT_MIN, INT_MAX), st.floats(allow_nan=False, allow_infinity=False)).map(canonical),
    min_size=1,
)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_order_does_not_matter(values, random):
    """The same values in another order give the same results, to the last bit."""
    shuffled = random.sample(values, len(values))
    for function in ("count", "count_distinct", "sum", "min", "max", "avg"):
        assert repr(fold(function, values)) == repr(fold(function, shuffled))


@given(st.lists(st.floats(-1e100, 1e100), min_size=1))
def test_sums_of_floats_are_those_of_fsum(values):
    """A sum of floats is what `math.fsum` gives."""
    given_ = [canonical(value) for value in values]
    expected = canonical(math.fsum(values))
    if any(isinstance(value, float) for value in given_):
        assert repr(fold("sum", given_).value) == repr(expected)
