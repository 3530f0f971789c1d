"""
Differing: what a rule that is no part of the program derives otherwise since a batch.

It is found from what came and went, by the steps that keep the program's own
tables current: so it costs what changed, however much the rule derives in all.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping

from congresslite.engine.base import BaseTables
from congresslite.engine.counting import TableDelta, consolidated, united
from congresslite.engine.decode import decode_rows
from congresslite.engine.deltas import Deltas
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.domains import Domains
from congresslite.engine.limits import Limits
from congresslite.engine.relation import Relation
from congresslite.engine.rules import changed_literals, derive_change
from congresslite.engine.run import Relations, Run
from congresslite.engine.state import State
from congresslite.language.program import CheckedRule, Var
from congresslite.plan import RulePlan, plan_rule
from congresslite.schema import Column, Row, TableSchema

Needs = Mapping[str, set[int]]


class Differing:
    """Questions about one batch that changed rows, not the program. It keeps both states, so it is not to be kept."""

    def __init__(
        self, before: State, after: State, deltas: Mapping[str, TableDelta], base: BaseTables, limits: Limits
    ) -> None:
        self._after, self._base, self._limits = after, base, limits
        # What nobody had read was read for the state after the batch alone; it has not changed in between.
        self._before: Relations = ChainMap(before.relations, after.relations)
        self._deltas = Deltas(after.relations, self._before)
        for table, delta in deltas.items():
            self._deltas.add(table, delta)

    def rows(self, rule: CheckedRule) -> list[Row]:
        """The rows that the rule, which has no aggregates, derives in more or in fewer ways than before, each once.

        Raises EvaluationError at a limit.
        """
        plan, needs = self._planned(rule)
        if not any(True for _ in changed_literals(plan, self._deltas.tables)):
            return []
        relations = self._after.relations
        self._read(needs, relations)
        run = Run(relations, self._before, self._limits.beginning(self._after.held))
        dictionaries = [head_dictionary(plan, place, relations) for place in range(len(rule.head))]
        bags = derive_change(plan, self._deltas, self._after.prepared.pipelines, run, dictionaries)
        bag = consolidated(united([bag for bag in bags if bag.length], len(rule.head)), dictionaries)
        schema = TableSchema(rule.table, tuple(Column(f"c{place + 1}") for place in range(len(rule.head))))
        return decode_rows(bag.columns, bag.length, dictionaries, schema)

    def _planned(self, rule: CheckedRule) -> tuple[RulePlan, Needs]:
        """The plan of a rule, and the columns of base tables that it needs; they last as long as the program.

        So do the pipelines that are built for it: whoever asks again and again asks with the same object.
        """
        asked = self._after.prepared.asked
        known = asked.get(id(rule))
        if known is None:
            plan = plan_rule(rule)
            derived = self._after.prepared.program.tables
            needs = Domains(((plan, branch) for branch in plan.branches), {}).required
            known = asked[id(rule)] = rule, plan, {name: each for name, each in needs.items() if name not in derived}
        return known[1:]

    def _read(self, needs: Needs, relations: dict[str, Relation]) -> None:
        """Read the columns of base tables that a rule needs beyond what the program does."""
        wanted = {name: each for name, each in needs.items() if not _has(relations.get(name), each)}
        if wanted:
            self._base.read(wanted, relations, self._after.prepared.domains.dictionaries, None)


def head_dictionary(plan: RulePlan, place: int, relations: Relations) -> Dictionary:
    """A dictionary for a column of an answer: that of a column from which its values come, or else a new one."""
    for branch in plan.branches:
        term = branch.head[place]
        for literal in branch.scans:
            if isinstance(term, Var) and term in literal.terms:
                return relations[literal.table].dictionaries[literal.terms.index(term)]
    return Dictionary()


def _has(relation: Relation | None, positions: Iterable[int]) -> bool:
    return relation is not None and all(map(relation.has, positions))
