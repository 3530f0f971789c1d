"""
Names that last: the tables of single rules, from one program to the one that replaces it.

Each `error` or `warning` rule has a table of its own, numbered by its place
(`nfv:error#3`), and so have conflicts and the rules that are copied for them.
Where a program replaces another, a rule of the same identity keeps the name
that it had, whatever came or went before it in the file; so what is told of its
rows is what became of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import count

from congresslite.language.program import CheckedRule, Contradiction, Literal, Match, Program, Side

# A rule's policy, table as users know it, identity, and which of several rules of that identity it is.
_Key = tuple[str, str, str, int]


def keep_names(program: Program, earlier: Program) -> Program:
    """The program with the tables of its single rules named as in the earlier one, as far as they are of old."""
    old = {key: rule.table for key, rule in _parts(earlier)}
    free = _free(set(old.values()))
    names = {rule.table: old[key] if key in old else free(key[1]) for key, rule in _parts(program)}
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
        contradictions={names.get(name, name): replace(each, sides=_sides(each, names))
                        for name, each in program.contradictions.items()},
    )  # fmt: skip


def _sides(contradiction: Contradiction, names: Mapping[str, str]) -> tuple[Side, Side]:
    first, second = contradiction.sides
    return replace(first, table=names.get(first.table, first.table)), replace(
        second, table=names.get(second.table, second.table)
    )


def _parts(program: Program) -> Iterator[tuple[_Key, CheckedRule]]:
    """The rules that have a table of their own, each with what makes it the same rule in another program."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for rule in program.rules:
        name, number, _ = rule.table.partition("#")
        if number:
            key = rule.policy, name, rule.identity
            yield (*key, seen[key]), rule
            seen[key] += 1


def _free(taken: Collection[str]) -> Callable[[str], str]:
    """Makes names of parts that no table has or had, the same one never twice."""
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))

    def free(table: str) -> str:
        return next(name for number in numbers[table] if (name := f"{table}#{number}") not in taken)

    return free


def _renamed(rule: CheckedRule, names: Mapping[str, str]) -> CheckedRule:
    """The rule reading and deriving tables by their new names. Only rules that are made name such tables."""

    def literal(each: Literal) -> Literal:
        return (
            Match(names[each.table], each.terms, each.span) if isinstance(each, Match) and each.table in names else each
        )

    return replace(rule, table=names.get(rule.table, rule.table), body=tuple(map(literal, rule.body)))
