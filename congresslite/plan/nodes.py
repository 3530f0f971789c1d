"""
Plans: what each table is computed from, before anyone decides in which order.

A rule becomes one or more conjunctive queries: scans that are joined where they
share a variable, filtered by conditions and by the absence of rows, projected
on a head. Their literals are a set, not a sequence. The join order is chosen
by the back end, which knows sizes, and a delta starts from another literal than
a full evaluation does; so a plan that fixed the order would serve only one of
them.

Nodes are values. A rewrite builds a new node and never edits the one it was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from congresslite.language.program import (
    Calc,
    Call,
    CheckedRule,
    Compare,
    Const,
    Expression,
    Fold,
    Match,
    Member,
    NoMatch,
    Stratum,
    Var,
)

Condition = Compare | Member | Call


@dataclass(frozen=True, slots=True)
class Conjunction:
    """One conjunctive query. Every binding of all its variables gives one row of `head`.

    Since tables are sets, bindings are one to one with combinations of a row from each scan.
    """

    head: tuple[Var | Const | Fold, ...]
    scans: tuple[Match, ...] = ()
    absent: tuple[NoMatch, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def literals(self) -> tuple[Match | NoMatch, ...]:
        """The literals that read tables: scans, then negations."""
        return (*self.scans, *self.absent)


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule as a union of conjunctions. With aggregates, groups are folded over the union of their bindings."""

    rule: CheckedRule
    branches: tuple[Conjunction, ...]


@dataclass(frozen=True, slots=True)
class StratumPlan:
    """The tables of a stratum and the rules that derive them."""

    stratum: Stratum
    rules: tuple[RulePlan, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The strata of a program, each to be evaluated after those before it."""

    strata: tuple[StratumPlan, ...]

    def conjunctions(self) -> Iterator[tuple[RulePlan, Conjunction]]:
        """Every conjunction with its rule."""
        for stratum in self.strata:
            for rule in stratum.rules:
                for branch in rule.branches:
                    yield rule, branch


def variables_of(term: Expression | Fold) -> Iterator[str]:
    """The names of the variables of a term, repeated ones included."""
    stack: list[Expression | Fold] = [term]
    while stack:
        match stack.pop():
            case Var(name) | Fold(_, Var(name)):
                yield name
            case Calc(_, left, right):
                stack += (right, left)
            case Const():
                pass


def expressions_of(condition: Condition) -> tuple[Expression, ...]:
    """All terms of a condition."""
    match condition:
        case Compare():
            return (condition.left, condition.right)
        case Member():
            return (condition.term,)
        case Call():
            return condition.inputs + condition.outputs


def condition_variables(condition: Condition) -> frozenset[str]:
    """The names of all variables of a condition."""
    return frozenset(name for each in expressions_of(condition) for name in variables_of(each))
