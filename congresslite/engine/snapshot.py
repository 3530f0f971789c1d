"""
Snapshots: what can be asked of one state, and what would follow from a change of it.

What asking adds to a state is never seen: an index, a column that had not been
read yet, ids of a query's constants.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence

from congresslite.diagnostics import Diagnostic
from congresslite.engine.base import BaseTables, without_repeats
from congresslite.engine.constraints import broken_constraints
from congresslite.engine.decode import decode_rows, told
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.domains import Domains
from congresslite.engine.limits import Limits
from congresslite.engine.lookup import StateLookup
from congresslite.engine.relation import Relation
from congresslite.engine.rules import derive
from congresslite.engine.run import Run
from congresslite.engine.sinks import CountSink
from congresslite.engine.state import State
from congresslite.engine.transition import next_state
from congresslite.language.program import CheckedRule, Match, NoMatch, Program, Var
from congresslite.plan import RulePlan, plan_rule
from congresslite.schema import Changes, Column, Delta, Row, TableSchema


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
            dictionaries = [_head_dictionary(mine[0], place, relations) for place in range(len(mine[0].rule.head))]
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

    def what_if(self, changes: Mapping[str, Delta], program: Program | None = None) -> Changes:
        """What would follow from a batch. Nothing changes, and nobody waits.

        Raises SourceError for rows that do not fit, EvaluationError at a limit.
        """
        after, deltas = next_state(self.state, self._base, changes, program, self._limits, owner=object())
        return told(self.state, after, deltas)


def _head_dictionary(plan: RulePlan, place: int, relations: Mapping[str, Relation]) -> Dictionary:
    """A dictionary for a column of an answer: that of a column from which its values come, or else a new one."""
    for branch in plan.branches:
        term = branch.head[place]
        for literal in branch.scans:
            if isinstance(term, Var) and term in literal.terms:
                return relations[literal.table].dictionaries[literal.terms.index(term)]
    return Dictionary()
