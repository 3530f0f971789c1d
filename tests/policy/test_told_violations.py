"""Violations told a few at a time: the same words as when all of them are told."""

from __future__ import annotations

import json
from hashlib import blake2b

import pytest

from congresslite.api import Engine, Policy
from congresslite.policy.violations import violation_id
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type

EDGE = TableSchema("s:edge", (Column("a", Type.INT), Column("b", Type.INT), Column("n", Type.STR)))
ROWS: list[Row] = [(1, 2, "y"), (1, 2, "x"), (2, 3, "z"), (3, 4, "q"), (2, 4, "p"), (9, 9, "b")]
RULES = {
    "all variables in the head": '@message("{a} to {b}") error(a, b) :- s:edge(a, b, _).',
    "no message": "error(a, b) :- s:edge(a, b, _).",
    "a variable of the body, least first": '@message("{a} to {b} by {n}") error(a, b) :- s:edge(a, b, n).',
    "two variables of a join": '@message("{a} by {b} ({n})") error(a) :- s:edge(a, b, n), s:edge(b, _, _).',
    "the lower branch first": '@message("{a} {n}") error(a) :- (far(a, n)) or (s:edge(a, _, n)). '
    "far(a, n) :- s:edge(a, 4, n).",
    "an aggregate": '@message("{a} has {c2}, {b}") error(a, count(n)) :- s:edge(a, b, n).',
    "a constant in the head": '@message("{n}") error(1, b) :- s:edge(1, b, n).',
}


@pytest.mark.parametrize("text", RULES.values(), ids=RULES)
def test_a_few_are_told_as_all_are(text: str) -> None:
    """A violation has one message, whether all are listed or the change that brought it is told."""
    engine = Engine.load(Policy("p", text.replace("{c2}", "some")), {"s:edge": RowsTable(EDGE, ROWS)})
    snapshot = engine.snapshot()
    every = {violation.row: violation for violation in snapshot.violations()}
    rule = next(rule for rule in engine.program.rules if "#" in rule.table)
    assert every
    for row, violation in every.items():
        assert list(snapshot.violations_of(rule, [row])) == [violation]


@pytest.mark.parametrize(
    "row",
    [(), (1,), ('a€"\n', None, True, False, 1.5, 2**63 - 1, -1e300, 0.1), (float(2**60) + 0.5, "ÿ", "\ud800")],
    ids=["empty", "an integer", "every kind", "what is hard to write"],
)
def test_an_id_is_a_hash_of_what_json_says(row: Row) -> None:
    """A violation's id depends on its policy, its rule and its row alone, and stays the same for ever."""
    text = json.dumps(["nfv é", 'R"1', row])
    assert violation_id("nfv é", 'R"1', row) == blake2b(text.encode("ascii"), digest_size=16).hexdigest()
