"""
Cases: a body without disjunctions, in all the ways in which it can hold.

A branch of each disjunction is taken, and a definition of each derived table, whose row is kept beside what defines
it. What would make too many cases is left as it is: a premise that says less proves less, and nothing wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from congresslite.language.program import Either, Literal, Match
from congresslite.policy.implication.budget import Budget
from congresslite.policy.implication.renaming import Names
from congresslite.policy.implication.theory import Theory

# So many cases are made of a body at most, and so deeply are derived tables taken apart.
MAX_CASES = 32
MAX_NESTED = 4

_Nested = tuple[Literal, int]


def cases(body: Iterable[Literal], theory: Theory, names: Names, budget: Budget) -> list[tuple[Literal, ...]]:
    """The cases of a body; disjunctions that are left in them are not taken apart."""
    found: list[tuple[Literal, ...]] = []
    # What is left to look at, what has been looked at, and how many cases may be made of it.
    waiting: list[tuple[deque[_Nested], list[Literal], int]] = [(deque((each, 0) for each in body), [], MAX_CASES)]
    while waiting:
        todo, done, room = waiting.pop()
        while todo:
            budget.spend()
            literal, nested = todo.popleft()
            kept, ways = _apart(literal, nested, theory, names)
            if not 0 < len(ways) <= room:
                done.append(literal)
                continue
            done += kept
            room //= len(ways)
            waiting.extend((deque((*way, *todo)), done.copy(), room) for way in reversed(ways[1:]))
            todo.extendleft(reversed(ways[0]))
        found.append(tuple(done))
    return found


def _apart(
    literal: Literal, nested: int, theory: Theory, names: Names
) -> tuple[Sequence[Literal], Sequence[Sequence[_Nested]]]:
    """What is kept of a literal, and the ways in which it can hold beside."""
    match literal:
        case Either(branches):
            return (), [[(each, nested) for each in branch] for branch in branches]
        case Match(table, terms) if nested < MAX_NESTED and (definitions := theory.definitions(table)):
            row = Match(table, names.named(terms))
            instances = (names.instance(definition, row.terms) for definition in definitions)
            return (row,), [[(each, nested + 1) for each in instance] for instance in instances]
        case _:
            return (literal,), ()
