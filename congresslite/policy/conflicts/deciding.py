"""
Deciding: which of two rules that contradict each other wins, by what the policies say of themselves.

The first criterion that tells the two apart counts:

1. *hardness*: a rule without a weight wins over one that has a weight;
2. *tier*: the upper policy wins, unless it says that it is overridable;
3. *priority*: the higher one wins;
4. *specificity*: a rule that is proven to speak of fewer cases wins, since it is the exception to the other;
5. *deny*: whoever denies or forbids wins over whoever permits, requires or commands.

Never by order of arrival: the answer is the same whichever of the two came first, and there may be none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from congresslite.language.program import CheckedRule, DecidedBy, Side

Winner = Literal[0, 1]
Sides = tuple[Side, Side]
# The two rules with the heads that say what the conflict is about; None for a rule that is not here, and for facts.
Rules = tuple[CheckedRule | None, CheckedRule | None]
# Whether it is proven that each row of the first rule is one of the second.
Implies = Callable[[CheckedRule, CheckedRule], bool]

_AGAINST = ("deny", "forbid")


@dataclass(frozen=True, slots=True)
class _Case:
    sides: Sides
    rules: Rules
    implies: Implies
    levels: Sequence[str]


def decide(
    sides: Sides, rules: Rules, implies: Implies, levels: Sequence[str]
) -> tuple[Winner, DecidedBy] | tuple[None, None]:
    """Which side wins, and by what. `levels` are the tiers of the hierarchy, the top first.

    `rules` have heads that can be compared term by term: what the two rows must agree on.
    """
    case = _Case(sides, rules, implies, levels)
    for by, criterion in _CRITERIA:
        found = criterion(case)
        if found is not None:
            return found, by
    return None, None


def _by_hardness(case: _Case) -> Winner | None:
    return _higher(side.hard for side in case.sides)


def _by_tier(case: _Case) -> Winner | None:
    if not all(side.tier in case.levels for side in case.sides):
        return None
    upper = _higher(-case.levels.index(side.tier) for side in case.sides)
    return None if upper is None or case.sides[upper].overridable else upper


def _by_priority(case: _Case) -> Winner | None:
    return _higher(side.priority for side in case.sides)


def _by_specificity(case: _Case) -> Winner | None:
    first, second = case.rules
    if first is None or second is None or case.sides[0].table == case.sides[1].table:
        return None
    return _higher((case.implies(first, second), case.implies(second, first)))


def _by_denying(case: _Case) -> Winner | None:
    return _higher(side.modal in _AGAINST for side in case.sides)


def _higher(ranks: Iterable[int]) -> Winner | None:
    """Which of two ranks is the higher one; None if they are equal."""
    first, second = ranks
    return None if first == second else 0 if first > second else 1


_CRITERIA: tuple[tuple[DecidedBy, Callable[[_Case], Winner | None]], ...] = (
    ("hardness", _by_hardness),
    ("tier", _by_tier),
    ("priority", _by_priority),
    ("specificity", _by_specificity),
    ("deny", _by_denying),
)
