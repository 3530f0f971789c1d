"""
Rewrites: each makes a conjunction simpler and keeps its answers.

A rewrite returns None for a conjunction that can match nothing. It must not
change how many bindings there are: a variable may go only if others determine it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from congresslite.language.program import Calc, Call, Compare, Const, Expression, Fold, Match, Member, NoMatch, Var
from congresslite.plan.nodes import Condition, Conjunction
from congresslite.schema import identity

_Literal = TypeVar("_Literal")


def substitute_equalities(conjunction: Conjunction) -> Conjunction | None:
    """Put `c` for `x` where the body says `x = c`, a constant or another variable, so that joins and scans see it.

    An aggregated variable stays a variable, since a fold has no other argument.
    """
    folded = {term.argument.name for term in conjunction.head if isinstance(term, Fold)}
    kept: list[Condition] = []
    waiting = list(conjunction.conditions)
    while waiting:
        condition = waiting.pop(0)
        match condition:
            case Compare("=", Const(left), Const(right), negated=False):
                if identity(left) != identity(right):
                    return None
                continue
            case Compare("=", (Var() | Const()) as left, (Var() | Const()) as right, negated=False):
                binding = _binding(left, right, folded)
            case _:
                binding = {}
        if not binding:
            kept.append(condition)
            continue
        # What was kept may have become an equality of its own: it waits again.
        conjunction = substitute(replace(conjunction, conditions=(*kept, *waiting)), binding)
        waiting, kept = list(conjunction.conditions), []
    return replace(conjunction, conditions=tuple(kept))


def _binding(left: Var | Const, right: Var | Const, folded: Collection[str]) -> Mapping[str, Var | Const]:
    """The variable of an equality that may go, with what stands for it.

    An anonymous variable goes first: put for a named one, it would mean any value under `not`.
    """
    pairs = [(one, other) for one, other in ((left, right), (right, left)) if isinstance(one, Var)]
    free = [(one, other) for one, other in pairs if one.name not in folded]
    return {one.name: other for one, other in sorted(free, key=lambda pair: not pair[0].anonymous)[:1]}


def drop_repeated_literals(conjunction: Conjunction) -> Conjunction:
    """Keep one of literals that are the same: it binds and tests nothing that the other does not."""
    return replace(
        conjunction,
        scans=_distinct(conjunction.scans),
        absent=_distinct(conjunction.absent),
        conditions=_distinct(conjunction.conditions),
    )


def substitute(conjunction: Conjunction, binding: Mapping[str, Var | Const]) -> Conjunction:
    """The conjunction with each variable of `binding` replaced, everywhere."""

    def term(each: Var | Const) -> Var | Const:
        return binding.get(each.name, each) if isinstance(each, Var) else each

    def expression(each: Expression) -> Expression:
        match each:
            case Calc(operator, left, right):
                return Calc(operator, expression(left), expression(right))
            case _:
                return term(each)

    def condition(each: Condition) -> Condition:
        match each:
            case Compare():
                return replace(each, left=expression(each.left), right=expression(each.right))
            case Member():
                return replace(each, term=expression(each.term))
            case Call():
                inputs, outputs = map(expression, each.inputs), map(expression, each.outputs)
                return replace(each, inputs=tuple(inputs), outputs=tuple(outputs))

    return Conjunction(
        tuple(each if isinstance(each, Fold) else term(each) for each in conjunction.head),
        tuple(Match(each.table, tuple(map(term, each.terms)), each.span) for each in conjunction.scans),
        tuple(NoMatch(each.table, tuple(map(term, each.terms)), each.span) for each in conjunction.absent),
        tuple(map(condition, conjunction.conditions)),
    )


def _distinct(literals: tuple[_Literal, ...]) -> tuple[_Literal, ...]:
    """The literals without repetitions, in order. `1` and `true` are told apart, which `==` does not."""
    return tuple({repr(each): each for each in literals}.values())
