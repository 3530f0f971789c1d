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
from hashlib import blake2b
from json.encoder import encode_basestring_ascii as quoted
from typing import Protocol

from congresslite.diagnostics import Span
from congresslite.engine.explanation.lookup import Lookup
from congresslite.engine.explanation.outline import outline_of
from congresslite.language.annotations import fill_message, message_variables
from congresslite.language.printing import value_text
from congresslite.language.program import CheckedRule, Either, Fold, Literal, PolicySettings, Program, RuleKind, Var
from congresslite.schema import Column, Row, Scalar, TableSchema, order_key, row_identity


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
    waiver: str | None = None  # what covers it, if somebody accepted it


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
        if is_violation(rule):
            rows = sorted(answers.rows(rule.table), key=lambda row: [order_key(value) for value in row])
            yield from told(rule, rows, program, policies[rule.policy], answers)


def is_violation(rule: CheckedRule) -> bool:
    """Whether the rows of a rule's table are violations (and not those of a union that other rules read)."""
    return rule.kind in (RuleKind.ERROR, RuleKind.WARNING) and "#" in rule.table


def is_kept(rule: CheckedRule) -> bool:
    """Whether the rows of a rule's table are told one by one and have a history: violations, and conflicts too."""
    return is_violation(rule) or rule.kind is RuleKind.CONFLICT


def told(
    rule: CheckedRule,
    rows: Sequence[Row],
    program: Program,
    policy: PolicySettings,
    answers: Answers,
    *,
    lookup: Lookup | None = None,
) -> Iterator[Violation]:
    """The violations that some rows of a rule are.

    With a `lookup`, each message costs a question of its own, instead of one for the messages of all rows of the rule.
    """
    columns = tuple(column.name for column in program.tables[rule.table].columns)
    message = _messages(rule, columns, program, answers, lookup) if rows else None
    for row in rows:
        yield Violation(
            policy=rule.policy,
            rule=rule.identity,
            kind=rule.kind.value,
            severity=rule.severity,
            mode=policy.mode,
            table=rule.table.partition("#")[0],
            columns=columns,
            row=row,
            object=None if rule.object is None or not row else shown(row[rule.object]),
            message="" if message is None else message(row),
            span=rule.span,
        )


def worded(rule: CheckedRule) -> CheckedRule | None:
    """A rule, no part of the program, whose rows say in which words each row of this one is told.

    Its head has this one's terms, folds left out, before the variables that messages lack. None if a row says it all.
    """
    lacking = [] if rule.message is None else _lacking(rule, rule.message)
    return _extended(rule, lacking) if lacking else None


def violation_id(policy: str, rule: str, row: Row) -> str:
    """What a violation is known by for as long as it lasts, and again when it comes back: a hash of these three."""
    return violation_ids(policy, rule, [row])[0]


def violation_ids(policy: str, rule: str, rows: Sequence[Row]) -> list[str]:
    """The ids of a rule's violations."""
    begun = blake2b(f"[{quoted(policy)}, {quoted(rule)}, [".encode("ascii"), digest_size=16)
    ids = []
    for row in rows:
        hashed = begun.copy()
        hashed.update(f"{', '.join([_json(value) for value in row])}]]".encode("ascii"))
        ids.append(hashed.hexdigest())
    return ids


def _json(value: Scalar) -> str:
    """A value as JSON; `json.dumps` would make an encoder for each of a million rows."""
    if isinstance(value, str):
        return quoted(value)
    return "null" if value is None else repr(value) if not isinstance(value, bool) else "true" if value else "false"


def shown(value: Scalar) -> str:
    """A value as people write it."""
    return value if isinstance(value, str) else value_text(value)


def _messages(
    rule: CheckedRule, columns: Sequence[str], program: Program, answers: Answers, lookup: Lookup | None
) -> Callable[[Row], str]:
    """The message of each row: the rule's template filled in, or else the row's columns."""
    if rule.message is None:
        return lambda row: ", ".join(f"{name} = {shown(value)}" for name, value in zip(columns, row, strict=True))
    template = rule.message
    places = {term.name: place for place, term in enumerate(rule.head) if isinstance(term, Var)}
    beyond = tuple(_lacking(rule, template))
    witnesses = _witnesses(rule, beyond, program, answers) if beyond and lookup is None else {}
    groups = [place for place, term in enumerate(rule.head) if not isinstance(term, Fold)]

    def fill(row: Row) -> str:
        values = {name: row[place] for name, place in places.items()}
        if lookup is None or not beyond:
            witness = witnesses.get(row_identity(row[place] for place in groups), ())
        else:
            witness = _witness(rule, beyond, {name: row[at] for name, at in places.items()}, program, lookup)
        values.update(zip(beyond, witness, strict=False))
        return fill_message(template, {name: shown(value) for name, value in values.items()})

    return fill


def _witnesses(rule: CheckedRule, names: Sequence[str], program: Program, answers: Answers) -> dict[object, Row]:
    """For each row the values of variables that its head lacks, in the lowest binding with the least values."""
    extended = _extended(rule, names)
    width = len(extended.head) - len(names)
    columns = tuple(Column(f"c{place}") for place in range(len(extended.head)))
    schemas = {extended.table: TableSchema(extended.table, columns)}
    found: dict[object, Row] = {}
    for body in _by_height(rule, program):
        least: dict[object, Row] = {}
        for row in answers.query((replace(extended, body=body),), schemas):
            key, values = row_identity(row[:width]), row[width:]
            if key not in least or [*map(order_key, values)] < [*map(order_key, least[key])]:
                least[key] = values
        found = least | found
    return found


def _extended(rule: CheckedRule, names: Sequence[str]) -> CheckedRule:
    head = tuple(term for term in rule.head if not isinstance(term, Fold))
    return replace(rule, table=f"{rule.table}?", head=(*head, *map(Var, names)))


def _lacking(rule: CheckedRule, template: str) -> list[str]:
    """The variables of a message that the head lacks."""
    there = {term.name for term in rule.head if isinstance(term, Var)}
    return [name for name in message_variables(template) if name not in there]


def _witness(
    rule: CheckedRule, names: Sequence[str], bound: Mapping[str, Scalar], program: Program, lookup: Lookup
) -> Row:
    """The values of variables that one row lacks, as `_witnesses` finds them for all rows."""
    for body in _by_height(rule, program):
        found = lookup.solve(rule, body, bound, names, None)
        if found:
            return min(found, key=lambda row: [order_key(value) for value in row])
    return ()


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
