"""
Snapshots: what can be asked of one state, and what would follow from a change of it.

What asking adds to a state is never seen: an index, a column that had not been
read yet, ids of a query's constants.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence

import numpy as np

from congresslite.diagnostics import Diagnostic
from congresslite.engine.base import BaseTables, without_repeats
from congresslite.engine.constraints import broken_constraints
from congresslite.engine.decode import decode_rows, told
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.differing import head_dictionary
from congresslite.engine.domains import Domains
from congresslite.engine.following import NOWHERE, Hop, follow
from congresslite.engine.index import Places
from congresslite.engine.limits import Limits
from congresslite.engine.lookup import StateLookup
from congresslite.engine.relation import Relation
from congresslite.engine.rules import derive
from congresslite.engine.run import Run
from congresslite.engine.sinks import CountSink
from congresslite.engine.state import State
from congresslite.engine.transition import next_state
from congresslite.language.program import CheckedRule, Match, NoMatch, Program
from congresslite.plan import RulePlan, plan_rule
from congresslite.schema import Changes, Column, Delta, Replacement, Row, Scalar, TableSchema, canonical


class Snapshot:
    """All tables at one moment. `limits` bound what is asked of it."""

    def __init__(self, state: State, base: BaseTables, limits: Limits) -> None:
        self.state, self._base, self._limits = state, base, limits
        self.program = state.prepared.program

    def count(self, table: str) -> int:
        """How many rows a table has; for `error` and `warning`, rows of each rule. Raises KeyError."""
        return sum(self._distinct(part).rows for part in self.program.answers.get(table, (table,)))

    def rows(self, table: str) -> list[Row]:
        """The rows of a table. Raises KeyError if there is none of that name."""
        return [row for part in self.program.answers.get(table, (table,)) for row in self._decoded(part)]

    def select(self, table: str, where: Mapping[int, Scalar], offset: int, limit: int) -> tuple[list[Row], int]:
        """`limit` rows from `offset` on of those with these values (by column), and how many there are of them.

        Their order is that in which the table holds them, which batches may change. Raises KeyError.
        """
        found: list[Row] = []
        total = 0
        for part in self.program.answers.get(table, (table,)):
            relation = self._distinct(part)
            places = _places(relation, where)
            wanted = places[max(0, offset - total) : max(0, offset + limit - total)]
            total += len(places)
            columns = [relation.column(at)[wanted] for at in range(len(relation.dictionaries))]
            schema = self.program.tables.get(part) or self._base.schema(part)
            found += decode_rows(columns, len(wanted), relation.dictionaries, schema)
        return found, total

    def matching(self, table: str, positions: Sequence[int], keys: Sequence[Row]) -> list[list[Row]]:
        """For each key (values of the columns at these places, which ascend) the rows of a table that have it."""
        relation = self._distinct(table)
        found: list[list[Row]] = [[] for _ in keys]
        if not relation.rows or not keys:
            return found
        columns = list(zip(*keys, strict=True))
        ids = [relation.dictionaries[at].encode_many(each, 0) for at, each in zip(positions, columns, strict=True)]
        known = np.logical_and.reduce([each >= 0 for each in ids]).nonzero()[0]
        which, places = relation.matches(positions, [each[known] for each in ids], len(known))
        wanted = [relation.column(at)[places] for at in range(len(relation.dictionaries))]
        schema = self.program.tables.get(table) or self._base.schema(table)
        rows = decode_rows(wanted, len(places), relation.dictionaries, schema)
        for at, row in zip(known[which].tolist(), rows, strict=True):
            found[at].append(row)
        return found

    def follow(self, values: Sequence[Scalar], hops: Sequence[Hop]) -> list[Scalar]:
        """What each value leads to, hop by hop; None for what leads nowhere. Raises KeyError."""
        if not hops or not values:
            return list(values)
        first = self._read(hops[0].table, (hops[0].key, hops[0].column)).dictionaries[hops[0].key]
        ids, dictionary = follow(_without_null(first.encode_many(values, 0), first), first, hops, self._read)
        return _decoded_or_none(ids, dictionary)

    def counted(self, columns: Iterable[tuple[str, int]], hops: Sequence[Hop]) -> dict[Scalar, int]:
        """How many rows of some tables lead to each value, if one starts in these columns (a table, and a place).

        Under None are those that lead nowhere. The columns must be such as hold the same kind of object.
        """
        gathered: dict[int, tuple[Dictionary, list[Ids]]] = {}
        for table, position in columns:
            relation = self._read(table, (position,))
            dictionary = relation.dictionaries[position]
            gathered.setdefault(id(dictionary), (dictionary, []))[1].append(relation.values(position))
        found: Counter[Scalar] = Counter()
        for dictionary, parts in gathered.values():
            rows = np.bincount(np.concatenate(parts))
            started = rows.nonzero()[0].astype(np.int32)
            ids, last = follow(_without_null(started, dictionary), dictionary, hops, self._read)
            totals = np.bincount(ids - NOWHERE, weights=rows[started])
            ends = totals.nonzero()[0]
            for value, total in zip(
                _decoded_or_none((ends + NOWHERE).astype(np.int32), last), totals[ends].tolist(), strict=True
            ):
                found[value] += int(total)
        return dict(found)

    def _read(self, table: str, positions: Sequence[int]) -> Relation:
        """A table with these columns, in which rows may be repeated."""
        if table not in self.program.tables:
            dictionaries = self.state.prepared.domains.dictionaries
            self._base.read({table: positions}, self.state.relations, dictionaries, None)
        return self.state.relations[table]

    def skipped(self) -> Mapping[str, int]:
        """For each rule (its place), how many bindings were skipped for a null or a wrong type."""
        return {place: count for place, count in self.state.skipped.items() if count > 0}

    def constraint_violations(self) -> tuple[Diagnostic, ...]:
        """What rows of the base tables break of what is declared of them, as far as their columns were read."""
        return tuple(broken_constraints(self.program.base, self.state.relations))

    def lookup(self) -> StateLookup:
        """Questions about a few rows."""
        return StateLookup(self.state, self._base, self._limits)

    def _distinct(self, name: str) -> Relation:
        relation = self.state.relations.get(name)
        if name in self.program.tables and relation is not None:
            return relation
        self._base.whole(name, self.state.relations, self.state.prepared.domains.dictionaries, None)
        return without_repeats(self.state.relations[name], None)

    def _decoded(self, name: str) -> list[Row]:
        relation = self._distinct(name)
        schema = self.program.tables.get(name) or self._base.schema(name)
        return decode_rows(relation.columns(), relation.rows, relation.dictionaries, schema)

    def query(self, rules: Sequence[CheckedRule], tables: Mapping[str, TableSchema]) -> list[Row]:
        """The rows that the last of these rules derives over the finished tables.

        The rules are no part of the program; each may read what those before it derive. `tables` are their schemas.
        """
        # What an answer takes is given back with it, and what it skips is not the program's.
        limits = self._limits.beginning(self.state.held)
        relations: ChainMap[str, Relation] = ChainMap({}, self.state.relations)
        plans = [plan_rule(rule) for rule in rules]
        self._prepare(plans, relations)
        run = Run(relations, relations, limits)
        for table in dict.fromkeys(rule.table for rule in rules):
            mine = [plan for plan in plans if plan.rule.table == table]
            dictionaries = [head_dictionary(mine[0], place, relations) for place in range(len(mine[0].rule.head))]
            sink = CountSink(dictionaries, limits)
            distinct = [derive(plan, run, dictionaries, sink, counted=False) for plan in mine]
            relations[table] = sink.relation(table, None, distinct=distinct == [True])
        last = rules[-1].table
        unknown = TableSchema(last, tuple(Column(f"c{place + 1}") for place in range(len(rules[-1].head))))
        found = relations[last]
        return decode_rows(found.columns(), found.rows, found.dictionaries, tables.get(last, unknown))

    def _prepare(self, plans: Sequence[RulePlan], relations: MutableMapping[str, Relation]) -> None:
        """Read what queries need beyond what the program does."""
        needs = Domains(((plan, branch) for plan in plans for branch in plan.branches), {})
        literals: list[Match | NoMatch] = []
        for plan in plans:
            for branch in plan.branches:
                literals += branch.literals
        derived = self.program.tables.keys() | {plan.rule.table for plan in plans}
        names = {each.table for each in literals} - derived
        dictionaries = self.state.prepared.domains.dictionaries
        self._base.read({name: needs.required[name] for name in names}, self.state.relations, dictionaries, None)
        for name in needs.counted & names:
            self._base.whole(name, self.state.relations, dictionaries, None)
            relations[name] = without_repeats(relations[name], None)

    def trial(
        self, changes: Mapping[str, Delta | Replacement], program: Program | None = None
    ) -> tuple[Changes, Snapshot]:
        """What would follow from a batch, and the state that there would be. Nothing changes, and nobody waits.

        Raises SourceError for rows that do not fit, EvaluationError at a limit.
        """
        after, deltas = next_state(self.state, self._base, changes, program, self._limits, owner=object())
        return told(self.state, after, deltas, self._base), Snapshot(after, self._base, self._limits)


def _without_null(ids: Ids, dictionary: Dictionary) -> Ids:
    """The ids, with nowhere in place of null."""
    return np.where(ids == dictionary.find(None), np.int32(NOWHERE), ids)


def _decoded_or_none(ids: Ids, dictionary: Dictionary) -> list[Scalar]:
    """The values of ids, None for nowhere."""
    values = np.full(len(ids), None, object)
    known = ids != NOWHERE
    values[known] = dictionary.decode(ids[known])
    return values.tolist()


def _places(relation: Relation, where: Mapping[int, Scalar]) -> Places:
    """The places of the rows that have these values."""
    if not where:
        living = relation.living()
        return np.arange(relation.size) if living is None else living
    positions = sorted(where)
    if positions[-1] >= len(relation.dictionaries):
        return np.zeros(0, np.int64)
    ids = [np.array([relation.dictionaries[at].find(canonical(where[at]))], np.int32) for at in positions]
    if any(each[0] < 0 for each in ids) or not relation.rows:
        return np.zeros(0, np.int64)
    return np.sort(relation.matches(positions, ids, 1)[1])
