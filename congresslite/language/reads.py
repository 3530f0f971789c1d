"""
What rules rest on: the tables that a rule reads, and the source tables that all of it comes from in the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from congresslite.language.builtins import BUILTINS
from congresslite.language.program import Call, CheckedRule, Either, Literal, Match, NoMatch, Program


def tables_read(rule: CheckedRule) -> frozenset[str]:
    """The tables that a rule's body names."""
    return frozenset(_named(rule.body))


def _named(body: Iterable[Literal]) -> Iterable[str]:
    for literal in body:
        match literal:
            case Match() | NoMatch():
                yield literal.table
            case Either(branches):
                for branch in branches:
                    yield from _named(branch)


def effect_tables(program: Program) -> frozenset[str]:
    """The source tables that effects read and change, which no other rule may read."""
    named = set().union(*(tables_read(rule) for rule in program.effects))
    named |= {rule.table[:-1] for rule in program.effects}
    return frozenset(named - program.tables.keys() - {each for each in named if each.startswith("execute[")})


def asks_time(body: Iterable[Literal]) -> bool:
    """Whether a body asks what time it is."""
    return any(
        (isinstance(each, Call) and BUILTINS[each.builtin].clock)
        or (isinstance(each, Either) and any(map(asks_time, each.branches)))
        for each in body
    )


def base_tables(program: Program) -> Mapping[str, frozenset[str]]:
    """For each derived table of a program (parts like `nfv:error#2` too) the source tables that its rows come from."""
    reads: defaultdict[str, set[str]] = defaultdict(set)
    for rule in program.rules:
        reads[rule.table] |= tables_read(rule)
    found: dict[str, frozenset[str]] = {}
    for stratum in program.strata:  # in topological order, so that whatever a table reads is known by then
        named = set().union(*(reads[name] for name in stratum.tables))
        rests = {name for name in named if name in program.base}
        rests.update(*(found[name] for name in named if name in found))
        found.update(dict.fromkeys(stratum.tables, frozenset(rests)))
    return found
