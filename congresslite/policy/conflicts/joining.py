"""
Joining: the rule that joins the rows of two sides.

Its row names the two rules, then has the terms of the first side, then those of the second that the first does not
have already. So a row tells both sides whole, and `Side.places` says where the columns of each stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.diagnostics import Span
from congresslite.language.printing import value_text
from congresslite.language.program import (
    CONFLICT_POLICY,
    Call,
    CheckedRule,
    Compare,
    Const,
    Contradiction,
    Either,
    Literal,
    Match,
    RuleKind,
    Var,
)
from congresslite.language.resolution.draft import Known
from congresslite.language.resolution.infer import term_type, variable_types
from congresslite.language.resolution.kinds import ANY, as_type, of_column
from congresslite.policy.conflicts.deciding import Implies, Rules, decide
from congresslite.policy.conflicts.pairs import Pair
from congresslite.policy.conflicts.sides import Party, plain
from congresslite.schema import Column, Reference, TableSchema, Type

# A column's name that a message can hold a place for.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_LABELS = ("rule", "against")
_Cell = tuple[int, int]  # a side, and a place of it


@dataclass(frozen=True, slots=True)
class Joined:
    """The rule for a pair, the schema of its table, and what the two sides are."""

    rule: CheckedRule
    schema: TableSchema
    contradiction: Contradiction


@dataclass(frozen=True, slots=True)
class _Row:
    """The terms that a conflict has beside the names of its rules, and at which of them the terms of each side are."""

    terms: tuple[Var | Const, ...]
    columns: tuple[Column, ...]
    places: tuple[tuple[int, ...], tuple[int, ...]]

    def of(self, side: int) -> tuple[Var | Const, ...]:
        """The terms of one side."""
        return tuple(self.terms[place] for place in self.places[side])


def joined(pair: Pair, implies: Implies, levels: Sequence[str]) -> Joined:
    """What a pair becomes; its table is that of its kind, as yet without a number of its own."""
    row = _row(pair)
    first, second = (
        party.side(tuple(len(_LABELS) + place for place in places))
        for party, places in zip(pair.parties, row.places, strict=True)
    )
    winner, by = decide((first, second), _compared(pair), implies, levels)
    # A policy that is tried out must not block, so its commands stop no others.
    tied = winner is None and all(side.modal == "execute" and side.mode != "dryrun" for side in (first, second))
    span = next(each for each in (pair.parties[0].span, pair.parties[1].span, pair.span) if each is not None)
    body = tuple(_body(pair, row, span))
    types = _types(pair, body)
    table = f"{CONFLICT_POLICY}:{'error' if tied else pair.kind}"
    rule = CheckedRule(
        policy=CONFLICT_POLICY,
        kind=RuleKind.ERROR if tied else RuleKind.CONFLICT,
        table=table,
        head=(*(Const(party.label) for party in pair.parties), *row.terms),
        body=body,
        identity=pair.identity,
        span=span,
        severity="high",
        message=_message(pair, row, tied=tied),
        object=_object(pair, row),
        types={name: as_type(known) for name, known in types.items()},
    )
    labels = (Column(name, Type.STR, declared=False) for name in _LABELS)
    columns = (
        replace(column, type=as_type(term_type(term, types)))
        for column, term in zip(row.columns, row.terms, strict=True)
    )
    contradiction = Contradiction(pair.kind, (first, second), winner, by)
    return Joined(rule, TableSchema(table, (*labels, *columns)), contradiction)


# -- the row -------------------------------------------------------------------------------------


def _row(pair: Pair) -> _Row:
    """The terms of both sides, each of which stands in the row once."""
    cells = [(side, place) for side, party in enumerate(pair.parties) for place in range(party.arity)]
    same = {cell: cell for cell in cells}  # the first cell that is equal to each

    for one, other in pair.equal:
        kept, gone = sorted((same[0, one], same[1, other]))
        same = {cell: kept if first == gone else first for cell, first in same.items()}
    said = {same[side, place]: value for side, given in enumerate(pair.given) for place, value in given}
    own = [cell for cell in cells if same[cell] == cell]
    columns = [
        [pair.parties[side].columns[place] for side, place in cells if same[side, place] == cell] for cell in own
    ]
    names = _distinct([each[0].name for each in columns])
    return _Row(
        terms=tuple(said.get(cell, Var(name)) for cell, name in zip(own, names, strict=True)),
        columns=tuple(
            Column(name, references=_first_reference(each), declared=False)
            for name, each in zip(names, columns, strict=True)
        ),
        places=(_places(pair, 0, same, own), _places(pair, 1, same, own)),
    )


def _first_reference(columns: Sequence[Column]) -> Reference | None:
    return next((column.references for column in columns if column.references is not None), None)


def _places(pair: Pair, side: int, same: Mapping[_Cell, _Cell], own: Sequence[_Cell]) -> tuple[int, ...]:
    return tuple(own.index(same[side, place]) for place in range(pair.parties[side].arity))


def _distinct(given: Sequence[str]) -> list[str]:
    """Names for columns that a message can hold places for, each of them once."""
    taken = set(_LABELS)
    names = []
    for place, name in enumerate(given, start=1):
        own = name if _NAME.fullmatch(name) else f"c{place}"
        base, number = own, 1
        while own in taken:
            number += 1
            own = f"{base}_{number}"
        taken.add(own)
        names.append(own)
    return names


# -- the body ------------------------------------------------------------------------------------


def _body(pair: Pair, row: _Row, span: Span) -> Iterator[Literal]:
    for side, party in enumerate(pair.parties):
        more = (Var(f"${side}.{place}") for place in range(party.more))
        yield Match(party.table, (*party.lead, *row.of(side), *more), span)
    if pair.differ:
        yield _different(pair, row, span)


def _different(pair: Pair, row: _Row, span: Span) -> Literal:
    """That the rows differ somewhere; of the two orders of a rule's own rows, the one by value."""
    first, second = row.of(0), row.of(1)
    values = [(first[one], second[other]) for one, other in pair.differ]
    ways: list[tuple[Literal, ...]] = []
    for number, (left, right) in enumerate(values):
        differs = Compare("!=", left, right, span=span)
        if not pair.mirrored:
            ways.append((differs,))
            continue
        equal = [Compare("=", *each, span=span) for each in values[:number]]
        some = (Compare("!=", each, Const(None), span=span) for each in (left, right))
        ways.append((*equal, differs, Compare("=", left, Const(None), span=span)))
        ways.append((*equal, differs, *some, Call("precedes", (left, right), (), span=span)))
    return Either(tuple(ways), span)


def _types(pair: Pair, body: Sequence[Literal]) -> dict[str, Known]:
    known = {
        party.table: [*(ANY for _ in party.lead), *(of_column(each) for each in party.columns), *(ANY,) * party.more]
        for party in pair.parties
    }
    return variable_types(body, known.__getitem__)


def _object(pair: Pair, row: _Row) -> int | None:
    """The place of what the first side names as its object, or of the first term."""
    for party, places in zip(pair.parties, row.places, strict=True):
        if party.rule is not None and party.rule.object is not None:
            return len(_LABELS) + places[party.rule.object]
    return len(_LABELS) if row.terms else None


# -- what is told of it --------------------------------------------------------------------------


def _message(pair: Pair, row: _Row, *, tied: bool) -> str:
    """What contradicts what. Who wins is told beside it: that changes with the policies, and a message is kept."""
    first, second = (f"`{_atom(party, row.of(side))}` of {party.words}" for side, party in enumerate(pair.parties))
    return f"{first} is against {second}{': nothing decides, so neither is run' if tied else ''}"


def _atom(party: Party, terms: Sequence[Var | Const]) -> str:
    inner = ", ".join(f"{{{term.name}}}" if isinstance(term, Var) else plain(value_text(term.value)) for term in terms)
    return f"{party.atom}({inner})" if party.modal is None else f"{party.modal}[{party.atom}({inner})]"


# -- deciding ------------------------------------------------------------------------------------


def _compared(pair: Pair) -> Rules:
    """The two rules with what they must agree on as their heads, so that one can imply the other."""
    first, second = pair.parties
    equal = list(zip(*pair.equal, strict=True)) or [(), ()]
    return _with_head(first.rule, equal[0]), _with_head(second.rule, equal[1])


def _with_head(rule: CheckedRule | None, places: Sequence[int]) -> CheckedRule | None:
    if rule is None or (tuple(places) == tuple(range(len(rule.head)))):
        return rule
    return replace(rule, head=tuple(rule.head[place] for place in places), object=None, message=None)
