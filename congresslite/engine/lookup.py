"""
Questions about a few rows: what follows from given values, found through indexes.

They are evaluated by the steps that everything else is made of, starting from
one binding. Each shape of question is planned once for a program, and costs a
fraction of a millisecond from then on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.engine.base import BaseTables
from congresslite.engine.frames import Frame
from congresslite.engine.limits import Limits
from congresslite.engine.pipeline import Shape
from congresslite.engine.run import Run
from congresslite.engine.state import State
from congresslite.engine.vectors import Same, scalars
from congresslite.language.program import CheckedRule, Literal, Program, Var
from congresslite.plan import RulePlan, plan_body
from congresslite.plan.variables import read_columns, used_variables
from congresslite.schema import Row, Scalar, canonical, row_identity


@dataclass(frozen=True, slots=True)
class StateLookup:
    """Questions to one state. It satisfies what explanations ask of a state."""

    state: State
    base: BaseTables
    limits: Limits

    @property
    def program(self) -> Program:
        """The program whose tables these are."""
        return self.state.prepared.program

    def columns(self, table: str) -> tuple[int, ...]:
        """The places of the columns that a table holds: to ask for others, they must be read. Raises KeyError."""
        relation = self.state.relations.get(table)
        if relation is None and table not in self.base:
            raise KeyError(table)
        return () if relation is None else tuple(filter(relation.has, range(len(relation.dictionaries))))

    def has(self, table: str, row: Row) -> bool:
        """Whether a table has this row. Raises KeyError if there is none of that name."""
        if table not in self.program.tables:
            self.base.whole(table, self.state.relations, self.state.prepared.domains.dictionaries, None)
        relation = self.state.relations[table]
        if len(row) != len(relation.dictionaries):
            return False
        pairs = zip(relation.dictionaries, row, strict=True)
        ids = [dictionary.encode_many([value], 0) for dictionary, value in pairs]
        return all(each[0] >= 0 for each in ids) and bool(relation.find(ids, 1)[0] >= 0)

    def solve(
        self,
        rule: CheckedRule,
        body: Sequence[Literal],
        bound: Mapping[str, Scalar],
        names: Sequence[str],
        limit: int | None,
    ) -> list[Row]:
        """Distinct values of `names` over the bindings of `body` that agree with `bound`; at most `limit` of them."""
        limits = self.limits.beginning(self.state.held)
        run = Run(self.state.relations, self.state.relations, limits)
        start = Frame(1, {name: Same(canonical(value), 1) for name, value in bound.items()})
        found: dict[Hashable, Row] = {}
        for row in self._answers(self._question(rule, body, bound, names), start, names, run):
            found.setdefault(row_identity(row), row)
            if len(found) == limit:
                break
        return list(found.values())

    def _answers(self, plan: RulePlan, start: Frame, names: Sequence[str], run: Run) -> Iterator[Row]:
        shape = Shape(bound=frozenset(start.vectors), lasting=True)
        for branch in plan.branches:
            pipeline = self.state.prepared.pipelines.get(plan, branch, shape, run)
            for frame in pipeline.run(start, run):
                columns = [scalars(frame.vectors[name]) for name in names]
                yield from zip(*columns, strict=True) if columns else [()]

    def _question(
        self, rule: CheckedRule, body: Sequence[Literal], bound: Mapping[str, Scalar], names: Sequence[str]
    ) -> RulePlan:
        """The plan of a question; it is made, and the columns it needs are read, when it is first asked."""
        prepared = self.state.prepared
        key = repr((body, sorted(bound), names))
        question = prepared.questions.get(key)
        if question is None:
            head = tuple(map(Var, names))
            plan = RulePlan(replace(rule, head=head, body=tuple(body)), plan_body(rule, head, body))
            question = prepared.questions[key] = plan, self._needs(plan, frozenset(bound))
        plan, needs = question
        missing = {name: positions for name, positions in needs.items() if self._lacks(name, positions)}
        if missing:
            self.base.read(missing, self.state.relations, prepared.domains.dictionaries, None)
        return plan

    def _needs(self, plan: RulePlan, bound: frozenset[str]) -> dict[str, set[int]]:
        """The columns of base tables that a question reads."""
        needs: defaultdict[str, set[int]] = defaultdict(set)
        for branch in plan.branches:
            used = used_variables(branch, everything=False) | bound
            for table, position in read_columns(branch, used):
                if table not in self.program.tables:
                    needs[table].add(position)
        return dict(needs)

    def _lacks(self, name: str, positions: set[int]) -> bool:
        relation = self.state.relations.get(name)
        return relation is None or not all(relation.has(position) for position in positions)
