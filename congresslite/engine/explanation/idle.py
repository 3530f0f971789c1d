"""
Idle variables: those that stand in one place alone, in a column of a source.

Nothing looks at them: whatever they are, the rule derives the same. So they
come last where bindings are put in order, and need not be asked for at all. The
rule to keep: a row of a derived table is always asked for whole, since it is to
be proved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from congresslite.language.program import Const, Either, Fold, Literal, Match, NoMatch, Var
from congresslite.language.resolution.binding import literal_variables, variables


def idle_variables(
    head: Iterable[Var | Const | Fold], body: Collection[Literal], sources: Collection[str]
) -> frozenset[str]:
    """The variables of a rule that stand alone in a table of `sources`, whichever way is taken through its body."""
    places = _places(body)
    places.update(variables(term.argument if isinstance(term, Fold) else term for term in head))
    return frozenset(
        name
        for atom in positive_atoms(body)
        if atom.table in sources
        for name in variables(atom.terms)
        if places[name] == 1
    )


def positive_atoms(literals: Iterable[Literal]) -> Iterator[Match]:
    """The positive atoms, those within branches included."""
    for literal in literals:
        if isinstance(literal, Match):
            yield literal
        elif isinstance(literal, Either):
            for branch in literal.branches:
                yield from positive_atoms(branch)


def _places(body: Iterable[Literal]) -> Counter[str]:
    """In how many places each variable stands, by the way on which they are most."""
    places: Counter[str] = Counter()
    for literal in body:
        match literal:
            case Either(branches):
                most: Counter[str] = Counter()
                for branch in branches:
                    most |= _places(branch)
                places += most
            case Match(_, terms) | NoMatch(_, terms):
                places.update(variables(terms))
            case _:
                places.update(literal_variables(literal))
    return places
