"""
What an explanation sees of source rows: the columns that the state holds.

No rule looks at the others, and to read one off a file costs more than all the
rest of an answer. The rule to keep: an idle variable in a column that is not
held is not asked for; it has no value in the answer's bindings, and the rows
that are shown lack its column. All that rules look at, derived rows and heights
is the same as if everything were held.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from congresslite.engine.explanation.idle import positive_atoms
from congresslite.engine.explanation.lookup import Lookup
from congresslite.engine.explanation.outline import Outline
from congresslite.language.program import Const, Literal, Match, NoMatch, Var
from congresslite.schema import Scalar


@dataclass(frozen=True, slots=True)
class Sight:
    """A state as an explanation sees it: with the columns that it holds, or `whole`, whatever must be read for that."""

    lookup: Lookup
    outline: Outline
    whole: bool = False

    def columns(self, table: str) -> Sequence[int]:
        """The places of a table's columns that are shown, in order."""
        return range(self.outline.schema(table).arity) if self.whole else self.lookup.columns(table)

    def unseen(self, literals: Sequence[Literal], idle: Collection[str]) -> frozenset[str]:
        """Those variables of `idle` that stand in columns which are not shown."""
        if self.whole or not idle:
            return frozenset()
        unseen: set[str] = set()
        for atom in positive_atoms(literals):
            places = self.columns(atom.table)
            if len(places) < len(atom.terms):
                hidden = (term for place, term in enumerate(atom.terms) if place not in places)
                unseen.update(term.name for term in hidden if isinstance(term, Var) and term.name in idle)
        return frozenset(unseen)


def known(atom: Match | NoMatch, bindings: Mapping[str, Scalar]) -> dict[int, Scalar]:
    """The values that an atom's row has under some bindings, by their places; the other columns may hold anything."""
    values: dict[int, Scalar] = {}
    for place, term in enumerate(atom.terms):
        if isinstance(term, Const):
            values[place] = term.value
        elif term.name in bindings:
            values[place] = bindings[term.name]
    return values
