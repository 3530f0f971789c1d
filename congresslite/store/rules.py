"""
Rules by number: what the violations of a rule have in common is stored once.

A rule is known by its policy and its identity. When its severity, mode or
place changes, its record does, and the violations of the past show it too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import Connection, insert, select, update

from congresslite.store.records import RuleRecord, ViolationFilter
from congresslite.store.tables import RULES

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that are stored; a value that is replaced when one comes or changes."""

    numbers: Mapping[Key, int]
    records: Mapping[int, RuleRecord]

    @staticmethod
    def load(connection: Connection) -> Rules:
        """Read the rules."""
        records = {}
        for row in connection.execute(select(RULES)).mappings():
            records[row["number"]] = RuleRecord(
                policy=row["policy"],
                rule=row["rule"],
                kind=row["kind"],
                severity=row["severity"],
                mode=row["mode"],
                table=row["table"],
                columns=tuple(json.loads(row["columns"])),
                tables=tuple(json.loads(row["tables"])),
                file=row["file"],
                line=row["line"],
            )
        return Rules({_key(record): number for number, record in records.items()}, records)

    def saved(self, connection: Connection, rules: Iterable[RuleRecord]) -> Rules:
        """The rules with these, which are written as far as they are not known as they are."""
        numbers, records = dict(self.numbers), dict(self.records)
        for rule in rules:
            number = numbers.get(_key(rule))
            if number is None:
                number = numbers[_key(rule)] = max(records, default=0) + 1
                connection.execute(insert(RULES).values(number=number, digest=_digest(rule), **_values(rule)))
            elif records[number] != rule:
                connection.execute(update(RULES).where(RULES.c.number == number).values(**_values(rule)))
            records[number] = rule
        return Rules(numbers, records)

    def wanted(self, wanted: ViolationFilter) -> list[int]:
        """The numbers of the rules that a filter lets through."""
        return [number for number, rule in self.records.items() if _matches(rule, wanted)]


def _matches(rule: RuleRecord, wanted: ViolationFilter) -> bool:
    return (
        (not wanted.policies or rule.policy in wanted.policies)
        and (not wanted.rules or rule.rule in wanted.rules)
        and (not wanted.severities or rule.severity in wanted.severities)
        and (not wanted.kinds or rule.kind in wanted.kinds)
        and (not wanted.tables or rule.table in wanted.tables)
        and (not wanted.sources or any(table.partition(":")[0] in wanted.sources for table in rule.tables))
    )


def _key(rule: RuleRecord) -> Key:
    return rule.policy, rule.rule


def _digest(rule: RuleRecord) -> bytes:
    return blake2b(json.dumps(_key(rule)).encode("ascii"), digest_size=16).digest()


def _values(rule: RuleRecord) -> dict[str, object]:
    return {
        "policy": rule.policy,
        "rule": rule.rule,
        "kind": rule.kind,
        "severity": rule.severity,
        "mode": rule.mode,
        "table": rule.table,
        "columns": json.dumps(rule.columns),
        "tables": json.dumps(rule.tables),
        "file": rule.file,
        "line": rule.line,
    }
