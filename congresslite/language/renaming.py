"""
Names that last: the tables of violation rules, from one program to the one that replaces it.

Each `error` or `warning` rule has a table of its own, numbered by its place
(`nfv:error#3`). Where a program replaces another, a rule of the same identity
keeps the name that it had, whatever came or went before it in the file; so what
is told of its rows is what became of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from congresslite.language.program import CheckedRule, Literal, Match, Program

# A rule's policy, table as users know it, identity, and which of several rules of that identity it is.
_Key = tuple[str, str, str, int]


def keep_names(program: Program, earlier: Program) -> Program:
    """The program with the tables of its violation rules named as in the earlier one, as far as they are of old."""
    old = {key: rule.table for key, rule in _parts(earlier)}
    taken = set(old.values())
    names: dict[str, str] = {}
    for key, rule in _parts(program):
        names[rule.table] = old[key] if key in old else _free(key, taken)
        taken.add(names[rule.table])
    if all(name == other for name, other in names.items()):
        return program
    return replace(
        program,
        tables={names.get(name, name): replace(each, name=names.get(name, name))
                for name, each in program.tables.items()},
        rules=tuple(_renamed(rule, names) for rule in program.rules),
        facts={names.get(name, name): rows for name, rows in program.facts.items()},
        strata=tuple(
            replace(each, tables=tuple(names.get(name, name) for name in each.tables)) for each in program.strata
        ),
        answers={name: tuple(names.get(part, part) for part in parts) for name, parts in program.answers.items()},
    )  # fmt: skip


def _parts(program: Program) -> Iterator[tuple[_Key, CheckedRule]]:
    """The rules that have a table of their own, each with what makes it the same rule in another program."""
    parts = {part: name for name, each in program.answers.items() for part in each}
    seen: Counter[tuple[str, str, str]] = Counter()
    for rule in program.rules:
        if rule.table in parts:
            key = rule.policy, parts[rule.table], rule.identity
            yield (*key, seen[key]), rule
            seen[key] += 1


def _free(key: _Key, taken: set[str]) -> str:
    """A name that no table has or had."""
    number = 1
    while f"{key[1]}#{number}" in taken:
        number += 1
    return f"{key[1]}#{number}"


def _renamed(rule: CheckedRule, names: Mapping[str, str]) -> CheckedRule:
    """The rule reading and deriving tables by their new names. Only the unions made for readers name such tables."""

    def literal(each: Literal) -> Literal:
        return (
            Match(names[each.table], each.terms, each.span) if isinstance(each, Match) and each.table in names else each
        )

    return replace(rule, table=names.get(rule.table, rule.table), body=tuple(map(literal, rule.body)))
