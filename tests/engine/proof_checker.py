"""
A second opinion on proofs: does each step follow, is its height right, and is there no lower one?

It shares no code with the explanations. Derivations are found by nested loops
over all rows of the naive evaluator, heights by going over all derivations
until nothing gets lower.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from congresslite.engine.explanation import Absent, Branch, Entry, Held, Proof
from congresslite.language.program import CheckedRule, Const, Either, Fold, Literal, Match, NoMatch, Program
from congresslite.schema import Row, identity
from tests.engine.naive import NO_ROW, Bindings, Tables, aggregate, evaluate, extend, plain, ready, solve, unify

Fact = tuple[str, tuple[Hashable, ...]]


def fact(table: str, row: Row) -> Fact:
    """A row of a table, as the language compares it."""
    return table, tuple(map(identity, row))


@dataclass(frozen=True)
class Derivation:
    """One binding of a rule's body, by one way through it, and the rows that it reads."""

    rule: CheckedRule
    bindings: frozenset[tuple[str, Hashable]]
    reads: tuple[Fact, ...]


class Checker:
    """Knows all derivations of a program over its complete tables, and the least height of each row."""

    def __init__(self, program: Program, tables: Tables, clock: str) -> None:
        self.program = program
        self.tables = tables
        self.clock = clock
        self.parts = {part: name for name, parts in program.answers.items() for part in parts}
        # What each row can be derived from: one list of members, of each of which one derivation must hold.
        self.derived: defaultdict[Fact, list[list[list[Derivation]]]] = defaultdict(list)
        for rule in program.rules:
            for row, members in self._groups(rule):
                self.derived[rule.table, row].append(members)
        self.heights = self._heights()

    # -- heights ---------------------------------------------------------------------------------

    def _groups(self, rule: CheckedRule) -> Iterator[tuple[tuple[Hashable, ...], list[list[Derivation]]]]:
        """The rows of a rule, each with the members that it needs: all of them for an aggregate, else one."""
        found = {
            Derivation(rule, frozenset(bindings.items()), tuple(reads))
            for bindings, reads in self._solve(list(rule.body), {}, [])
        }
        groups: defaultdict[tuple[Hashable, ...], defaultdict[frozenset[Any], list[Derivation]]]
        groups = defaultdict(lambda: defaultdict(list))
        for each in found:
            key = tuple(evaluate(term, dict(each.bindings)) for term in rule.head if not isinstance(term, Fold))
            groups[key][each.bindings].append(each)
        for key, members in groups.items():
            if not rule.aggregates:
                for member in members.values():
                    yield key, [member]
                continue
            rest = iter(key)
            row = tuple(
                aggregate(term.function, [dict(each)[term.argument.name] for each in members])
                if isinstance(term, Fold)
                else next(rest)
                for term in rule.head
            )
            if not any(value is NO_ROW for value in row):
                yield row, list(members.values())

    def _solve(self, body: list[Literal], bound: Bindings, reads: list[Fact]) -> Iterator[tuple[Bindings, list[Fact]]]:
        """The bindings of a body, each with the rows that its positive atoms read."""
        if not body:
            yield bound, reads
            return
        chosen = next(literal for literal in body if ready(literal, set(bound)))
        rest = [literal for literal in body if literal is not chosen]
        match chosen:
            case Match(table, terms):
                for row in self.tables[table]:
                    if (each := unify(terms, row, bound)) is not None:
                        yield from self._solve(rest, each, [*reads, (table, row)])
            case Either(branches):
                for branch in branches:
                    for each, more in self._solve(list(branch), bound, reads):
                        yield from self._solve(rest, each, more)
            case _:
                for each in extend(chosen, bound, self.tables, self.clock):
                    yield from self._solve(rest, each, reads)

    def _heights(self) -> dict[Fact, float]:
        heights: dict[Fact, float] = {(table, row): math.inf for table, rows in self.tables.items() for row in rows}
        for table in heights:
            if table[0] in self.program.base:
                heights[table] = 0
        heights |= {fact(table, row): 0 for table, rows in self.program.facts.items() for row in rows}
        lower = True
        while lower:
            lower = False
            for row, ways in self.derived.items():
                height = min(self._height(members, heights) for members in ways)
                if height < heights[row]:
                    heights[row], lower = height, True
        return heights

    def _height(self, members: list[list[Derivation]], heights: dict[Fact, float]) -> float:
        return max(min(self._step(each, heights) for each in member) for member in members)

    def _step(self, derivation: Derivation, heights: dict[Fact, float]) -> float:
        below = max((heights[each] for each in derivation.reads), default=0)
        # What unites violations is no step of its own, and a rule without a body is a fact.
        return below + (bool(derivation.rule.body) and "/" not in derivation.rule.table)

    # -- proofs ----------------------------------------------------------------------------------

    def check(self, root: Proof) -> None:
        """Assert that every step of a proof follows, and that none is higher than it must be."""
        done: set[Proof] = set()
        todo = [root]
        while todo:
            proof = todo.pop()
            if proof not in done:
                done.add(proof)
                self._check_step(proof)
                todo += proof.premises()

    def _check_step(self, proof: Proof) -> None:
        assert proof.complete
        if proof.rule is None:
            self._check_given(proof)
            return
        rule = proof.rule
        assert rule in self.program.rules
        assert proof.table == self.user_name(rule.table)
        assert proof.columns == tuple(column.name for column in self.program.tables[rule.table].columns)
        row = fact(rule.table, proof.row)
        assert row[1] in self.tables[rule.table]
        assert proof.height == self.heights[row]
        assert proof.origin == ("rule" if rule.body else "fact")
        if rule.aggregates:
            self._check_group(proof, rule, row)
        else:
            assert proof.total is None
            assert not proof.group
            bindings = self._check_body(proof.body, rule, proof.bindings)
            assert unify(rule.head, row[1], bindings) == bindings
            below = max((each.height for each in proof.premises()), default=0)
            assert proof.height == below + bool(rule.body)

    def _check_given(self, proof: Proof) -> None:
        assert proof.height == 0
        assert not proof.body
        row = fact(proof.table, proof.row)
        if proof.origin == "source":
            assert proof.table in self.program.base
            assert row[1] in self.tables[proof.table]
        else:
            facts = {fact(table, each) for table, rows in self.program.facts.items() for each in rows}
            assert row in facts

    def _check_group(self, proof: Proof, rule: CheckedRule, row: Fact) -> None:
        """The members are the group's, all if so many may be shown; and it folds to the row."""
        assert not proof.body
        group = next(members for members in self.derived[row] if members[0][0].rule is rule)
        assert proof.total == len(group)
        seen = set()
        for member in proof.group:
            bindings = self._check_body(member.body, rule, member.bindings)
            seen.add(frozenset(bindings.items()))
        expected = {member[0].bindings for member in group}
        assert len(seen) == len(proof.group)
        assert seen <= expected
        if len(proof.group) == proof.total:
            assert seen == expected
            assert proof.height == 1 + max((each.height for each in proof.premises()), default=0)

    def _check_body(self, body: tuple[Entry, ...], rule: CheckedRule, told: Any) -> Bindings:
        """The entries are the literals, in their order, and hold under one binding; give all of it."""
        bindings = {name: identity(value) for name, value in told.items()}
        rest: list[Literal] = []
        bindings = self._check_entries(body, rule.body, bindings, rest)
        found = list(solve(rest, bindings, self.tables, self.clock))
        assert len(found) == 1 or any(isinstance(each, Held) for each in body)
        assert found, "a literal does not hold"
        return found[0]

    def _check_entries(
        self, body: tuple[Entry, ...], literals: tuple[Literal, ...], bindings: Bindings, rest: list[Literal]
    ) -> Bindings:
        for entry, literal in zip(body, literals, strict=True):
            match literal:
                case Match(table, terms):
                    assert isinstance(entry, Proof)
                    assert entry.table == self.user_name(table)
                    row = fact(table, entry.row)
                    assert row[1] in self.tables[table]
                    found = unify(terms, row[1], bindings)
                    assert found is not None
                    bindings = found
                case Either(branches):
                    assert isinstance(entry, Branch)
                    assert entry.of == len(branches)
                    bindings = self._check_entries(entry.body, branches[entry.number], bindings, rest)
                case NoMatch(table, terms):
                    assert isinstance(entry, Absent)
                    assert entry.table == self.user_name(table)
                    self._check_pattern(entry, literal, bindings)
                    rest.append(literal)
                case _:
                    assert isinstance(entry, Held)
                    rest.append(literal)
        return bindings

    def _check_pattern(self, entry: Absent, literal: NoMatch, bindings: Bindings) -> None:
        schema = self.program.tables.get(literal.table) or self.program.base[literal.table]
        for column, term in zip(schema.columns, literal.terms, strict=True):
            if isinstance(term, Const):
                assert identity(entry.pattern[column.name]) == identity(term.value)
            elif term.anonymous:
                assert column.name not in entry.pattern
            elif term.name in bindings:
                assert identity(entry.pattern[column.name]) == bindings[term.name]

    def user_name(self, table: str) -> str:
        """A table's name as people know it."""
        return self.parts.get(table) or table.partition("/")[0]

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Every row of every derived table, and that of violations under their common name too."""
        for name in self.program.tables:
            for row in self.tables[name]:
                yield name, tuple(map(plain, row))
                if name in self.parts:
                    yield self.parts[name], tuple(map(plain, row))
