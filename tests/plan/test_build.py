"""Plans: a rule's body as a union of conjunctions, in the order of strata."""

from __future__ import annotations

import pytest

from congresslite.diagnostics import PolicyError
from congresslite.language.program import Match, NoMatch
from congresslite.plan import Plan, RulePlan, build_plan, plan_rule
from congresslite.schema import Type
from tests.engine.columnar import checked, table

SCHEMAS = [table("s:a", x=Type.INT), table("s:b", x=Type.INT), table("s:e", x=Type.INT, y=Type.INT)]


def plan(text: str) -> Plan:
    return build_plan(checked(text, SCHEMAS))


def only_rule(text: str) -> RulePlan:
    """The plan of a policy's one rule."""
    (rule,) = checked(text, SCHEMAS).rules
    return plan_rule(rule)


def tables(rule: RulePlan) -> list[str]:
    """For each branch the tables that it reads, with `!` before those that it negates."""
    result = []
    for branch in rule.branches:
        reads: tuple[Match | NoMatch, ...] = (*branch.scans, *branch.absent)
        names = [("!" if isinstance(each, NoMatch) else "") + each.table.removeprefix("s:") for each in reads]
        result.append(" ".join(names))
    return result


BODIES: dict[str, tuple[str, list[str]]] = {
    "no alternatives": ("s:a(x), not s:b(x)", ["a !b"]),
    "two": ("s:a(x) or (s:b(x))", ["a", "b"]),
    "around others": ("s:a(x), (s:b(x)) or (s:e(x, _)), not s:e(_, x)", ["a b !e", "a e !e"]),
    "products": ("(s:a(x)) or (s:b(x)), (s:e(x, _)) or (s:e(_, x))", ["a e", "a e", "b e", "b e"]),
    "nested": ("(s:a(x), (s:b(x)) or (not s:b(x))) or (s:e(x, _))", ["a b", "a !b", "e"]),
    "one that contradicts itself": ("s:a(x), (x = 1, y = x, y = 2) or (s:b(x))", ["a b"]),
    "repeated literals": ("s:a(x), s:a(x), (s:b(x), s:a(x)) or (s:b(x), s:b(x))", ["a b", "a b"]),
}


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES)
def test_disjunctive_normal_form(body: str, expected: list[str]) -> None:
    """A body becomes a conjunction for each way through its alternatives; those that match nothing are left out."""
    assert tables(only_rule(f"t(x) :- {body}.")) == expected


def test_branches_share_nothing() -> None:
    """Literals after a disjunction belong to each branch, and to each only once."""
    rule = only_rule("t(x) :- (s:a(x)) or (s:b(x)), x > 1, (x < 5) or (x < 9), x != 7.")
    assert [len(branch.conditions) for branch in rule.branches] == [3, 3, 3, 3]


def test_strata_in_order() -> None:
    """Strata hold the rules of their tables, each after those that it reads."""
    text = "c(x) :- b(x), not a(x). a(x) :- s:a(x). b(x) :- a(x). b(x) :- b(x), s:b(x). a(7)."
    built = plan(text)
    names = [stratum.stratum.tables for stratum in built.strata]
    assert names == [("p:a",), ("p:b",), ("p:c",)]
    assert [stratum.stratum.recursive for stratum in built.strata] == [False, True, False]
    assert [len(stratum.rules) for stratum in built.strata] == [1, 2, 1]
    assert len(list(built.conjunctions())) == 4


def test_counted_alternatives_keep_their_variables() -> None:
    """Where an aggregate counts partial assignments, no variable goes for an equality; elsewhere it does."""
    counted = only_rule("t(count(x)) :- s:a(x), (y = 1) or (y = 2).")
    assert [len(branch.conditions) for branch in counted.branches] == [1, 1]
    for text in ("t(x) :- s:a(x), (y = 1) or (y = 2).", "t(count(x)) :- s:a(x), y = 1."):
        assert all(not branch.conditions for branch in only_rule(text).branches)


@pytest.mark.parametrize(("groups", "fine"), [(10, True), (11, False)], ids=["1,024", "2,048"])
def test_how_many_alternatives(groups: int, fine: bool) -> None:
    """Alternatives may multiply to 1,024; beyond that the rule is refused, with its place."""
    text = "ok(1).\nt(x) :- s:e(x, y), " + ", ".join(f"(x < {n}) or (y < {n})" for n in range(groups)) + "."
    if fine:
        assert len(plan(text).strata[1].rules[0].branches) == 1_024
        return
    with pytest.raises(PolicyError) as error:
        plan(text)
    assert [(each.code, each.span is not None and each.span.line) for each in error.value.diagnostics] == [("CL503", 2)]


def test_a_list_of_alternatives_is_counted_too() -> None:
    """One disjunction with too many branches is refused as well as a product of small ones."""
    with pytest.raises(PolicyError):
        plan("t(x) :- s:a(x), " + " or ".join(f"(x = {number})" for number in range(1_025)) + ".")
