"""
Ground programs: literals, the rules that define them, and nothing else.

A literal is a number, its negative is its negation. What can be decided while a program is made is decided: a body
that always holds is `TRUE`, a rule that never fires is not there. The rule to keep: an atom stands for one meaning
only, so that literals may be compared by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd

# The one atom that holds in every model, and its negation.
TRUE = 1
FALSE = -TRUE
# What clasp takes as a weight, and as a sum of weights that it never gets wrong.
MAX_SUM = 2**31 - 1

Weighted = tuple[int, int]  # a literal, and what it adds


class TooLargeError(Exception):
    """A sum that the solver cannot count."""


class GroundProgram:
    """Atoms are numbered from 1; `rules` are a head and a body, `sums` a head, a lower bound and weighted literals.

    `options` are the atoms that are chosen, each with its group, of which one holds.
    """

    def __init__(self) -> None:
        self.atoms = TRUE
        self.rules: list[tuple[int, tuple[int, ...]]] = [(TRUE, ())]
        self.sums: list[tuple[int, int, tuple[Weighted, ...]]] = []
        self.options: dict[int, int] = {}
        self._known: dict[object, int] = {}
        # For a literal an option without which it does not hold, if one is known.
        self._needs: dict[int, int] = {}

    def atom(self) -> int:
        """A new atom. Without a rule it never holds."""
        self.atoms += 1
        return self.atoms

    def choice(self, count: int) -> list[int]:
        """The atoms of a new group."""
        atoms = [self.atom() for _ in range(count)]
        self.options.update(dict.fromkeys(atoms, len(self.options)))
        self._needs.update((atom, atom) for atom in atoms)
        return atoms

    def needs(self, literal: int) -> int | None:
        """An option without which a literal cannot hold, if one is known."""
        return self._needs.get(literal)

    def all_of(self, literals: Iterable[int]) -> int:
        """A literal that holds if all of these do."""
        body = simplified(literals)
        if body is None:
            return FALSE
        if len(body) <= 1:
            return body[0] if body else TRUE
        head = self._known.get(body)
        if head is None:
            head = self._known[body] = self.atom()
            self.rules.append((head, body))
            needed = next((self._needs[each] for each in body if each in self._needs), None)
            if needed is not None:
                self._needs[head] = needed
        return head

    def any_of(self, literals: Iterable[int]) -> int:
        """A literal that holds if one of these does."""
        return -self.all_of(-each for each in literals)

    def at_least(self, bound: int, elements: Iterable[Weighted]) -> int:
        """A literal that holds if the weights of the elements that hold come to `bound`. Raises TooLargeError."""
        bound, weights = _positive(bound, elements)
        total = sum(weights.values())
        if bound <= 0:
            return TRUE
        if total < bound:
            return FALSE
        divisor = gcd(*weights.values())
        bound, total = -(-bound // divisor), total // divisor
        if total > MAX_SUM:
            raise TooLargeError
        body = tuple(sorted((literal, weight // divisor) for literal, weight in weights.items()))
        if bound == total:
            return self.all_of(weights)
        key = (bound, body)
        head = self._known.get(key)
        if head is None:
            head = self._known[key] = self.atom()
            self.sums.append((head, bound, body))
        return head


def simplified(literals: Iterable[int]) -> tuple[int, ...] | None:
    """The literals of a conjunction in order, each once, without those that always hold; None if it never holds."""
    body = set(literals)
    body.discard(TRUE)
    if FALSE in body or any(-each in body for each in body):
        return None
    return tuple(sorted(body))


def _positive(bound: int, elements: Iterable[Weighted]) -> tuple[int, dict[int, int]]:
    """The same test with weights above 0 only: −w of a literal is w of its negation, less w."""
    weights: dict[int, int] = {}
    for literal, weight in elements:
        if literal == TRUE:
            bound -= weight
        elif literal != FALSE:
            weights[literal] = weights.get(literal, 0) + weight
    positive: dict[int, int] = {}
    for literal, weight in weights.items():
        if weight > 0:
            positive[literal] = positive.get(literal, 0) + weight
        elif weight < 0:
            bound -= weight
            positive[-literal] = positive.get(-literal, 0) - weight
    return bound, positive


def defined(program: GroundProgram, bodies: Sequence[Iterable[int]]) -> int:
    """A literal that holds if one of these conjunctions does."""
    return program.any_of(program.all_of(body) for body in bodies)
