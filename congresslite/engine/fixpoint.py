"""
Recursion: semi-naive evaluation of tables that depend on themselves.

After the rules that do not read the stratum's own tables, each round evaluates
the others once for each of their recursive literals, which reads only the rows
that the round before made new, while the other literals read all rows. The
round's results are what the tables did not have. (Bancilhon, "Naive evaluation
of recursively defined relations", 1986.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from congresslite.engine.dictionary import Dictionary
from congresslite.engine.keys import KeySet
from congresslite.engine.limits import Limits
from congresslite.engine.pipeline import Pipeline, build_pipeline
from congresslite.engine.relation import Relation
from congresslite.engine.rules import folded, head_rows
from congresslite.engine.sinks import Part, gathered, text_bytes
from congresslite.language.program import Call, CheckedRule, Compare
from congresslite.plan.nodes import Conjunction, RulePlan, StratumPlan


@dataclass(frozen=True, slots=True)
class _Variant:
    """A conjunction that reads the delta of `table` in one of its literals."""

    rule: CheckedRule
    conjunction: Conjunction
    table: str
    pipeline: Pipeline


class _Table:
    """One of the stratum's tables: all rows, the new ones of the last round, and those of this round."""

    def __init__(self, name: str, dictionaries: Sequence[Dictionary]) -> None:
        self.dictionaries = dictionaries
        self.all = Relation.empty(name, dictionaries)
        self.delta = Relation.empty(name, dictionaries)
        self.next: list[Part] = []
        self._keys = KeySet(dictionaries)

    def add(self, part: Part) -> int:
        """Note what is new among these rows; returns how many."""
        columns, length = self._keys.add(*part)
        if length:
            self.next.append((columns, length))
        return length

    def turn(self) -> None:
        """Begin the next round: what this one made new is the delta, and part of all rows."""
        columns, length = gathered(self.next, len(self.dictionaries))
        self.delta.replace(columns, length)
        if length:
            self.all.append(columns, length)
        self.next = []


class Fixpoint:
    """The evaluation of one recursive stratum."""

    def __init__(
        self,
        stratum: StratumPlan,
        relations: MutableMapping[str, Relation],
        dictionaries: Mapping[str, Sequence[Dictionary]],
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._relations = relations
        self._rules = stratum.rules
        self._tables = {name: _Table(name, dictionaries[name]) for name in stratum.stratum.tables}
        relations.update((name, table.all) for name, table in self._tables.items())

    def run(self, facts: Mapping[str, Part]) -> None:
        """Fill the stratum's relations, starting from these rows."""
        for name, part in facts.items():
            self._tables[name].add(part)
        exits, recursive = self._split()
        for plan in self._rules:
            if plan.rule.aggregates:  # it reads lower strata only
                dictionaries = self._tables[plan.rule.table].dictionaries
                self._collect(plan.rule, [folded(plan, self._relations, dictionaries, self._limits)])
        for plan, conjunction in exits:
            pipeline = build_pipeline(plan.rule, conjunction, self._relations, self._limits)
            self._run(plan.rule, conjunction, pipeline)
        self._turn()
        variants = [variant for plan, conjunction in recursive for variant in self._variants(plan.rule, conjunction)]
        rounds = 0
        while any(table.delta.rows for table in self._tables.values()):
            values = self._values()
            last = None
            for variant in variants:
                made = self._tables[variant.table].delta.rows and self._run(
                    variant.rule, variant.conjunction, variant.pipeline
                )
                if made and _computes(variant.conjunction):
                    last = variant.rule
            rounds += self._values() > values
            if last is not None and rounds > self._limits.rounds:
                raise self._limits.endless(last)
            self._turn()

    def _split(self) -> tuple[list[tuple[RulePlan, Conjunction]], list[tuple[RulePlan, Conjunction]]]:
        """The conjunctions that read none of the stratum's tables, and those that do; aggregates apart."""
        parts: defaultdict[bool, list[tuple[RulePlan, Conjunction]]] = defaultdict(list)
        for plan in self._rules:
            for conjunction in () if plan.rule.aggregates else plan.branches:
                parts[any(scan.table in self._tables for scan in conjunction.scans)].append((plan, conjunction))
        return parts[False], parts[True]

    def _variants(self, rule: CheckedRule, conjunction: Conjunction) -> list[_Variant]:
        variants = []
        for place, scan in enumerate(conjunction.scans):
            if scan.table in self._tables:
                delta = self._tables[scan.table].delta
                pipeline = build_pipeline(
                    rule, conjunction, self._relations, self._limits, delta=place, delta_relation=delta
                )
                variants.append(_Variant(rule, conjunction, scan.table, pipeline))
        return variants

    def _run(self, rule: CheckedRule, conjunction: Conjunction, pipeline: Pipeline) -> int:
        """Note the new rows of a conjunction; returns how many."""
        return self._collect(rule, head_rows(conjunction, pipeline, self._tables[rule.table].dictionaries))

    def _collect(self, rule: CheckedRule, parts: Iterable[Part]) -> int:
        """Note what is new among the rows of a rule; returns how many."""
        table = self._tables[rule.table]
        texts = text_bytes(table.dictionaries)
        made = 0
        for part in parts:
            made += table.add(part)
        if made:
            self._limits.hold(rule, made * 4 * max(1, len(table.dictionaries)) + text_bytes(table.dictionaries) - texts)
        return made

    def _turn(self) -> None:
        for table in self._tables.values():
            table.turn()

    def _values(self) -> int:
        """How many values the stratum's dictionaries hold."""
        return sum(each.size for table in self._tables.values() for each in table.dictionaries)


def _computes(conjunction: Conjunction) -> bool:
    """Whether a conjunction can make values that no table holds."""
    return any(isinstance(each, Compare | Call) for each in conjunction.conditions)
