"""
Coverage: which rules fire, told by giving each rule a table of its own.

A rule that shares its table with others or with facts derives `table~2`
instead, and an unseen rule carries those rows on; so any engine tells which
rule fired, without keeping accounts while it evaluates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from congresslite.diagnostics import Span
from congresslite.language.program import CheckedRule, Match, Program, RuleKind, Stratum, Var
from congresslite.schema import TableSchema


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """Whether any test made a rule fire. `rule` is the rule's identity."""

    policy: str
    rule: str
    span: Span = field(compare=False, repr=False)
    fired: bool


@dataclass(frozen=True, slots=True)
class Traced:
    """A program with the same answers, in which `rules` tells the table that each rule alone fills."""

    program: Program
    rules: tuple[tuple[CheckedRule, str], ...]


def trace(program: Program) -> Traced:
    """Give every written rule of a program a table of its own; effects are never live and are left out."""
    shared = Counter(rule.table for rule in program.rules)
    shared.update(name for name, rows in program.facts.items() if rows)
    tables = dict(program.tables)
    rules: list[CheckedRule] = []
    traced: list[tuple[CheckedRule, str]] = []
    own: dict[str, list[str]] = {}
    for number, rule in enumerate(program.rules):
        if shared[rule.table] == 1 or is_union(rule):
            rules.append(rule)
            if not is_union(rule):
                traced.append((rule, rule.table))
            continue
        schema = program.tables[rule.table]
        name = f"{rule.table}~{number}"
        tables[name] = TableSchema(name, schema.columns)
        own.setdefault(rule.table, []).append(name)
        rules += [replace(rule, table=name), _carry(rule, name, schema)]
        traced.append((rule, name))
    strata = tuple(part for stratum in program.strata for part in _widen(stratum, own))
    return Traced(replace(program, tables=tables, rules=tuple(rules), strata=strata), tuple(traced))


def is_union(rule: CheckedRule) -> bool:
    """Whether a rule was made to unite violations (`nfv:error/2`), not written by a user."""
    return "/" in rule.table.partition(":")[2] and rule.kind is RuleKind.DERIVE


def _carry(rule: CheckedRule, name: str, schema: TableSchema) -> CheckedRule:
    """The rule that brings the rows of a rule's own table to the shared one."""
    head = tuple(Var(f"${place}") for place in range(schema.arity))
    return replace(rule, head=head, body=(Match(name, head),), types={}, message=None, object=None)


def _widen(stratum: Stratum, own: dict[str, list[str]]) -> Iterator[Stratum]:
    names = [name for table in stratum.tables for name in own.get(table, ())]
    if stratum.recursive:
        yield Stratum((*stratum.tables, *names), recursive=True)
    else:
        yield from (Stratum((name,), recursive=False) for name in names)
        yield stratum
