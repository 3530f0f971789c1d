"""
Effects: which rows an action adds and removes, as policies declare it (`inv:vm-(id=v) :- nova:stop(v).`).

An effect is a rule like any other, but for the action in its body: that is read as a table of the actions that are
asked about, so that one evaluation serves many of them. The rule to keep: nothing is applied here; all effects are
evaluated in the state that they are asked of, whichever comes first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.api import Snapshot
from congresslite.language.program import CheckedRule, Const, Fold, Literal, Match, Program, RuleKind, Var
from congresslite.policy.conflicts.told import action_of, commanding
from congresslite.schema import Column, Row, Scalar, TableSchema, Type

_ACTION = "execute["
# The table of a question that is asked here, and the variable that tells which action a row is for.
_ROWS = "effect:rows"
_AT = Var("#at")


@dataclass(frozen=True, slots=True)
class Effect:
    """One rule that says which rows of `table` an action adds, or removes."""

    rule: CheckedRule
    table: str
    adds: bool
    action: Match

    @staticmethod
    def of(rule: CheckedRule) -> Effect:
        """The effect that a rule says."""
        action = next(each for each in rule.body if isinstance(each, Match) and each.table.startswith(_ACTION))
        return Effect(rule, rule.table[:-1], rule.table.endswith("+"), action)

    @property
    def name(self) -> str:
        """The name of the action."""
        return action_of(self.action.table)

    @property
    def terms(self) -> tuple[Var | Const, ...]:
        """What is said of the rows, by column; no aggregate may stand there."""
        return tuple(term for term in self.rule.head if not isinstance(term, Fold))


class Effects:
    """The effects that a program declares, and the actions that it knows."""

    def __init__(self, program: Program) -> None:
        self._by_action: defaultdict[tuple[str, int], list[Effect]] = defaultdict(list)
        for each in map(Effect.of, program.effects):
            self._by_action[each.name, len(each.action.terms)].append(each)
        self._arities: defaultdict[str, set[int]] = defaultdict(set)
        for name, arity in self._by_action:
            self._arities[name].add(arity)
        for rule in commanding(program):
            self._arities[action_of(rule.table)].add(len(rule.head))
        for declared in program.incompatible:
            self._arities[declared.first].add(declared.arities[0])
            self._arities[declared.second].add(declared.arities[1])

    @property
    def actions(self) -> Mapping[str, set[int]]:
        """The actions that rules command or describe, with how many terms they have."""
        return self._arities

    def of(self, action: str, arity: int) -> Sequence[Effect]:
        """The effects of an action with so many terms; none if nobody says what it does."""
        return self._by_action.get((action, arity), ())


def evaluate(snapshot: Snapshot, effect: Effect, actions: Sequence[Row]) -> list[tuple[int, Row]]:
    """The rows that an effect names for each of these actions (their terms), with the place of the action.

    Rows that go are such as there are; rows that come may be there already. The table must be one of a source.
    """
    schema = snapshot.schema(effect.table)
    asked = [_fact(effect, terms, place) for place, terms in enumerate(actions)]
    body = tuple(_numbered(each) if each is effect.action else each for each in effect.rule.body)
    # What is left out of the head of rows that go is anything that such a row has there.
    there = () if effect.adds else (Match(effect.table, effect.terms),)
    rule = _rule(effect, _ROWS, (_AT, *effect.terms), (*body, *there))
    answer = TableSchema(_ROWS, (Column("#at", Type.INT), *schema.columns))
    found = snapshot.derive((*asked, rule), {_ROWS: answer})
    return [(int(at or 0), tuple(row)) for at, *row in found]


def _fact(effect: Effect, terms: Row, place: int) -> CheckedRule:
    return _rule(effect, effect.action.table, (*map(Const, terms), Const(place)), ())


def _numbered(action: Match) -> Match:
    return replace(action, terms=(*action.terms, _AT))


def _rule(effect: Effect, table: str, head: tuple[Var | Const | Fold, ...], body: tuple[Literal, ...]) -> CheckedRule:
    return replace(effect.rule, kind=RuleKind.DERIVE, table=table, head=head, body=body)


# -- objects -------------------------------------------------------------------------------------


def unknown_objects(snapshot: Snapshot, effects: Sequence[Effect], terms: Row) -> Iterator[tuple[str, str, Scalar]]:
    """What an action names that is not there: the table that would have it, the key column, and the value."""
    seen = set()
    for place, value in enumerate(terms):
        for table, column in _keys(snapshot, effects, place):
            if (place, table) not in seen and not snapshot.matching(table, [column], [(value,)])[0]:
                yield table, column, value
            seen.add((place, table))


def _keys(snapshot: Snapshot, effects: Sequence[Effect], place: int) -> Iterator[tuple[str, str]]:
    """The keys that a term of an action stands in: those are the objects that it is about."""
    for effect in effects:
        term = effect.action.terms[place]
        removed = () if effect.adds else ((effect.table, effect.terms),)
        read = ((each.table, each.terms) for each in effect.rule.body if isinstance(each, Match))
        for table, terms in (*removed, *read):
            schema = snapshot.catalog.tables.get(table)
            if schema is not None and len(schema.key) == 1 and terms[schema.position(schema.key[0]) or 0] == term:
                yield table, schema.key[0]
