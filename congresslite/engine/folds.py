"""
Folds: aggregates over groups of bindings, kept current.

A group's state holds what its result needs and a binding can be added to or
taken from (see `sums`). What no sum can tell (the least, the greatest, how many
differ) is asked of the group's values, which are kept with how often each
occurs. A full evaluation is a change of nothing to everything, and takes the
same way. `aggregates` says what a fold of values means; the results are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from congresslite.engine.counting import Bag, consolidated, merged, united
from congresslite.engine.dictionary import INT, NULL, Dictionary, Ids
from congresslite.engine.index import Places
from congresslite.engine.keys import group_rows
from congresslite.engine.limits import Limits
from congresslite.engine.relation import Array, Relation
from congresslite.engine.sums import NONE, SKIPPED, STATES, Folded, outcome, plus
from congresslite.language.aggregates import fold
from congresslite.language.program import CheckedRule, Fold
from congresslite.language.syntax import AggregateFunction

_KEEPS_VALUES = ("count_distinct", "min", "max")


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of one aggregating rule. A value: a change makes another.

    `relation` has a row a group: its columns, then the results of its folds (ids, `NONE` or `SKIPPED`); beside it stand
    how many bindings it has, and the states of its folds. `values` has for some folds the groups' values, each once,
    with how often it occurs. `incomplete` is how many groups have a fold without a result, and so no row in the table.
    """

    rule: CheckedRule
    dictionaries: tuple[Dictionary, ...]  # of the folded values
    results: tuple[Dictionary, ...]  # of the folds in the table
    relation: Relation
    values: Mapping[int, Relation]
    incomplete: int = 0

    @staticmethod
    def empty(rule: CheckedRule, values: Sequence[Dictionary], head: Sequence[Dictionary], owner: object) -> Groups:
        """No groups yet; `values` are the dictionaries of the folded variables, `head` those of the table."""
        pairs = list(zip(rule.head, head, strict=True))
        groups = [dictionary for term, dictionary in pairs if not isinstance(term, Fold)]
        results = tuple(dictionary for term, dictionary in pairs if isinstance(term, Fold))
        folds = [term for term in rule.head if isinstance(term, Fold)]
        extras: list[Array] = [np.zeros(0, np.int64)] * (1 + sum(STATES[each.function] for each in folds))
        kept = {
            at: Relation.empty(rule.table, [*groups, values[at]], owner=owner)
            for at, each in enumerate(folds)
            if each.function in _KEEPS_VALUES
        }
        columns = [*groups, *results]
        relation = Relation.empty(rule.table, columns, extras=extras, identified=len(groups), owner=owner)
        return Groups(rule, tuple(values), results, relation, kept)

    @property
    def width(self) -> int:
        """How many columns make a group."""
        return len(self.relation.dictionaries) - len(self.results)

    @property
    def read(self) -> list[Dictionary]:
        """The dictionaries of bindings: those of the groups, then those of the folded values."""
        return [*self.relation.dictionaries[: self.width], *self.dictionaries]

    @property
    def whole(self) -> bool:
        """Whether the groups' relation has just the rows and columns of the table."""
        return self.incomplete == 0 and not any(isinstance(term, Fold) for term in self.rule.head[: self.width])

    @property
    def folds(self) -> list[Fold]:
        """The aggregates of the head."""
        return [term for term in self.rule.head if isinstance(term, Fold)]

    def changed(self, bag: Bag, limits: Limits, owner: object) -> tuple[Groups, Bag]:
        """The groups with bindings added and taken, and the rows of the table that come (+1) and go (-1) with that."""
        width = self.width
        bag = consolidated(bag, self.read)
        if not bag.length:
            return self, united([], len(self.rule.head))
        order, starts = group_rows(bag.columns[:width], bag.length)
        bag = bag.take(order)
        touched = _Touched(self.relation, [column[starts] for column in bag.columns[:width]], len(starts))
        states = [plus(touched.before(0), np.add.reduceat(bag.weights, starts))]
        values: dict[int, Relation] = {}
        outcomes: list[Ids] = []
        for at, each in enumerate(self.folds):
            before = [touched.before(len(states) + number) for number in range(STATES[each.function])]
            brought = Folded(bag.columns[width + at], bag.weights, starts, self.dictionaries[at])
            if each.function in _KEEPS_VALUES:
                groups = bag.columns[:width]
                values[at], change = _with_values(self.values[at], groups, brought, owner)
                if each.function == "count_distinct":
                    state = [plus(before[0], touched.spread(change))]
                    result = outcome(each.function, state, self.results[at])
                else:
                    state, result = [], self._extremes(at, each.function, touched, values[at])
            elif each.function == "count":
                state = [plus(before[0], brought.counted())]
                result = outcome(each.function, state, self.results[at])
            else:
                sums, skipped = brought.summed()
                limits.skip(self.rule, skipped)
                state = [plus(one, other) for one, other in zip(before, sums, strict=True)]
                result = outcome(each.function, state, self.results[at])
            states += state
            outcomes.append(result)
        old = touched.results()
        for one, other in zip(outcomes, old, strict=True):
            limits.skip(self.rule, int((one == SKIPPED).sum()) - int((other == SKIPPED).sum()))
        relation = touched.merged(states, outcomes, owner)
        has = states[0] > 0
        rows = self._rows(touched, has, old, outcomes)
        incomplete = self.incomplete + _lacking(has, outcomes) - _lacking(touched.places >= 0, old)
        return Groups(self.rule, self.dictionaries, self.results, relation, values, incomplete), rows

    def lost(self) -> Bag:
        """All rows of the table, taken away."""
        touched = _Touched(self.relation, self.relation.columns()[: self.width], self.relation.rows)
        nothing = [np.full(touched.count, NONE, np.int32) for _ in self.results]
        return self._rows(touched, np.zeros(touched.count, bool), touched.results(), nothing)

    def rows(self) -> tuple[list[Ids], int]:
        """The rows of the table, those of groups that have all results."""
        columns = self.relation.columns()
        complete = np.logical_and.reduce([each >= 0 for each in columns[self.width :]])
        groups, results = iter(columns[: self.width]), iter(columns[self.width :])
        ordered = [next(results) if isinstance(term, Fold) else next(groups) for term in self.rule.head]
        return [column[complete] for column in ordered], int(complete.sum())

    def _extremes(self, at: int, function: AggregateFunction, touched: _Touched, values: Relation) -> Ids:
        """The results of `min` or `max`, of the values of each group."""
        which, places = touched.rows_of(values)
        source, target = self.dictionaries[at], self.results[at]
        ids = _extremes(function, which, values.column(len(touched.groups))[places], touched.count, source)
        known = ids >= 0
        if source is not target and known.any():
            ids[known] = source.translate(ids[known], target, add=True)
        return ids

    def _rows(self, touched: _Touched, has: Array, old: list[Ids], new: list[Ids]) -> Bag:
        """The rows of the groups whose results differ: as they were, with -1, and as they are, if they still are."""
        had = touched.places >= 0
        differs = had != has
        for one, other in zip(old, new, strict=True):
            differs |= one != other
        parts = []
        for exists, results, weight in ((had, old, -1), (has, new, 1)):
            mask = np.logical_and.reduce([differs, exists, *(each >= 0 for each in results)])
            groups, values = iter(touched.groups), iter(results)
            columns = [(next(values) if isinstance(term, Fold) else next(groups))[mask] for term in self.rule.head]
            parts.append(Bag(columns, np.full(int(mask.sum()), weight, np.int64)))
        rows = united(parts, len(self.rule.head))
        return Bag(rows.columns, rows.weights, net=True)  # as it was and as it is, a group has two rows that differ


def _lacking(exists: Array, results: Sequence[Ids]) -> int:
    """How many groups that there are have a fold without a result."""
    return int((exists & np.logical_or.reduce([each < 0 for each in results])).sum())


class _Touched:
    """The groups that a batch touches, and what was known of them."""

    def __init__(self, relation: Relation, groups: list[Ids], count: int) -> None:
        self.groups, self.count = groups, count
        self._relation = relation
        self.places = np.full(count, -1, np.int64)
        if relation.rows:
            which, places = self.rows_of(relation)
            self.places[which] = places
        self._known = (self.places >= 0).nonzero()[0]
        self._known_places = self.places[self._known]

    def before(self, number: int) -> Array:
        """What stood beside each group."""
        array = self._relation.beside(number)
        values = np.zeros(self.count, array.dtype)
        values[self._known] = array[self._known_places]
        return values

    def results(self) -> list[Ids]:
        """What the results of each group were."""
        found = []
        for at in range(len(self.groups), len(self._relation.dictionaries)):
            ids = np.full(self.count, NONE, np.int32)
            ids[self._known] = self._relation.column(at)[self._known_places]
            found.append(ids)
        return found

    def spread(self, change: Bag) -> Array:
        """For each group how many of its values came, less those that went."""
        width = len(self.groups)
        mine = Relation("", self._relation.dictionaries[:width], self.groups, self.count)
        changed = np.zeros(self.count, np.int64)
        np.add.at(changed, mine.find(change.columns[:width], change.length), change.weights)
        return changed

    def rows_of(self, values: Relation) -> tuple[Places, Places]:
        """The rows of the groups' values: which group, and which row."""
        if self.groups:
            return values.matches(range(len(self.groups)), self.groups, self.count)
        living = values.living()
        places = np.arange(values.size) if living is None else living
        return np.zeros(len(places), np.int64), places

    def merged(self, states: Sequence[Array], outcomes: Iterable[Ids], owner: object) -> Relation:
        """The relation with these states; a group without bindings goes."""
        stays = states[0] > 0
        extras = [each[stays] for each in states]
        columns = [column[stays] for column in (*self.groups, *outcomes)]
        return self._relation.changed(self._known_places, columns, int(stays.sum()), owner, extras=extras)


def _with_values(kept: Relation, groups: Sequence[Ids], brought: Folded, owner: object) -> tuple[Relation, Bag]:
    """The values of a fold with more of them added and taken, and which of them come and go; nulls aside."""
    known = brought.dictionary.kinds[brought.values] != NULL
    columns = [*(column[known] for column in groups), brought.values[known]]
    relation, delta = merged(kept, consolidated(Bag(columns, brought.weights[known]), kept.dictionaries), owner)
    return relation, delta.signed()


def _extremes(function: AggregateFunction, which: Places, values: Ids, count: int, dictionary: Dictionary) -> Ids:
    """For each group the id of its least or greatest value; `which` says what group a value is of."""
    ids = np.full(count, NONE, np.int32)
    if not len(which):
        return ids
    whole = bool((dictionary.kinds[values] == INT).all())
    order = np.lexsort((dictionary.payloads[values], which)) if whole else np.argsort(which, kind="stable")
    which, values = which[order], values[order]
    starts = np.diff(which, prepend=-1).nonzero()[0]
    ends = np.append(starts[1:], len(which))
    groups = which[starts]
    if whole:
        ids[groups] = values[ends - 1 if function == "max" else starts]
        return ids
    for group, start, end in zip(groups.tolist(), starts.tolist(), ends.tolist(), strict=True):
        found = fold(function, dictionary.decode(values[start:end])).value
        ids[group] = SKIPPED if found is None else dictionary.find(found)
    return ids
