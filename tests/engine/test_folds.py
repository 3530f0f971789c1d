"""Folds: groups are folded exactly, whatever arrived in which order and how often what was gathered was counted."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine import sinks
from congresslite.language.aggregates import fold
from congresslite.language.syntax import AggregateFunction
from congresslite.schema import INT_MAX, INT_MIN, Row, Scalar, Type, canonical, identity
from tests.engine.columnar import answer, run, table
from tests.examples import few

QUICK = few(60)
READINGS = table("s:r", key=Type.INT, group=Type.ANY, value=Type.ANY)
FUNCTIONS: Sequence[AggregateFunction] = get_args(AggregateFunction)

wholes = st.one_of(st.integers(-5, 5), st.integers(-(2**55), 2**55), st.sampled_from([INT_MAX, INT_MIN, 2**53 + 1]))
floats = st.one_of(st.sampled_from([0.1, 0.5, 1e300, -1e300, 1e16, 5e-324, 1.5]), st.floats(-1e9, 1e9)).map(canonical)
GROUPS: dict[str, st.SearchStrategy[Scalar]] = {
    "small integers": st.integers(-5, 5),
    "integers": wholes,
    "numbers and nulls": st.one_of(wholes, floats, st.none()),
    "strings": st.sampled_from(["", "a", "b", "\U0001f600", "\uffff"]),
    "anything": st.one_of(wholes, floats, st.none(), st.booleans(), st.sampled_from(["", "a", "1"])),
}


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("pending", [0, 1 << 22], ids=["compacted at once", "compacted at the end"])
@QUICK
@given(data=st.data())
def test_each_aggregate_of_each_group(kind: str, pending: int, data: st.DataObject) -> None:
    """Each aggregate of each group is what `aggregates.fold` makes of its values; without a value there is no row."""
    group = st.sampled_from([None, True, 1, "g"])
    rows = data.draw(st.lists(st.tuples(group, GROUPS[kind]), max_size=12))
    text = " ".join(f"{each}_of(g, {each}(v)) :- s:r(_, g, v)." for each in FUNCTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sinks, "_PENDING", pending)
        database = run(text, {READINGS: [(place, *row) for place, row in enumerate(rows)]})
    values: dict[Hashable, list[Scalar]] = {}
    for name, value in rows:
        values.setdefault(identity(name), []).append(value)
    skipped = 0
    for function in FUNCTIONS:
        folded = {name: fold(function, each) for name, each in values.items()}
        expected = {(name, identity(each.value)) for name, each in folded.items() if each.value is not None}
        assert answer(database, f"{function}_of") == expected, function
        skipped += sum(each.skipped for each in folded.values())
    assert sum(database.skipped().values()) == skipped


@QUICK
@given(values=st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=20))
def test_sums_of_integers_are_exact(values: list[int]) -> None:
    """A sum of integers has every digit; beyond 64 bits there is no row, and the average is rounded once."""
    database = run("t(sum(v)) :- s:r(_, _, v). a(avg(v)) :- s:r(_, _, v).", {READINGS: readings(values)})
    total = sum(values)
    assert answer(database, "t") == ({(total,)} if INT_MIN <= total <= INT_MAX else set())
    assert answer(database, "a") == {(canonical(float(Fraction(total, len(values)))),)}


SUMS: dict[str, tuple[list[Scalar], Scalar]] = {
    "what came and went": ([1e300, 0.1, -1e300], 0.1),
    "tenths": ([0.1] * 10, 1),
    "a whole sum is an integer": ([0.5, 0.5, 1], 2),
    "a small one beside large ones": ([2**53, 1, 0.5, -(2**53)], 1.5),
    "halfway, rounded to even": ([2**53, 1, 5e-324, -5e-324], 2**53),
    "denormals": ([5e-324, 5e-324], 1e-323),
    "integers whose sum passes 64 bits and comes back": ([INT_MAX, INT_MAX, INT_MIN, INT_MIN], -2),
    "the ends": ([INT_MAX, INT_MIN], -1),
    "many of one value": ([2**40] * 1_000, 2**40 * 1_000),
}


@pytest.mark.parametrize(("values", "total"), SUMS.values(), ids=SUMS)
def test_sums(values: list[Scalar], total: Scalar) -> None:
    """Sums are exact and rounded once, in any order of the rows, as `math.fsum` of all values is."""
    for order in (values, values[::-1], sorted(values, key=repr)):
        database = run("t(sum(v)) :- s:r(_, _, v).", {READINGS: readings(order)})
        assert answer(database, "t") == {(total,)}
    if any(isinstance(value, float) for value in values) and abs(math.fsum(values)) < 2**53:  # type: ignore[arg-type]
        assert total == math.fsum(values)  # type: ignore[arg-type]


def test_a_sum_beyond_64_bits_gives_no_row() -> None:
    """A group whose sum overflows has no row and is counted as skipped; the other groups have theirs."""
    rows: list[Row] = [(1, "over", INT_MAX), (2, "over", 1), (3, "fits", INT_MAX), (4, "fits", 0)]
    database = run("t(g, sum(v)) :- s:r(_, g, v).", {READINGS: rows})
    assert answer(database, "t") == {("fits", INT_MAX)}
    assert list(database.skipped().values()) == [1]


MIXED: dict[str, tuple[list[Scalar], str, set[tuple[Hashable, ...]]]] = {
    "sum takes the numbers": ([1, "a", True, None, 2], "sum", {(3,)}),
    "avg takes the numbers": ([1, "a", True, None, 2], "avg", {(1.5,)}),
    "no numbers, no sum": (["a", True], "sum", set()),
    "min of mixed kinds is none": ([1, "a"], "min", set()),
    "max of booleans is none": ([True, False], "max", set()),
    "min of numbers": ([2, 1.5, None], "min", {(1.5,)}),
    "max of integers and floats by value": ([2**53 + 1, 2.0**53], "max", {(2**53 + 1,)}),
    "max of strings by code point": (["a", "\uffff", "\U0001f600"], "max", {("\U0001f600",)}),
    "count takes all but null": ([1, "a", True, None, 1], "count", {(4,)}),
    "count_distinct tells true from 1": ([1, True, 1.0, "1", None], "count_distinct", {(3,)}),
    "nulls count for nothing": ([None, None], "count", set()),
    "an empty group": ([], "count", set()),
}


@pytest.mark.parametrize(("values", "function", "expected"), MIXED.values(), ids=MIXED)
def test_mixed_kinds(values: list[Scalar], function: str, expected: set[tuple[Hashable, ...]]) -> None:
    """Each aggregate takes the values that it is made for, and null never is one."""
    assert answer(run(f"t({function}(v)) :- s:r(_, _, v).", {READINGS: readings(values)}), "t") == expected


def test_aggregates_of_one_head() -> None:
    """Several aggregates stand in one head, between its groups; a group that lacks one of them has no row."""
    rows: list[Row] = [(1, "a", 1), (2, "a", 3), (3, "b", None), (4, "c", "text"), (5, "c", 2)]
    text = "t(sum(v), g, max(v), 7, count(k), avg(v)) :- s:r(k, g, v)."
    assert answer(run(text, {READINGS: rows}), "t") == {(4, "a", 3, 7, 2, 2)}


def test_a_group_is_folded_too() -> None:
    """A variable may name the group and be folded in it."""
    rows: list[Row] = [(1, 5, 0), (2, 5, 0), (3, 6, 0)]
    assert answer(run("t(g, sum(g)) :- s:r(_, g, _).", {READINGS: rows}), "t") == {(5, 10), (6, 6)}


def test_weights_survive_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that are counted together, again and again, weigh as many times as they came."""
    monkeypatch.setattr(sinks, "_PENDING", 100)
    monkeypatch.setattr("congresslite.engine.steps.CHUNK", 50)
    source = np.random.default_rng(5)
    drawn = source.integers(0, 3, (1_000, 2)).tolist()
    rows: list[Row] = [(place, group, value) for place, (group, value) in enumerate(drawn)]
    database = run("t(g, sum(v), count(v), avg(v)) :- s:r(_, g, v).", {READINGS: rows})
    expected = set()
    for group in range(3):
        values = [value for name, value in drawn if name == group]
        expected.add((group, sum(values), len(values), canonical(sum(values) / len(values))))
    assert answer(database, "t") == expected


BINDINGS: dict[str, tuple[str, set[tuple[Hashable, ...]]]] = {
    "repeated rows of a source are one": ("t(count(x)) :- s:e(x, _).", {(3,)}),
    "anonymous variables count": ("t(x, count(x)) :- s:e(x, _).", {(1, 2), (2, 1)}),
    "a join counts pairs": ("t(count(x)) :- s:e(x, _), s:e(_, y).", {(9,)}),
    "a literal without new variables counts nothing more": ("t(count(x)) :- s:e(x, y), s:e(x, y).", {(3,)}),
    "a literal that only tests counts its rows": ("t(count(x)) :- s:e(x, 5), s:e(x, _).", {(3,)}),
    "a literal of constants": ("t(count(x)) :- s:e(x, _), s:e(1, 5).", {(3,)}),
    "a literal of nothing but any": ("t(count(x)) :- s:e(x, 6), s:e(_, _).", {(3,)}),
    "equal columns": ("t(count(x)) :- s:e(x, x).", set()),
    "negation multiplies nothing": ("t(count(x)) :- s:e(x, _), not s:e(_, 7).", {(3,)}),
    "an equality is no binding more": ("t(count(x)) :- s:e(x, y), z = y, w = 3.", {(3,)}),
    "pieces of a string": ('t(count(i)) :- s:e(x, 6), split("a b c", " ", i, _).', {(3,)}),
    "alternatives that overlap, each binding once": ("t(count(x)) :- s:e(x, y), (y = 5) or (x = 1).", {(3,)}),
    "alternatives with variables of their own": ("t(count(x)) :- s:e(x, y), (z = 1) or (z = 2).", {(6,)}),
    "alternatives that name one value differently": ("t(count(x)) :- s:e(x, y), (z = y) or (s:e(x, z)).", {(5,)}),
    "alternatives of different variables": ("t(count(x)) :- s:e(x, 5), (z = 1) or (w = 1).", {(4,)}),
    "alternatives with computed variables": ("t(count(x)) :- s:e(x, 5), (z = x + 1) or (z = x + 2).", {(4,)}),
    "an alternative without new variables": ("t(count(x)) :- s:e(x, 5), (x = 1) or (s:e(x, _)).", {(4,)}),
}


@pytest.mark.parametrize(("text", "expected"), BINDINGS.values(), ids=BINDINGS)
def test_which_bindings_count(text: str, expected: set[tuple[Hashable, ...]]) -> None:
    """Aggregates range over the distinct bindings of all variables, partial ones over alternatives."""
    edges = table("s:e", x=Type.INT, y=Type.INT)
    assert answer(run(text, {edges: [(1, 5), (1, 6), (1, 5), (2, 5), (1, 6)]}), "t") == expected


def readings(values: Sequence[Scalar]) -> list[Row]:
    """The values, each with a key of its own, in one group."""
    return [(place, "g", value) for place, value in enumerate(values)]
