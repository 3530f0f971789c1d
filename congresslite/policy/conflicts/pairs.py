"""
Pairs: which rules may contradict each other, told from their heads alone.

A pair says at which places the rows of its two sides must be equal, and of which places at least one must differ. Two
rules that can never have such rows, since constants in their heads forbid it, are no pair.

Each conflict is told once. The two sides of a pair stand in an order that depends on nothing but themselves (who
commands before who denies, else by name); where a rule contradicts itself, the row that comes first by its values
is the first side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from congresslite.diagnostics import Span
from congresslite.language.program import ConflictKind, Const, FunctionalTable, Incompatibility, Program
from congresslite.policy.conflicts.sides import Party
from congresslite.schema import identity

Places = tuple[tuple[int, int], ...]
_Given = tuple[tuple[int, Const], ...]

_FOR = ("permit", "require", "execute")
_AGAINST = ("deny", "forbid")
_VALUED = ("require", "execute")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two parties whose rows contradict each other where they are equal at `equal` and, if there are any, not all
    equal at `differ`: pairs of places of the first and the second.

    `given` are places of each that must hold a value. `mirrored`: the sides are one rule, and could be exchanged.
    """

    kind: ConflictKind
    parties: tuple[Party, Party]
    equal: Places
    differ: Places = ()
    given: tuple[_Given, _Given] = ((), ())
    mirrored: bool = False
    span: Span | None = field(default=None, compare=False)  # of the declaration, if there is one

    @property
    def identity(self) -> str:
        """What the pair is known by, whatever else the policies say: its kind and its two rules.

        Of several declarations about two actions all but the usual one, on the first terms, are told apart.
        """
        first, second = self.parties
        said = ", ".join(f"{one}={other}" for one, other in self.equal)
        said += "".join(f" {place}:{term.value!r}" for each in self.given for place, term in each)
        on = f" on {said}" if self.kind == "action" and said != "0=0" else ""
        return f"{self.kind}: {first.label} against {second.label}{on}"


def pairs(program: Program, parties: Sequence[Party]) -> Iterator[Pair]:
    """Every pair of parties that may contradict each other, at most one of them of another engine."""
    for pair in _all_pairs(program, parties):
        first, second = pair.parties
        if not (first.engine and second.engine) and _possible(pair):
            yield pair


def _all_pairs(program: Program, parties: Sequence[Party]) -> Iterator[Pair]:
    yield from _modality(parties)
    if program.incompatible:
        commands = _by_atom(party for party in parties if party.modal == "execute")
        for declared in _declared(program.incompatible):
            yield from _actions(declared, commands)
    if program.functional:
        valued = _by_atom(party for party in parties if party.modal is None or party.modal in _VALUED)
        for functional in _distinct(program.functional):
            yield from _values(functional, valued)


def _by_atom(parties: Iterable[Party]) -> defaultdict[tuple[str, int], list[Party]]:
    """Parties by what they speak of, each list in an order that depends on the parties alone."""
    found: defaultdict[tuple[str, int], list[Party]] = defaultdict(list)
    for party in sorted(parties, key=lambda party: (party.engine, party.policy.name, party.identity, party.table)):
        found[party.atom, party.arity].append(party)
    return found


def _modality(parties: Sequence[Party]) -> Iterator[Pair]:
    against = _by_atom(party for party in parties if party.modal in _AGAINST)
    for (atom, arity), firsts in _by_atom(party for party in parties if party.modal in _FOR).items():
        equal = tuple((place, place) for place in range(arity))
        for first in firsts:
            for second in against.get((atom, arity), ()):
                yield Pair("modality", (first, second), equal)


# -- actions -------------------------------------------------------------------------------------


def _declared(given: Iterable[Incompatibility]) -> Iterable[Incompatibility]:
    """What is declared of two actions, once, whoever declares it and whichever of the two is named first."""
    found: dict[Incompatibility, Incompatibility] = {}
    for each in given:
        one = replace(each, policy="", positions=tuple(sorted(each.positions)))
        other = replace(
            one,
            first=one.second,
            second=one.first,
            positions=_turned(one.positions),
            arities=one.arities[::-1],
            given=one.given[::-1],
        )
        least = min(
            one, other, key=lambda side: (side.first, side.second, side.arities, side.positions, repr(side.given))
        )
        found.setdefault(least, least)
    return found.values()


def _actions(declared: Incompatibility, commands: defaultdict[tuple[str, int], list[Party]]) -> Iterator[Pair]:
    firsts, seconds = (
        commands[action, arity]
        for action, arity in zip((declared.first, declared.second), declared.arities, strict=True)
    )
    if firsts is seconds:
        yield from _same_action(declared, firsts)
        return
    for first in firsts:
        for second in seconds:
            yield Pair("action", (first, second), declared.positions, given=declared.given, span=declared.span)


def _same_action(declared: Incompatibility, commands: Sequence[Party]) -> Iterator[Pair]:
    """Pairs of commands of one action: the same row is the same command, and no conflict."""
    equal, given, turned = declared.positions, declared.given, _turned(declared.positions)
    differ = tuple((place, place) for place in range(declared.arities[0]) if (place, place) not in equal)
    symmetric = turned == equal and given[0] == given[1]
    for number, first in enumerate(commands if differ else ()):
        for second in commands[number:]:
            mirrored = symmetric and first is second
            yield Pair("action", (first, second), equal, differ, given, mirrored, declared.span)
            if not symmetric and first is not second:
                yield Pair("action", (first, second), turned, differ, given[::-1], span=declared.span)


def _turned(places: Places) -> Places:
    return tuple(sorted((other, one) for one, other in places))


# -- values --------------------------------------------------------------------------------------


def _distinct(declared: Iterable[FunctionalTable]) -> Iterable[FunctionalTable]:
    """Each functional table once, whoever declares it."""
    return {(each.table, each.keys, each.values): each for each in reversed(list(declared))}.values()


def _values(functional: FunctionalTable, valued: defaultdict[tuple[str, int], list[Party]]) -> Iterator[Pair]:
    arity = len(functional.keys) + len(functional.values)
    equal = tuple((place, place) for place in functional.keys)
    differ = tuple((place, place) for place in functional.values)
    every = valued[functional.table, arity]
    for number, first in enumerate(every):
        for second in every[number:]:
            # What holds and what shall hold are different things.
            if (first.modal is None) == (second.modal is None):
                yield Pair("value", (first, second), equal, differ, mirrored=first is second, span=functional.span)


# -- constants -----------------------------------------------------------------------------------


def _possible(pair: Pair) -> bool:
    """Whether the constants of the two heads leave rows that contradict each other."""
    first, second = pair.parties
    for party, given in zip(pair.parties, pair.given, strict=True):
        if not all(_may_agree(party.constant(place), value) for place, value in given):
            return False
    if not all(_may_agree(first.constant(one), second.constant(other)) for one, other in pair.equal):
        return False
    return not pair.differ or any(
        _may_differ(first.constant(one), second.constant(other)) for one, other in pair.differ
    )


def _may_agree(one: Const | None, other: Const | None) -> bool:
    return one is None or other is None or identity(one.value) == identity(other.value)


def _may_differ(one: Const | None, other: Const | None) -> bool:
    return one is None or other is None or identity(one.value) != identity(other.value)
