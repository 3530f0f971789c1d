"""
Ranking: whether a better class asks for at least what a lesser one asks for.

Platinum implies gold if every row of gold's profile follows from one of platinum's. What does not follow is told: so a
host that is good enough for platinum is good enough for gold wherever nothing is outranked. `examples/tiers` has the
same as rules, for the profiles of all points of presence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from congresslite.federation.compiled import Need
from congresslite.schema import Scalar, identity


def outranked(profile: Iterable[Need], ranking: Sequence[str]) -> list[tuple[str, Need]]:
    """The rows of lesser classes that a better one does not imply, each with the better class.

    `ranking` has the best class first. Classes without a row are not there at all, and outrank nobody.
    """
    rows = list(profile)
    there = [each for each in ranking if any(row.service_class == each for row in rows)]
    return [
        (better, row)
        for at, better in enumerate(there)
        for lesser in there[at + 1 :]
        for row in rows
        if row.service_class == lesser
        and not any(_implies(other, row) for other in rows if other.service_class == better)
    ]


def _implies(better: Need, row: Need) -> bool:
    """Whether each value that fits the better row fits the other."""
    if better.attribute != row.attribute:
        return False
    given, asked = better.value, row.value
    match better.op, row.op:
        case ("ge" | "eq", "ge"):
            return _at_most(asked, given)
        case ("le" | "eq", "le"):
            return _at_most(given, asked)
        case ("eq", "eq") | ("ne", "ne"):
            return identity(given) == identity(asked)
        case ("eq", "ne"):
            return identity(given) != identity(asked)
        case ("ge", "ne"):
            return _less(asked, given)
        case ("le", "ne"):
            return _less(given, asked)
        case _:
            return False


def _at_most(first: Scalar, second: Scalar) -> bool:
    return _are_numbers(first, second) and first <= second  # type: ignore[operator]


def _less(first: Scalar, second: Scalar) -> bool:
    return _are_numbers(first, second) and first < second  # type: ignore[operator]


def _are_numbers(*values: Scalar) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
