"""
A `Lookup` for tests: the tables as the naive evaluator has them, questions answered by dictionaries.

It takes the literals in whatever order binds most, and gives its answers in an
order that means nothing, so that nobody comes to rely on one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from congresslite.language.program import CheckedRule, Const, Either, Literal, Match, NoMatch, Program, Var
from congresslite.schema import Row, Scalar, identity
from tests.engine.naive import Bindings, Tables, evaluate_naively, extend, plain, ready, unify

CLOCK = "2026-03-01 08:30:00"

Key = tuple[Hashable, ...]


class NaiveLookup:
    """A program evaluated naively; `asked` counts the questions."""

    def __init__(self, program: Program, rows: Mapping[str, Iterable[Row]], derived: Tables | None = None) -> None:
        self.program = program
        self.asked = 0
        self.tables: Tables = {name: set() for name in program.base}
        self.tables |= {name: {tuple(map(identity, row)) for row in each} for name, each in rows.items()}
        self.tables |= evaluate_naively(program, rows, CLOCK) if derived is None else derived
        self._indexes: dict[tuple[str, tuple[int, ...]], dict[Key, list[Key]]] = {}

    def columns(self, table: str) -> Sequence[int]:
        """The places of a table's columns: it holds all of them."""
        return range((self.program.tables.get(table) or self.program.base[table]).arity)

    def has(self, table: str, row: Row) -> bool:
        """Whether the row is in the table."""
        return tuple(map(identity, row)) in self.tables[table]

    def solve(
        self,
        rule: CheckedRule,
        body: Sequence[Literal],
        bound: Mapping[str, Scalar],
        names: Sequence[str],
        limit: int | None,
    ) -> list[Row]:
        """See `Lookup`."""
        del rule
        assert not set(names) & bound.keys(), "a name that is bound is asked for"
        self.asked += 1
        found: dict[Key, None] = {}
        for each in self._solve(list(body), {name: identity(value) for name, value in bound.items()}):
            if limit is not None and len(found) >= limit:
                break
            found[tuple(each[name] for name in names)] = None
        return [tuple(plain(value) for value in row) for row in found]

    def _solve(self, body: list[Literal], bound: Bindings) -> Iterator[Bindings]:
        if not body:
            yield bound
            return
        chosen = min((each for each in body if ready(each, set(bound))), key=lambda each: self._breadth(each, bound))
        rest = [each for each in body if each is not chosen]
        for each in self._extend(chosen, bound):
            yield from self._solve(rest, each)

    def _extend(self, literal: Literal, bound: Bindings) -> Iterator[Bindings]:
        match literal:
            case Match(_, terms):
                for row in self._rows(literal, bound):
                    if (each := unify(terms, row, bound)) is not None:
                        yield each
            case Either(branches):
                for branch in branches:
                    yield from self._solve(list(branch), bound)
            case _:
                yield from extend(literal, bound, self.tables, CLOCK)

    def _rows(self, atom: Match, bound: Bindings) -> Sequence[Key]:
        """The rows that an atom may match, by the columns that are bound."""
        places = tuple(i for i, term in enumerate(atom.terms) if isinstance(term, Const) or term.name in bound)
        return self._index(atom.table, places).get(tuple(_value(atom.terms[place], bound) for place in places), [])

    def _breadth(self, literal: Literal, bound: Bindings) -> float:
        """How many bindings a literal may make of one."""
        match literal:
            case Match():
                return len(self._rows(literal, bound))
            case Either():
                return math.inf
            case _:
                return 0

    def _index(self, table: str, places: tuple[int, ...]) -> dict[Key, list[Key]]:
        if (table, places) not in self._indexes:
            index: defaultdict[Key, list[Key]] = defaultdict(list)
            for row in self.tables[table]:
                index[tuple(row[place] for place in places)].append(row)
            self._indexes[table, places] = dict(index)
        return self._indexes[table, places]


UNREAD = "(unread)"


class HeldLookup(NaiveLookup):
    """A state that holds of its base tables what rules look at; what else is asked for comes as `UNREAD`."""

    def __init__(self, lookup: NaiveLookup) -> None:
        self._held = _looked_at(lookup.program)
        rows = {name: [self._masked(name, row) for row in lookup.tables[name]] for name in lookup.program.base}
        super().__init__(lookup.program, rows, {name: lookup.tables[name] for name in lookup.program.tables})

    def columns(self, table: str) -> Sequence[int]:
        """The places that rules look at; all of a derived table."""
        return super().columns(table) if table in self.program.tables else sorted(self._held[table])

    def _masked(self, table: str, row: Key) -> Row:
        return tuple(plain(value) if place in self._held[table] else UNREAD for place, value in enumerate(row))


def _looked_at(program: Program) -> dict[str, set[int]]:
    """The places of base tables that somebody looks at: anywhere in a rule a second time; all under an aggregate."""
    held: dict[str, set[int]] = {name: set() for name in program.base}
    for rule in program.rules:
        written = list(names_in((rule.head, rule.body)))
        for atom in _atoms(rule.body):
            for place, term in enumerate(atom.terms):
                if rule.aggregates or isinstance(term, Const) or written.count(term.name) > 1:
                    held.get(atom.table, set()).add(place)
    return held


def names_in(part: object) -> Iterator[str]:
    """Every variable in some part of a rule, as often as it is written."""
    if isinstance(part, Var):
        yield part.name
    elif isinstance(part, tuple):
        for each in part:
            yield from names_in(each)
    elif is_dataclass(part):
        for each in fields(part):
            yield from names_in(getattr(part, each.name))


def _atoms(body: Sequence[Literal]) -> Iterator[Match | NoMatch]:
    for literal in body:
        if isinstance(literal, Match | NoMatch):
            yield literal
        elif isinstance(literal, Either):
            yield from (atom for branch in literal.branches for atom in _atoms(branch))


def _value(term: Any, bound: Bindings) -> Hashable:
    found: Hashable = identity(term.value) if isinstance(term, Const) else bound[term.name]
    return found


def rows_beside(program: Program, tables: Tables) -> Iterator[tuple[str, Row]]:
    """For each derived table a few rows that it has not: of other tables' values, and with one column changed."""
    for name, schema in program.tables.items():
        near = [row for other in tables.values() for row in sorted(other, key=repr)[:1] if len(row) == schema.arity]
        for row in sorted(tables[name], key=repr)[:1]:
            near += [(*row[:place], "?", *row[place + 1 :]) for place in range(schema.arity)]
        for row in near[:4]:
            if row not in tables[name]:
                yield name, tuple(map(plain, row))
