"""Ranking: nothing is outranked exactly where a better class asks for at least as much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.api import Engine
from congresslite.federation.compiled import Need
from congresslite.federation.ranking import outranked
from congresslite.schema import Column, Row, RowsTable, Scalar, TableSchema, Type
from congresslite.share import share
from tests.examples import few

RANKING = ("Platinum", "Gold", "Silver")
NUMBERS = st.sampled_from([1, 2, 3, 2.5])
ATTRIBUTES = st.sampled_from(["cores", "disk"])
OPS = st.sampled_from(["ge", "le", "eq", "ne"])
ROWS = st.lists(
    st.tuples(st.sampled_from(RANKING), ATTRIBUTES, OPS, NUMBERS)
    | st.tuples(
        st.sampled_from(RANKING), st.just("disk"), st.sampled_from(["eq", "ne"]), st.sampled_from(["ssd", "hdd"])
    ),
    max_size=6,
)
PROFILE = TableSchema(
    "tiers:profile",
    (
        *(Column(name, Type.STR) for name in ("pop", "class", "attribute", "op")),
        Column("value", Type.ANY),
    ),
)


def by_policy(rows: Iterable[Row]) -> set[Row]:
    """What the example's policy says of the profiles of one point of presence."""
    policy = share("examples") / "tiers" / "carrier" / "policies" / "ranking.dl"
    engine = Engine.load([policy], {PROFILE.name: RowsTable(PROFILE, [("oslo", *row) for row in rows])})
    return set(engine.rows("ranking:error"))


@pytest.mark.parametrize(
    ("platinum", "gold", "attributes"),
    [
        (("cores", "ge", 16), ("cores", "ge", 8), []),
        (("cores", "ge", 8), ("cores", "ge", 8), []),
        (("cores", "ge", 8), ("cores", "ge", 16), ["cores"]),
        (("ms", "le", 5), ("ms", "le", 10), []),
        (("ms", "le", 10), ("ms", "le", 5), ["ms"]),
        (("disk", "eq", "ssd"), ("disk", "eq", "ssd"), []),
        (("disk", "eq", "nvme"), ("disk", "eq", "ssd"), ["disk"]),
        (("disk", "eq", "ssd"), ("disk", "ne", "hdd"), []),
        (("disk", "eq", "hdd"), ("disk", "ne", "hdd"), ["disk"]),
        (("cores", "eq", 16), ("cores", "ge", 8), []),
        (("cores", "ge", 16), ("cores", "ne", 8), []),
        (("cores", "ge", 16), ("cores", "le", 32), ["cores"]),
        (("cores", "ge", "16"), ("cores", "ge", 8), ["cores"]),
        (("ghz", "ge", 3.0), ("cores", "ge", 8), ["cores"]),
    ],
    ids=[
        "more",
        "as much",
        "less",
        "sooner",
        "later",
        "the same",
        "another",
        "none of those",
        "just that",
        "exactly enough",
        "above what it may not be",
        "no end above",
        "a text",
        "missing row",
    ],
)
def test_a_row_follows_from_a_better_one_or_is_told(platinum, gold, attributes):
    """For each comparison, what follows and what does not, by the function and by the policy alike."""
    rows = [("Platinum", *platinum), ("Gold", *gold)]
    found = outranked([Need(*row) for row in rows], RANKING)
    assert [row.attribute for _, row in found] == attributes
    assert by_policy(rows) == {("oslo", "Gold", "Platinum", attribute) for attribute in attributes}


def test_a_class_without_a_profile_outranks_nothing():
    """Where there is no gold, silver is held against platinum."""
    needs = [Need("Platinum", "cores", "ge", 16), Need("Silver", "cores", "ge", 24)]
    rows = [(each.service_class, each.attribute, each.op, each.value) for each in needs]
    assert [(better, row.service_class) for better, row in outranked(needs, RANKING)] == [("Platinum", "Silver")]
    assert by_policy(rows) == {("oslo", "Silver", "Platinum", "cores")}
    assert by_policy(rows[1:]) == set()


@few(60)
@given(ROWS)
def test_the_policy_says_what_the_function_says(rows):
    """The rules that ship with the example find exactly what the function finds."""
    found = outranked([Need(*row) for row in rows], RANKING)
    assert by_policy(rows) == {("oslo", row.service_class, better, row.attribute) for better, row in found}


VALUES = st.sampled_from([0, 1, 2, 2.5, 3, 4, "ssd", "hdd", "nvme"])


@given(ROWS, VALUES, VALUES)
def test_where_nothing_is_outranked_the_better_is_good_enough(rows, cores, disk):
    """Whatever fits platinum fits gold and silver too, unless something is told."""
    needs = [Need(*row) for row in rows]
    host = {"cores": cores, "disk": disk}
    told = {(better, row.service_class) for better, row in outranked(needs, RANKING)}
    there = [each for each in RANKING if any(need.service_class == each for need in needs)]
    for at, better in enumerate(there):
        for lesser in there[at + 1 :]:
            if (better, lesser) not in told and fits(host, better, needs):
                assert fits(host, lesser, needs)


def fits(host: Mapping[str, Scalar], service_class: str, needs: Iterable[Need]) -> bool:
    """Whether a host has every row of a class."""
    return all(does(host[need.attribute], need.op, need.value) for need in needs if need.service_class == service_class)


def does(value: Scalar, op: str, asked: Scalar) -> bool:
    """Whether one value does; a text is no number."""
    if op in ("eq", "ne"):
        return (value == asked) == (op == "eq")
    if not isinstance(value, int | float) or not isinstance(asked, int | float):
        return False
    return value >= asked if op == "ge" else value <= asked
