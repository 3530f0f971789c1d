"""
Which rules depend on what is chosen, and what our engine is to be asked of each of them.

A rule that reads the choice table, or what rests on it, is turned into questions. For each way through its body, a
made table `…/ground/N` has every binding that some choice might give: literals about what rests on the choice are
taken of `…/possible`, the rows that might be there, and negations of such are left out. Everything else in the body
(comparisons, arithmetic, builtins, tables that no choice touches) is evaluated by our engine as it always is, so that
its meaning is the language's.

The rule to keep: a made table may have too many rows, never too few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from congresslite.language.program import CheckedRule, Const, Fold, Match, NoMatch, Program, RuleKind, Stratum, Var
from congresslite.language.reads import tables_read
from congresslite.plan.build import plan_body
from congresslite.plan.nodes import Conjunction, variables_of
from congresslite.plan.variables import bound_after
from congresslite.schema import Column, Row, TableSchema


@dataclass(frozen=True, slots=True)
class Way:
    """One way through the body of a rule: the made table of its bindings, and the literals that rest on the choice."""

    rule: CheckedRule
    table: str
    columns: tuple[str, ...]
    scans: tuple[Match, ...]
    absent: tuple[NoMatch, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """Rules, tables and strata to be added to a program."""

    rules: tuple[CheckedRule, ...] = ()
    tables: tuple[TableSchema, ...] = ()
    strata: tuple[Stratum, ...] = ()

    def __add__(self, other: Made) -> Made:
        return Made(self.rules + other.rules, self.tables + other.tables, self.strata + other.strata)


@dataclass(frozen=True, slots=True)
class Layer:
    """Tables that depend on each other (one, mostly): first what is folded for them, then what the other rules give."""

    tables: tuple[str, ...]
    recursive: bool
    folded: tuple[Way, ...]
    plain: tuple[Way, ...]
    fold: Made = field(default_factory=Made)
    derive: Made = field(default_factory=Made)


def possible(table: str) -> str:
    """The made table of the rows that a table might have; no user can write its name."""
    return f"{table}/possible"


def depending(program: Program, choice: str) -> frozenset[str]:
    """The derived tables whose rows may depend on those of a source's table."""
    reads: defaultdict[str, set[str]] = defaultdict(set)
    for rule in program.rules:
        reads[rule.table] |= tables_read(rule)
    found = {choice}
    for stratum in program.strata:  # in topological order
        if any(reads[table] & found for table in stratum.tables):
            found.update(stratum.tables)
    return frozenset(found - {choice})


def layers(program: Program, choice: str, wanted: Iterable[str]) -> list[Layer]:
    """What has to be known for the wanted tables, in the order in which it can be."""
    resting = depending(program, choice)
    by_table: defaultdict[str, list[CheckedRule]] = defaultdict(list)
    for rule in program.rules:
        by_table[rule.table].append(rule)
    needed = set(wanted) & resting
    waiting = list(needed)
    while waiting:
        read = {table for rule in by_table[waiting.pop()] for table in tables_read(rule)} & resting
        waiting += read - needed
        needed |= read
    numbers = count(1)
    return [
        _layer(stratum, [rule for table in stratum.tables for rule in by_table[table]], resting | {choice}, numbers,
               program)
        for stratum in program.strata
        if needed & set(stratum.tables)
    ]  # fmt: skip


def _layer(
    stratum: Stratum, rules: Sequence[CheckedRule], resting: Collection[str], numbers: Iterator[int], program: Program
) -> Layer:
    ways = [
        (_way(rule, each, resting, next(numbers)), each)
        for rule in rules
        for each in plan_body(rule, rule.head, rule.body)
    ]
    folded = [each for each in ways if each[0].rule.aggregates]
    plain = [each for each in ways if not each[0].rule.aggregates]
    names = tuple(possible(table) for table in stratum.tables)
    bindings = [_bindings(*each, resting) for each in plain]
    united = tuple(_united(way) for way, _ in plain)
    schemas = tuple(replace(program.tables[table], name=name, key=()) for table, name in
                    zip(stratum.tables, names, strict=True))  # fmt: skip
    made = sum(bindings, Made()) + Made(united, schemas)
    grounds = tuple(way.table for way, _ in plain)
    if stratum.recursive:
        strata = [Stratum((*grounds, *names), recursive=True)]
    else:
        strata = [Stratum((name,), recursive=False) for name in (*grounds, *names)]
    return Layer(
        stratum.tables,
        stratum.recursive,
        tuple(way for way, _ in folded),
        tuple(way for way, _ in plain),
        sum((_alone(_bindings(*each, resting)) for each in folded), Made()),
        replace(made, strata=tuple(strata)),
    )


def _alone(made: Made) -> Made:
    """With a stratum for each table."""
    return replace(made, strata=tuple(Stratum((schema.name,), recursive=False) for schema in made.tables))


def _way(rule: CheckedRule, body: Conjunction, resting: Collection[str], number: int) -> Way:
    scans = tuple(each for each in body.scans if each.table in resting)
    absent = tuple(each for each in body.absent if each.table in resting)
    return Way(rule, f"{rule.table}/ground/{number}", tuple(_columns(rule, body, scans, absent)), scans, absent)


def _columns(rule: CheckedRule, body: Conjunction, scans: Iterable[Match], absent: Iterable[NoMatch]) -> Iterable[str]:
    """The variables that must be known of a binding: of an aggregate, all, since each different binding counts."""
    if rule.aggregates:
        scanned = {term.name for scan in body.scans for term in scan.terms if isinstance(term, Var)}
        return sorted(bound_after(scanned, body.conditions))
    head = [name for term in rule.head for name in variables_of(term)]
    literals: tuple[Match | NoMatch, ...] = (*scans, *absent)
    read = [term.name for each in literals for term in each.terms if isinstance(term, Var)]
    unbound = {term.name for each in absent for term in each.terms if isinstance(term, Var) and term.anonymous}
    return dict.fromkeys(name for name in (*head, *read) if name not in unbound)


def _bindings(way: Way, body: Conjunction, resting: Collection[str]) -> Made:
    """The rule that gives the bindings of one way."""
    scans = (replace(each, table=possible(each.table)) if each.table in resting else each for each in body.scans)
    absent = (each for each in body.absent if each.table not in resting)
    rule = _plain(way.rule, way.table, tuple(map(Var, way.columns)))
    schema = TableSchema(way.table, tuple(Column(f"c{place}", declared=False) for place in range(len(way.columns))))
    return Made((replace(rule, body=(*scans, *absent, *body.conditions)),), (schema,))


def _united(way: Way) -> CheckedRule:
    """The rule by which a table might have the rows that a way gives it."""
    head = tuple(term for term in way.rule.head if not isinstance(term, Fold))
    rule = _plain(way.rule, possible(way.rule.table), head)
    return replace(rule, body=(Match(way.table, tuple(map(Var, way.columns))),))


def _plain(rule: CheckedRule, table: str, head: tuple[Var | Const, ...]) -> CheckedRule:
    return replace(rule, kind=RuleKind.DERIVE, table=table, head=head, message=None, object=None, modal=None)


def extended(program: Program, made: Made, facts: Mapping[str, tuple[Row, ...]]) -> Program:
    """The program with what was made, and with the facts of made tables."""
    return replace(
        program,
        tables={**program.tables, **{schema.name: schema for schema in made.tables}},
        rules=(*program.rules, *made.rules),
        facts={**program.facts, **facts},
        strata=(*program.strata, *made.strata),
    )
