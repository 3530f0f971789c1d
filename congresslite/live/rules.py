"""
The rules whose rows are violations or conflicts, and what is told of each with its rows.
"""

from __future__ import annotations

from congresslite.language.program import CheckedRule, Program
from congresslite.language.reads import base_tables
from congresslite.policy.violations import is_kept
from congresslite.store.records import RuleRecord


class Rules:
    """The rules of a program whose rows have a history, by the tables of their own."""

    def __init__(self, program: Program) -> None:
        self.checked = {rule.table: rule for rule in program.rules if is_kept(rule)}
        rests = base_tables(program)
        modes = {policy.name: policy.mode for policy in program.policies}
        self.rests = {table: rests.get(table, frozenset()) for table in self.checked}
        self.records = {table: self._record(program, rule, modes[rule.policy]) for table, rule in self.checked.items()}

    def _record(self, program: Program, rule: CheckedRule, mode: str) -> RuleRecord:
        return RuleRecord(
            policy=rule.policy,
            rule=rule.identity,
            kind=rule.kind.value,
            severity=rule.severity,
            mode=mode,
            table=rule.table.partition("#")[0],
            columns=tuple(column.name for column in program.tables[rule.table].columns),
            tables=tuple(sorted(self.rests[rule.table])),
            file=rule.span.source.name,
            line=rule.span.line,
        )

    def known(self, unseen: frozenset[str]) -> set[str]:
        """The rules' tables that rest on nothing unseen."""
        return {table for table, rests in self.rests.items() if not rests & unseen}
