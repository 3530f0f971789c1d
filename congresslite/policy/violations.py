"""
Violations: the rows of `error` and `warning` rules, told in words.

A message is a template over the rule's variables. A variable that is not in the
head takes its value from one binding of the body that gives the row, so that
the same tables always give the same words: that of the lowest proof, and of
several the least by value. How high a proof is, is told from the rules alone,
by the branches of `or` that it takes; what only the rows could tell would cost
a search for every violation, and there the least value counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from congresslite.diagnostics import Span
from congresslite.engine.explanation.outline import outline_of
from congresslite.language.annotations import fill_message, message_variables
from congresslite.language.printing import value_text
from congresslite.language.program import CheckedRule, Either, Fold, Literal, PolicySettings, Program, RuleKind, Var
from congresslite.schema import Column, Row, Scalar, TableSchema, identity, order_key


@dataclass(frozen=True, slots=True)
class Violation:
    """One row of an `error` or `warning` rule. `rule` is the rule's identity, `span` where it stands."""

    policy: str
    rule: str
    kind: str  # "error" or "warning"
    severity: str
    mode: str
    table: str  # "nfv:error"
    columns: tuple[str, ...]
    row: Row
    object: str | None  # the value that names the object, as text
    message: str
    span: Span


class Answers(Protocol):
    """What evaluating a program gives, whichever engine did it."""

    def count(self, table: str) -> int:
        """How many rows a table has. Raises KeyError."""

    def rows(self, table: str) -> list[Row]:
        """The rows of a table. Raises KeyError."""

    def query(self, rules: Sequence[CheckedRule], tables: Mapping[str, TableSchema]) -> list[Row]:
        """The rows that the last of these rules would derive, each of which may read those before it."""

    def skipped(self) -> Mapping[str, int]:
        """For each rule (its place), how many bindings were skipped for a null or a wrong type."""


def violations(program: Program, answers: Answers) -> Iterator[Violation]:
    """Every violation, by policy and rule in the order of the files, rows in the order of their values."""
    policies = {policy.name: policy for policy in program.policies}
    for rule in program.rules:
        if rule.kind in (RuleKind.ERROR, RuleKind.WARNING) and "#" in rule.table:
            yield from _of_rule(rule, program, policies[rule.policy], answers)


def _of_rule(rule: CheckedRule, program: Program, policy: PolicySettings, answers: Answers) -> Iterator[Violation]:
    columns = tuple(column.name for column in program.tables[rule.table].columns)
    rows = sorted(answers.rows(rule.table), key=lambda row: [order_key(value) for value in row])
    message = _messages(rule, columns, program, answers) if rows else None
    for row in rows:
        yield Violation(
            policy=rule.policy,
            rule=rule.identity,
            kind=rule.kind.value,
            severity=rule.severity,
            mode=policy.mode,
            table=f"{rule.policy}:{rule.kind.value}",
            columns=columns,
            row=row,
            object=None if rule.object is None or not row else shown(row[rule.object]),
            message="" if message is None else message(row),
            span=rule.span,
        )


def shown(value: Scalar) -> str:
    """A value as people write it."""
    return value if isinstance(value, str) else value_text(value)


def _messages(rule: CheckedRule, columns: Sequence[str], program: Program, answers: Answers) -> Callable[[Row], str]:
    """The message of each row: the rule's template filled in, or else the row's columns."""
    if rule.message is None:
        return lambda row: ", ".join(f"{name} = {shown(value)}" for name, value in zip(columns, row, strict=True))
    template = rule.message
    places = {term.name: place for place, term in enumerate(rule.head) if isinstance(term, Var)}
    beyond = tuple(name for name in message_variables(template) if name not in places)
    witnesses = _witnesses(rule, beyond, program, answers) if beyond else {}
    groups = [place for place, term in enumerate(rule.head) if not isinstance(term, Fold)]

    def fill(row: Row) -> str:
        values = {name: row[place] for name, place in places.items()}
        witness = witnesses.get(_key(row[place] for place in groups), ())
        values.update(zip(beyond, witness, strict=False))
        return fill_message(template, {name: shown(value) for name, value in values.items()})

    return fill


def _witnesses(rule: CheckedRule, names: Sequence[str], program: Program, answers: Answers) -> dict[object, Row]:
    """For each row the values of variables that its head lacks, in the lowest binding with the least values."""
    head = tuple(term for term in rule.head if not isinstance(term, Fold))
    extended = replace(rule, table=f"{rule.table}?", head=(*head, *map(Var, names)))
    columns = tuple(Column(f"c{place}") for place in range(len(extended.head)))
    schemas = {extended.table: TableSchema(extended.table, columns)}
    found: dict[object, Row] = {}
    for body in _by_height(rule, program):
        least: dict[object, Row] = {}
        for row in answers.query((replace(extended, body=body),), schemas):
            key, values = _key(row[: len(head)]), row[len(head) :]
            if key not in least or [*map(order_key, values)] < [*map(order_key, least[key])]:
                least[key] = values
        found = least | found
    return found


def _by_height(rule: CheckedRule, program: Program) -> list[tuple[Literal, ...]]:
    """The rule's body in parts, such that whatever one part proves is lower than what the next ones do."""
    if rule.aggregates or not any(isinstance(literal, Either) for literal in rule.body):
        return [rule.body]  # of an aggregate, all bindings are in the proof
    outline = outline_of(program)
    ways = next(each for each in outline.deriving(rule.table) if each.rule is rule).ways
    parts: list[list[tuple[Literal, ...]]] = []
    top = -1
    for heights, way in sorted(((outline.way_heights(way), way) for way in ways), key=lambda each: each[0].low):
        if heights.low > top:
            parts.append([])
        parts[-1].append(way.literals)
        top = max(top, heights.high)
    if len(parts) == 1:
        return [rule.body]
    return [part[0] if len(part) == 1 else (Either(tuple(part)),) for part in parts]


def _key(values: Iterator[Scalar] | Row) -> object:
    return tuple(identity(value) for value in values)
