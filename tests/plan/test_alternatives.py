"""Aggregates apart: each has one conjunction and stands before recursion, and every other rule stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from congresslite.diagnostics import Source
from congresslite.language.check import check_sources
from congresslite.language.program import Const, Fold, RuleKind, Var
from congresslite.plan import Plan, build_plan, isolate_aggregates
from congresslite.schema import Type
from tests.engine.columnar import checked, table
from tests.engine.strategies import CATALOG, Case, cases
from tests.examples import PROGRAMS, few
from tests.plan.plans import lines, short

ANY = Type.ANY
SCHEMAS = [table("s:a", x=ANY), table("s:e", x=ANY, y=ANY), table("s:f", x=ANY, y=ANY, z=ANY)]


def built(text: str) -> Plan:
    return build_plan(checked(text, SCHEMAS))


UNTOUCHED: dict[str, str] = {
    "an aggregate": "t(x, count(y)) :- s:e(x, y), y > 1, not s:a(x).",
    "several aggregates of one table": "t(count(x)) :- s:a(x). t(max(x)) :- s:e(x, _).",
    "alternatives without aggregates": "t(x) :- (s:a(x)) or (s:e(x, _)).",
    "recursion without aggregates": "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), (s:e(y, z)) or (s:e(z, y)).",
    "an aggregate over a recursion": "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), s:e(y, z). t(x, count(y)) :- r(x, y).",
    "an equality that makes no alternative": "t(count(x)) :- s:e(x, y), y = 1.",
}


@pytest.mark.parametrize("text", UNTOUCHED.values(), ids=UNTOUCHED)
def test_what_stays(text: str) -> None:
    """An aggregate of one conjunction outside recursion is as wanted, and rules without aggregates always are."""
    plan = built(text)
    assert isolate_aggregates(plan) == plan


APART: dict[str, tuple[str, list[str], list[str]]] = {
    "alternatives of the same variables": (
        "t(x, count(y)) :- (s:e(x, y)) or (s:e(y, x)).",
        ["t@0", "t"],
        ["t@0('x,y', x, y) :- e(x, y)", "t@0('x,y', x, y) :- e(y, x)", "t(x, count(y)) :- t@0($which, x, y)"],
    ),
    "alternatives of different variables": (
        "t(x, count(y)) :- (s:e(x, y)) or (s:f(x, y, z)).",
        ["t@0", "t"],
        [
            "t@0('x,y', x, y, None) :- e(x, y)",
            "t@0('x,y,z', x, y, z) :- f(x, y, z)",
            "t(x, count(y)) :- t@0($which, x, y, z)",
        ],
    ),
    "anonymous variables": (
        "t(count(x)) :- (s:a(x)) or (s:e(x, _)).",
        ["t@0", "t"],
        ["t@0('x', None, x) :- a(x)", "t@0('$1,x', _, x) :- e(x, _)", "t(count(x)) :- t@0($which, _, x)"],
    ),
    "variables that conditions bind": (
        "t(count(x)) :- s:a(x), (y = x + 1, w = y) or (z = 2).",
        ["t@0", "t"],
        [
            "t@0('w,x,y', w, x, y, None) :- a(x), 2 conditions",
            "t@0('x,z', None, x, None, z) :- a(x), 1 conditions",
            "t(count(x)) :- t@0($which, w, x, y, z)",
        ],
    ),
    "negations bind nothing": (
        "t(count(x)) :- s:a(x), (not s:e(x, _)) or (not s:a(x)).",
        ["t@0", "t"],
        ["t@0('x', x) :- a(x), !e(x, _)", "t@0('x', x) :- a(x), !a(x)", "t(count(x)) :- t@0($which, x)"],
    ),
    "constants of the head": (
        "t(7, sum(x), 7) :- (s:a(x)) or (s:e(x, 1)).",
        ["t@0", "t"],
        ["t@0('x', x) :- a(x)", "t@0('x', x) :- e(x, 1)", "t(7, sum(x), 7) :- t@0($which, x)"],
    ),
    "several rules of one table": (
        "t(count(x)) :- (s:a(x)) or (s:e(x, 1)). t(1) :- s:a(1). t(max(x)) :- (s:a(x)) or (s:e(1, x)).",
        ["t@0", "t@2", "t"],
        [
            "t@0('x', x) :- a(x)",
            "t@0('x', x) :- e(x, 1)",
            "t@2('x', x) :- a(x)",
            "t@2('x', x) :- e(1, x)",
            "t(count(x)) :- t@0($which, x)",
            "t(1) :- a(1)",
            "t(max(x)) :- t@2($which, x)",
        ],
    ),
    "within a recursion": (
        "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), s:e(y, z). r(x, count(y)) :- s:f(x, y, _).",
        ["r&2", "r"],
        [
            "r&2(x, count(y)) :- f(x, y, _)",
            "r(x, y) :- e(x, y)",
            "r(x, z) :- r(x, y), e(y, z)",
            "r(c0, c1) :- r&2(c0, c1)",
        ],
    ),
    "alternatives within a recursion": (
        "r(x, y) :- r(y, x). r(x, count(y)) :- (s:e(x, y)) or (s:e(y, x)). r(max(y), 7) :- s:e(x, y).",
        ["r@1", "r&1", "r&2", "r"],
        [
            "r@1('x,y', x, y) :- e(x, y)",
            "r@1('x,y', x, y) :- e(y, x)",
            "r&1(x, count(y)) :- r@1($which, x, y)",
            "r&2(max(y), 7) :- e(x, y)",
            "r(x, y) :- r(y, x)",
            "r(c0, c1) :- r&1(c0, c1)",
            "r(c0, c1) :- r&2(c0, c1)",
        ],
    ),
    "in a table of a recursion of two": (
        "q(x, y) :- r(y, x). r(x, y) :- q(x, y). r(x, count(y)) :- s:e(x, y).",
        ["r&2", "q r"],
        ["r&2(x, count(y)) :- e(x, y)", "q(x, y) :- r(y, x)", "r(x, y) :- q(x, y)", "r(c0, c1) :- r&2(c0, c1)"],
    ),
}


@pytest.mark.parametrize(("text", "strata", "expected"), APART.values(), ids=APART)
def test_what_gets_a_table_of_its_own(text: str, strata: list[str], expected: list[str]) -> None:
    """Alternatives are derived first, with the variables that each has; recursion reads finished aggregates."""
    plan = isolate_aggregates(built(text))
    assert [" ".join(map(short, sorted(stratum.stratum.tables))) for stratum in plan.strata] == strata
    assert lines(plan) == expected


def test_bindings_are_no_violations() -> None:
    """The table of bindings is derived like any other, and the rule over it still says what it said."""
    text = '@id("R1") @message("{x} has {y}") error(x, count(y)) :- (s:e(x, y)) or (s:e(y, x)).'
    before = built(text)
    bindings, folded, *_ = isolate_aggregates(before).strata
    (made,), (rule,) = bindings.rules, folded.rules
    assert (made.rule.kind, made.rule.message, made.rule.object) == (RuleKind.DERIVE, None, None)
    assert not made.rule.aggregates
    assert rule.rule == before.strata[0].rules[0].rule
    # What a limit says of either names the rule that was written.
    assert made.rule.span == rule.rule.span


def test_nothing_is_edited() -> None:
    """The plan that was given is what it was, and a plan whose aggregates are apart stays as it is."""
    before = built("r(x, y) :- r(y, x). r(x, count(y)) :- (s:e(x, y)) or (s:e(y, x)).")
    text = repr(before)
    after = isolate_aggregates(before)
    assert repr(before) == text
    assert isolate_aggregates(after) == after


RANDOM = few(50, suppress_health_check=PROGRAMS)


@RANDOM
@given(case=cases())
def test_every_aggregate_is_apart(case: Case) -> None:
    """Afterwards each aggregate has one conjunction, over finished tables, and no other rule folds anything."""
    program = check_sources([Source("p.dl", case.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    plan = isolate_aggregates(build_plan(program))
    known = set(program.base)
    for stratum in plan.strata:
        own = set(stratum.stratum.tables)
        assert not own & known
        for rule, branch in Plan((stratum,)).conjunctions():
            read = {each.table for each in branch.literals}
            assert read <= known | own
            assert len(branch.head) == len(rule.rule.head)
            if rule.rule.aggregates:
                assert len(rule.branches) == 1
                assert not stratum.stratum.recursive
                assert read <= known
            else:
                assert all(isinstance(term, Var | Const) for term in branch.head)
            assert rule.rule.aggregates == any(isinstance(term, Fold) for term in branch.head)
        known |= own
    assert known >= program.tables.keys()
