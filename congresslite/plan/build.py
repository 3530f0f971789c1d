"""
From a checked program to a plan: each rule's body in disjunctive normal form, then the rewrites.

The rewrites are listed in `REWRITES` and applied in that order; each is a pure
function from conjunction to conjunction that keeps every answer and, since
aggregates count bindings, the number of bindings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce

from congresslite.diagnostics import Diagnostic, PolicyError
from congresslite.language.program import (
    Call,
    CheckedRule,
    Compare,
    Const,
    Either,
    Fold,
    Literal,
    Match,
    Member,
    NoMatch,
    Program,
    Var,
)
from congresslite.plan.nodes import Conjunction, Plan, RulePlan, StratumPlan
from congresslite.plan.rewrites import drop_repeated_literals, substitute_equalities

# Alternatives multiply; past this many, the rule is better written as several.
MAX_BRANCHES = 1024

Rewrite = Callable[[Conjunction], Conjunction | None]

REWRITES: tuple[Rewrite, ...] = (
    substitute_equalities,
    drop_repeated_literals,
)


def build_plan(program: Program) -> Plan:
    """The plan of a program. Raises PolicyError for a rule with too many alternatives."""
    by_table: defaultdict[str, list[RulePlan]] = defaultdict(list)
    for rule in program.rules:
        by_table[rule.table].append(plan_rule(rule))
    return Plan(
        tuple(
            StratumPlan(stratum, tuple(plan for table in stratum.tables for plan in by_table[table]))
            for stratum in program.strata
        )
    )


def plan_rule(rule: CheckedRule) -> RulePlan:
    """The plan of one rule. Raises PolicyError if its disjunctions multiply to too many alternatives."""
    bodies = _alternatives(rule.body, rule)
    # Over alternatives, an aggregate counts partial assignments: which variables they have, and their values.
    counted = rule.aggregates and len(bodies) > 1
    rewrites = tuple(each for each in REWRITES if not (counted and each is substitute_equalities))
    rewritten = (_rewrite(_conjunction(rule, body), rewrites) for body in bodies)
    return RulePlan(rule, tuple(each for each in rewritten if each is not None))


def plan_body(
    rule: CheckedRule, head: tuple[Var | Const | Fold, ...], body: Iterable[Literal]
) -> tuple[Conjunction, ...]:
    """Some literals of a rule with a head of one's own, as they are written: no variable is put for another.

    Raises PolicyError if their disjunctions multiply to too many alternatives.
    """
    return tuple(replace(_conjunction(rule, way), head=head) for way in _alternatives(body, rule))


def _rewrite(conjunction: Conjunction, rewrites: Iterable[Rewrite]) -> Conjunction | None:
    """All rewrites in their order; None once one of them finds that nothing can match."""
    start: Conjunction | None = conjunction
    return reduce(lambda done, rewrite: None if done is None else rewrite(done), rewrites, start)


def _alternatives(body: Iterable[Literal], rule: CheckedRule) -> list[list[Literal]]:
    """The body without `or`: one list of literals for each way through its disjunctions."""
    ways: list[list[Literal]] = [[]]
    for literal in body:
        if isinstance(literal, Either):
            branches = [way for branch in literal.branches for way in _alternatives(branch, rule)]
            if len(ways) * len(branches) > MAX_BRANCHES:
                message = f"this body has more than {MAX_BRANCHES} alternatives"
                hint = "give a group of alternatives a table of its own, and read that table here"
                raise PolicyError(Diagnostic("CL503", message, rule.span, hint))
            ways = [way + branch for way in ways for branch in branches]
        else:
            for way in ways:
                way.append(literal)
    return ways


def _conjunction(rule: CheckedRule, body: list[Literal]) -> Conjunction:
    return Conjunction(
        rule.head,
        tuple(each for each in body if isinstance(each, Match)),
        tuple(each for each in body if isinstance(each, NoMatch)),
        tuple(each for each in body if isinstance(each, Compare | Member | Call)),
    )
