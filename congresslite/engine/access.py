"""
Accesses: how a literal reaches a relation, and in which order literals are joined.

What is left of an atom beside its constants and repeated variables is a
mapping from variables to columns. The order is greedy: from each possible
start, always the literal that is expected to leave the fewest bindings; the
start with the lowest cost wins. Expectations come from the relations as they
are, not from guesses about them; but an order stays right when they change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

import numpy as np

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.index import Places
from congresslite.engine.relation import Mask, Relation
from congresslite.engine.run import Relations, Run
from congresslite.language.program import Const, Match, NoMatch, Var
from congresslite.plan.nodes import Condition
from congresslite.plan.variables import bound_after

# What it costs to build an index, for each of its rows, and to follow it to a row, against handling one binding.
# Where no value repeats, it is one array to look up in; otherwise rows are sorted, and found in runs.
_UNIQUE_COST, _INDEX_COST = 0.3, 2.0
_UNIQUE_STEP, _INDEX_STEP = 0.5, 1.5
# Starts that are tried; a rule with more literals has one that is as good among the smallest.
_MAX_STARTS = 6
# A delta is expected to be small, whatever it will be.
_DELTA_ROWS = 100.0


@dataclass(frozen=True, slots=True)
class Access:
    """A literal's way into a table: variables at these columns, of rows that pass `constants` and `equal`.

    `before`: it reads the table as it was before the batch.
    """

    table: str
    columns: Mapping[str, int]
    constants: tuple[tuple[int, int], ...] = ()
    equal: tuple[tuple[int, int], ...] = ()
    before: bool = False

    @property
    def selects(self) -> bool:
        """Whether there are rows that it may not let through."""
        return bool(self.constants or self.equal)

    @property
    def read(self) -> Iterator[int]:
        """The columns that it looks at."""
        yield from self.columns.values()
        yield from (position for position, _ in self.constants)
        yield from (position for pair in self.equal for position in pair)

    @property
    def given(self) -> int:
        """In how many columns a row is named, once all variables are."""
        return len(self.columns) + len(self.constants) + len(self.equal)

    def relation(self, run: Run) -> Relation:
        """The relation that it reads."""
        return run.relation(self.table, before=self.before)

    def mask(self, column: Callable[[int], Ids], dictionaries: Sequence[Dictionary]) -> Mask | None:
        """Which rows pass, given the ids in each column and the dictionaries of the columns; None if all do."""
        tests = [column(position) == id_ for position, id_ in self.constants]
        tests += [agreeing(dictionaries, one, other, column(one), column(other)) for one, other in self.equal]
        return reduce(and_, tests) if tests else None

    def passing(self, relation: Relation, places: Places) -> Places | None:
        """Which of these rows pass, as places in `places`; None if all do."""
        mask = self.mask(lambda position: relation.column(position)[places], relation.dictionaries)
        return None if mask is None else mask.nonzero()[0]

    def living(self, relation: Relation) -> Places | None:
        """The places of all rows that pass; None if every row does."""
        for position, id_ in self.constants:
            if relation.has_index(position):
                _, found = relation.probe(position, np.array([id_], np.int32))
                found = _living(relation, found)
                passing = self.passing(relation, found)
                return found if passing is None else found[passing]
        mask = self.mask(relation.column, relation.dictionaries)
        return relation.living() if mask is None else _living(relation, mask.nonzero()[0])

    def only(self, names: Iterable[str]) -> Access:
        """The access with these variables only."""
        columns = {name: self.columns[name] for name in names}
        return Access(self.table, columns, self.constants, self.equal, self.before)


def _living(relation: Relation, places: Places) -> Places:
    """Those of some rows that are not dead."""
    dead = relation.dead(places)
    return places if dead is None else places[~dead]


def agreeing(dictionaries: Sequence[Dictionary], position: int, other: int, left: Ids, right: Ids) -> Mask:
    """Where two columns have the same value, given their ids; nobody may have known that a rule would ask."""
    if dictionaries[position] is not dictionaries[other]:
        left = dictionaries[position].translate(left, dictionaries[other], add=False)
    same: Mask = left == right
    return same


def access(literal: Match | NoMatch, relation: Relation, used: frozenset[str], *, before: bool = False) -> Access:
    """The access of a literal, with columns for the variables that are used: for any other, any value will do."""
    constants: list[tuple[int, int]] = []
    equal: list[tuple[int, int]] = []
    columns: dict[str, int] = {}
    for position, term in enumerate(literal.terms):
        match term:
            case Const(value):
                constants.append((position, relation.dictionaries[position].add(value)))
            case Var(name) if name in columns:
                equal.append((columns[name], position))
            case Var(name) if name in used:
                columns[name] = position
            case _:
                pass
    return Access(literal.table, columns, tuple(constants), tuple(equal), before)


class Planner:
    """Orders literals over relations as they are now, remembering how many rows each of them lets through."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._rows: dict[tuple[str, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]], float] = {}

    def order(self, accesses: Sequence[Access], conditions: Sequence[Condition], bound: frozenset[str]) -> list[int]:
        """The order in which to join, as places in `accesses`, beginning with bindings of the variables in `bound`."""
        if not accesses:
            return []
        if bound:
            return self._greedy(accesses, conditions, set(bound), None, _DELTA_ROWS)[1]
        if len(accesses) == 1:
            return [0]
        smallest = sorted(range(len(accesses)), key=lambda each: (self._expected(accesses[each]), each))[:_MAX_STARTS]
        tried = [
            self._greedy(accesses, conditions, set(accesses[each].columns), each, self._expected(accesses[each]))
            for each in smallest
        ]
        return min(tried, key=lambda each: each[0])[1]

    def _greedy(
        self,
        accesses: Sequence[Access],
        conditions: Sequence[Condition],
        bound: set[str],
        start: int | None,
        rows: float,
    ) -> tuple[float, list[int]]:
        """The expected cost and the order that follows `rows` bindings of `bound`, or begins with `start`."""
        order, cost = [] if start is None else [start], 0.0
        bound = bound_after(bound, conditions)
        remaining = [each for each in range(len(accesses)) if each != start]
        while remaining:
            connected = [each for each in remaining if not bound.isdisjoint(accesses[each].columns)] or remaining
            fan_out, best = min((self._fan_out(accesses[each], bound), each) for each in connected)
            build, follow = self._index_costs(accesses[best], bound)
            cost += build + rows + rows * fan_out * follow
            rows *= fan_out
            order.append(best)
            remaining.remove(best)
            bound = bound_after(bound | set(accesses[best].columns), conditions)
        return cost, order

    def _expected(self, access: Access) -> float:
        """How many rows pass an access."""
        relation = self._relations[access.table]
        if not access.selects:
            return float(relation.rows)
        key = (access.table, access.constants, access.equal)
        if key not in self._rows:
            living = access.living(relation)
            self._rows[key] = float(relation.rows if living is None else len(living))
        return self._rows[key]

    def _fan_out(self, access: Access, bound: set[str]) -> float:
        """How many rows are expected for one binding."""
        relation = self._relations[access.table]
        rows = self._expected(access)
        for name, position in access.columns.items():
            if name in bound:
                rows /= max(1, relation.distinct_count(position))
        return rows

    def _index_costs(self, access: Access, bound: set[str]) -> tuple[float, float]:
        """What it costs to build the index that a binding needs, if it is not there, and to follow it to one row."""
        relation = self._relations[access.table]
        positions = [position for name, position in access.columns.items() if name in bound]
        if not positions:
            return 0.0, 1.0
        unique = any(relation.distinct_count(position) >= relation.rows for position in positions)
        ready = any(relation.has_index(position) for position in positions)
        build = 0.0 if ready else (_UNIQUE_COST if unique else _INDEX_COST) * relation.size
        return build, _UNIQUE_STEP if unique else _INDEX_STEP


def best_position(access: Access, relation: Relation, bound: Iterable[str]) -> int | None:
    """The column through which to look up a binding: the one with the most values among those that are bound."""
    positions = [access.columns[name] for name in bound if name in access.columns]
    if not positions:
        return None
    return max(positions, key=lambda each: (relation.distinct_count(each), relation.has_index(each), -each))
