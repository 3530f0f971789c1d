"""
The rules whose rows are violations or conflicts, and what is told of each with its rows.
"""

from __future__ import annotations

from collections import defaultdict

from congresslite.language.program import CheckedRule, Program
from congresslite.language.reads import base_tables, tables_read
from congresslite.policy.violations import is_kept, worded
from congresslite.store.records import RuleRecord

# A rule by its policy and its identity, as the store knows it.
Key = tuple[str, str]


class Rules:
    """The rules of a program whose rows have a history, by the tables of their own."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.checked = {rule.table: rule for rule in program.rules if is_kept(rule)}
        self.bases = base_tables(program)
        modes = {policy.name: policy.mode for policy in program.policies}
        self.rests = {table: self.bases.get(table, frozenset()) for table in self.checked}
        self.records = {table: self._record(program, rule, modes[rule.policy]) for table, rule in self.checked.items()}
        # Rules beside the program that say in which words the rows of these are told, where a row alone does not.
        self.worded = {table: extended for table, rule in self.checked.items() if (extended := worded(rule))}

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

    def key(self, table: str) -> Key:
        """By what the store knows a rule."""
        rule = self.checked[table]
        return rule.policy, rule.identity

    def known(self, unseen: frozenset[str]) -> set[str]:
        """The rules' tables that rest on nothing unseen."""
        return {table for table, rests in self.rests.items() if not rests & unseen}

    def rest(self, table: str) -> frozenset[str]:
        """The source tables that a table rests on; itself, if it is one."""
        return self.bases.get(table, frozenset({table}))

    def otherwise(self, before: Rules) -> set[str]:
        """The derived tables that rules or facts make otherwise than they did `before`, by whatever they read."""
        ours, theirs = _deriving(self.program), _deriving(before.program)
        found = {table for table in ours.keys() | theirs.keys() if ours.get(table) != theirs.get(table)}
        reads: defaultdict[str, set[str]] = defaultdict(set)
        for rule in self.program.rules:
            reads[rule.table] |= tables_read(rule)
        for stratum in self.program.strata:  # what they read comes before them
            if any(not found.isdisjoint(reads[table]) for table in stratum.tables):
                found.update(stratum.tables)
        return found


def _deriving(program: Program) -> dict[str, list[str]]:
    """Word for word the rules and the facts of each derived table: `1` and `true` differ, which `==` does not tell."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for rule in program.rules:
        found[rule.table].append(repr(rule))
    for table, rows in program.facts.items():
        found[table] += sorted(map(repr, rows))
    return found
