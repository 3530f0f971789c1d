"""Projections: what only asks whether there is a row reads a table of its own, and nothing else does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given

from congresslite.diagnostics import Source
from congresslite.language.check import check_sources
from congresslite.language.program import Const, Match, NoMatch, RuleKind, Var
from congresslite.plan import Conjunction, Plan, build_plan, isolate_aggregates, project
from congresslite.plan.variables import used_variables
from congresslite.schema import TableSchema, Type
from tests.engine.columnar import checked, keyed, table
from tests.engine.strategies import CATALOG, Case, cases
from tests.examples import PROGRAMS, few
from tests.plan.plans import lines

ANY = Type.ANY
PAIR = table("s:c", a=ANY, b=ANY, v=ANY)
SCHEMAS = [
    table("s:a", x=ANY),
    table("s:e", x=ANY, y=ANY),
    table("s:f", x=ANY, y=ANY, z=ANY),
    keyed("s:k", id=ANY, v=ANY),
    replace(PAIR, key=("a", "b")),
    replace(PAIR, name="s:d", key=("a", "gone")),
]


def projected(text: str) -> Plan:
    program = checked(text, SCHEMAS)
    return project(isolate_aggregates(build_plan(program)), program.base)


UNTOUCHED: dict[str, str] = {
    "a single scan": "t(x) :- s:e(x, _).",
    "a single scan with constants": "t(x) :- s:f(x, 1, _), x > 1.",
    "a single scan of no variable": "t(1) :- s:e(_, _).",
    "all columns named": "t(x) :- s:a(x), s:e(x, y), s:a(y).",
    "all columns constants": "t(x) :- s:a(x), s:e(1, 2).",
    "a variable for the head": "t(x, y) :- s:a(x), s:f(x, y, _).",
    "a variable for a condition": "t(x) :- s:a(x), s:f(x, y, _), y > 1.",
    "a variable for a negation": "t(x) :- s:a(x), s:f(x, y, _), not s:a(y).",
    "a variable that it repeats": "t(x) :- s:a(x), s:f(x, y, y).",
    "its key": "t(x) :- s:a(x), s:k(x, _).",
    "its key as a constant": "t(x) :- s:a(x), s:k(7, _).",
    "all of its key": "t(x) :- s:e(x, y), s:c(x, y, _).",
    "negated, all columns": "t(x) :- s:e(x, y), not s:e(y, x).",
    "negated, its key": "t(x) :- s:a(x), not s:k(x, _).",
    "negated, all of its key": "t(x) :- s:e(x, y), not s:c(x, y, _).",
    "negated constants": "t(x) :- s:a(x), not s:e(x, 5).",
    "what an aggregate counts": "t(count(x)) :- s:a(x), s:e(x, _), s:f(_, x, _).",
    "its own recursive table": "r(x, y) :- s:e(x, y). r(x, y) :- s:e(x, y), r(y, _).",
    "a table of its recursion": "r(x, y) :- q(x, y). q(x, y) :- s:e(x, y). q(x, y) :- s:e(x, y), r(y, _).",
    "facts": "t(1, 2). u(x) :- t(x, _).",
}


@pytest.mark.parametrize("text", UNTOUCHED.values(), ids=UNTOUCHED)
def test_what_reads_the_table_itself(text: str) -> None:
    """A literal that brings a variable, or names all of a row or its key, and an aggregate's scans stay as written."""
    program = checked(text, SCHEMAS)
    plan = build_plan(program)
    assert project(plan, program.base) == plan


PROJECTED: dict[str, tuple[str, list[str]]] = {
    "there is some row": (
        "t(x) :- s:a(x), s:e(x, _).",
        ["e(c0, _)(c0) :- e(c0, _)", "t(x) :- a(x), e(c0, _)(x)"],
    ),
    "a named variable that nothing else uses": (
        "t(x) :- s:a(x), s:e(x, y).",
        ["e(c0, _)(c0) :- e(c0, _)", "t(x) :- a(x), e(c0, _)(x)"],
    ),
    "there is none": (
        "t(x) :- s:a(x), not s:e(_, x).",
        ["e(_, c0)(c0) :- e(_, c0)", "t(x) :- a(x), !e(_, c0)(x)"],
    ),
    "a table with any row": (
        "t(x) :- s:a(x), s:e(_, _).",
        ["e(_, _)() :- e(_, _)", "t(x) :- a(x), e(_, _)()"],
    ),
    "an empty table": (
        "t(x) :- s:a(x), not s:e(_, _).",
        ["e(_, _)() :- e(_, _)", "t(x) :- a(x), !e(_, _)()"],
    ),
    "a constant": (
        "t(x) :- s:a(x), s:f(x, 5, _).",
        ["f(c0, 5, _)(c0) :- f(c0, 5, _)", "t(x) :- a(x), f(c0, 5, _)(x)"],
    ),
    "constants only": (
        "t(x) :- s:a(x), not s:e(5, _).",
        ["e(5, _)() :- e(5, _)", "t(x) :- a(x), !e(5, _)()"],
    ),
    "variables in another order": (
        "t(x) :- s:e(x, y), s:f(y, _, x).",
        ["f(c0, _, c1)(c0, c1) :- f(c0, _, c1)", "t(x) :- e(x, y), f(c0, _, c1)(y, x)"],
    ),
    "a repeated variable": (
        "t(x) :- s:a(x), not s:f(x, _, x).",
        ["f(c0, _, c0)(c0) :- f(c0, _, c0)", "t(x) :- a(x), !f(c0, _, c0)(x)"],
    ),
    "a part of the key": (
        "t(x) :- s:a(x), s:c(x, _, 4), not s:c(_, x, _).",
        [
            "c(_, c0, _)(c0) :- c(_, c0, _)",
            "c(c0, _, 4)(c0) :- c(c0, _, 4)",
            "t(x) :- a(x), c(c0, _, 4)(x), !c(_, c0, _)(x)",
        ],
    ),
    "a key of which a column is missing": (
        "t(x) :- s:a(x), s:d(x, _, _).",
        ["d(c0, _, _)(c0) :- d(c0, _, _)", "t(x) :- a(x), d(c0, _, _)(x)"],
    ),
    "of several, all but one": (
        "t(x) :- s:e(x, _), s:e(_, x), s:f(x, _, _).",
        [
            "e(c0, _)(c0) :- e(c0, _)",
            "e(_, c0)(c0) :- e(_, c0)",
            "t(x) :- e(c0, _)(x), e(_, c0)(x), f(x, _, _)",
        ],
    ),
    "once for all that ask": (
        "t(x) :- s:a(x), s:e(x, _). u(y) :- s:a(y), not s:e(y, _). u(x) :- s:e(_, x), s:e(x, z).",
        [
            "e(c0, _)(c0) :- e(c0, _)",
            "t(x) :- a(x), e(c0, _)(x)",
            "e(_, c0)(c0) :- e(_, c0)",
            "u(y) :- a(y), !e(c0, _)(y)",
            "u(x) :- e(_, c0)(x), e(x, z)",
        ],
    ),
    "a constant that looks like a variable's number": (
        "t(x) :- s:a(x), not s:e(0, _). t(x) :- s:a(x), not s:e(x, _).",
        [
            "e(0, _)() :- e(0, _)",
            "e(c0, _)(c0) :- e(c0, _)",
            "t(x) :- a(x), !e(0, _)()",
            "t(x) :- a(x), !e(c0, _)(x)",
        ],
    ),
    "constants that only look alike": (
        't(x) :- s:a(x), not s:e(1, _). t(x) :- s:a(x), not s:e("1", _). t(x) :- s:a(x), not s:e(true, _).',
        [
            "e(1, _)() :- e(1, _)",
            "e('1', _)() :- e('1', _)",
            "e(True, _)() :- e(True, _)",
            "t(x) :- a(x), !e(1, _)()",
            "t(x) :- a(x), !e('1', _)()",
            "t(x) :- a(x), !e(True, _)()",
        ],
    ),
    "in each alternative": (
        "t(x) :- s:a(x), (s:e(x, _)) or (s:e(x, 3)) or (not s:e(_, x)).",
        [
            "e(c0, _)(c0) :- e(c0, _)",
            "e(_, c0)(c0) :- e(_, c0)",
            "t(x) :- a(x), e(c0, _)(x)",
            "t(x) :- a(x), e(x, 3)",
            "t(x) :- a(x), !e(_, c0)(x)",
        ],
    ),
    "what an aggregate negates": (
        "t(count(x)) :- s:a(x), s:e(x, _), not s:e(_, x).",
        ["e(_, c0)(c0) :- e(_, c0)", "t(count(x)) :- a(x), e(x, _), !e(_, c0)(x)"],
    ),
    "a derived table": (
        "p(x, y) :- s:e(x, y). t(x) :- s:a(x), p(x, _).",
        ["p(x, y) :- e(x, y)", "p(c0, _)(c0) :- p(c0, _)", "t(x) :- a(x), p(c0, _)(x)"],
    ),
    "of a lower table, before the recursion": (
        "r(x) :- s:a(x). r(y) :- r(x), s:e(x, y), s:f(y, _, _), not s:e(y, _).",
        [
            "e(c0, _)(c0) :- e(c0, _)",
            "f(c0, _, _)(c0) :- f(c0, _, _)",
            "r(x) :- a(x)",
            "r(y) :- r(x), e(x, y), f(c0, _, _)(y), !e(c0, _)(y)",
        ],
    ),
    "of a recursive table, after it": (
        "r(x, y) :- s:e(x, y). r(x, z) :- r(x, y), s:e(y, z). t(x) :- s:a(x), not r(x, _).",
        [
            "r(x, y) :- e(x, y)",
            "r(x, z) :- r(x, y), e(y, z)",
            "r(c0, _)(c0) :- r(c0, _)",
            "t(x) :- a(x), !r(c0, _)(x)",
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), PROJECTED.values(), ids=PROJECTED)
def test_what_reads_a_projection(text: str, expected: list[str]) -> None:
    """A literal that asks for existence reads a projection, which is made once, before the first rule that reads it."""
    assert lines(projected(text)) == expected


def test_a_projection_is_a_table_like_any_other() -> None:
    """A projection has a stratum of its own, which is not recursive, and a rule that is no violation."""
    text = '@id("R1") @message("{x} is lost") error(x) :- s:a(x), not s:e(x, _).'
    stratum, reader, *_ = projected(text).strata
    (rule,) = stratum.rules
    assert (stratum.stratum.tables, stratum.stratum.recursive) == (("s:e(c0, _)",), False)
    assert (rule.rule.kind, rule.rule.table, rule.rule.message) == (RuleKind.DERIVE, "s:e(c0, _)", None)
    assert rule.rule.head == rule.branches[0].head == (Var("c0"),)
    assert rule.rule.body == rule.branches[0].scans
    # What a limit says of it names the rule for which it was made.
    assert (rule.rule.policy, rule.rule.span) == (reader.rules[0].rule.policy, reader.rules[0].rule.span)
    assert reader.rules[0].rule.kind is RuleKind.ERROR
    assert reader.rules[0].rule.message == "{x} is lost"


def test_places_of_literals_stay() -> None:
    """A projected literal keeps the place in the text that it came from."""
    program = checked("t(x) :- s:a(x), s:e(x, _), not s:e(_, x).", SCHEMAS)
    before = build_plan(program)
    after = project(before, program.base)
    (was,), (now,) = (plan.strata[-1].rules[0].branches for plan in (before, after))
    assert [each.span for each in now.literals] == [each.span for each in was.literals]
    assert all(each.span is not None for each in now.literals)


def test_nothing_is_edited() -> None:
    """The plan that was given is what it was, and a plan that has been projected needs no more of it."""
    program = checked("t(x) :- s:a(x), s:e(x, _), not s:f(_, x, 1). r(x, y) :- s:e(x, y), r(y, _).", SCHEMAS)
    before = build_plan(program)
    text = repr(before)
    after = project(before, program.base)
    assert repr(before) == text
    assert project(after, program.base) == after


# -- the rule to keep, on random programs ---------------------------------------------------------

RANDOM = few(50, suppress_health_check=PROGRAMS)


def is_projection(name: str) -> bool:
    return name.endswith(")")


def names_row(literal: Match | NoMatch, used: Collection[str], base: Mapping[str, TableSchema]) -> bool:
    """Whether a literal names all columns of its table, or its declared key."""
    named = {at for at, term in enumerate(literal.terms) if isinstance(term, Const) or term.name in used}
    schema = base.get(literal.table)
    key = {schema.position(name) for name in schema.key} if schema is not None else set()
    return len(named) == len(literal.terms) or bool(key and key <= named)


def brings(branch: Conjunction, scan: Match, used: Collection[str]) -> bool:
    """Whether a scan has a variable that is used, and that no other scan of a whole table has."""
    others = {
        term for each in branch.scans if each is not scan and not is_projection(each.table) for term in each.terms
    }
    return any(isinstance(term, Var) and term.name in used and term not in others for term in scan.terms)


@RANDOM
@given(case=cases())
def test_no_literal_asks_for_existence(case: Case) -> None:
    """Afterwards each literal names a row or brings a variable, but for aggregates, single scans and own tables."""
    program = check_sources([Source("p.dl", case.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    plan = project(isolate_aggregates(build_plan(program)), program.base)
    known = set(program.base)
    for stratum in plan.strata:
        own = set(stratum.stratum.tables)
        assert not own & known
        known |= own
        for rule in stratum.rules:
            for branch in rule.branches:
                used = used_variables(branch, everything=False)
                named = {term.name for each in branch.absent for term in each.terms if isinstance(term, Var)}
                assert {each.table for each in branch.literals} <= known  # a projection comes before who reads it
                assert all(
                    names_row(each, {name for name in named if name[0] != "$"}, program.base) for each in branch.absent
                )
                if rule.rule.aggregates or len(branch.scans) == 1:
                    continue
                for scan in branch.scans:
                    if scan.table not in own or not stratum.stratum.recursive:
                        assert names_row(scan, used, program.base) or brings(branch, scan, used), lines(plan)
