"""
Signatures: what a rule must find in another one for it to have each of its rows, told at a glance.

A proof looks for each atom of the conclusion among the rows that the premise asks for. So the tables of these atoms,
and the constants in them, must occur in what the premise names: itself, by references, or in the rules of the tables
that it reads. Among a thousand rules only few do. A proof that would need a constant that was computed is missed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from congresslite.language.program import (
    Calc,
    Call,
    CheckedRule,
    Compare,
    Const,
    Either,
    Expression,
    Literal,
    Match,
    Member,
    NoMatch,
    Var,
)
from congresslite.policy.implication.theory import Theory
from congresslite.schema import Scalar, identity

Signature = frozenset[Hashable]


class Signatures:
    """The signatures of the rules of one program, each made once."""

    def __init__(self, theory: Theory) -> None:
        self._theory = theory
        self._needed: dict[int, Signature] = {}
        self._offered: dict[int, Signature] = {}
        self._of_tables: dict[str, Signature] = {}

    def may_have(self, conclusion: CheckedRule, premise: CheckedRule) -> bool:
        """Whether it is worth trying to prove that the one has each row of the other; the rules outlive this."""
        return self._needs(conclusion) <= self._offers(premise)

    def _needs(self, rule: CheckedRule) -> Signature:
        if id(rule) not in self._needed:
            atoms = (literal for literal in rule.body if isinstance(literal, Match))
            self._needed[id(rule)] = frozenset(each for atom in atoms for each in self._of_atom(atom))
        return self._needed[id(rule)]

    def _of_atom(self, atom: Match) -> Iterator[Hashable]:
        if self._theory.definitions(atom.table):
            return  # it may be proven by what defines it
        yield _table(atom.table)
        for term, known in zip(atom.terms, self._theory.columns(atom.table, len(atom.terms)), strict=True):
            # Of a column with listed values one may be left when the others are ruled out; so it is with booleans.
            if isinstance(term, Const) and known.listed is None and not _unordered(term.value):
                yield _constant(term.value)

    def _offers(self, rule: CheckedRule) -> Signature:
        if id(rule) not in self._offered:
            head = (_constant(term.value) for term in rule.head if isinstance(term, Const))
            self._offered[id(rule)] = frozenset((*head, *self._of_body(rule.body)))
        return self._offered[id(rule)]

    def _of_body(self, body: Iterable[Literal]) -> Iterator[Hashable]:
        for literal in body:
            if isinstance(literal, Match):
                yield from self._of_table(literal.table)
            yield from map(_constant, _constants(literal))
            if isinstance(literal, Either):
                for branch in literal.branches:
                    yield from self._of_body(branch)

    def _of_table(self, table: str) -> Signature:
        """What a row of a table brings with it."""
        if table not in self._of_tables:
            found: set[Hashable] = {_table(table)}
            self._of_tables[table] = frozenset(found)  # in case that references lead back to it
            for reference in self._theory.refers(table):
                found |= self._of_table(reference.table)
            for definition in self._theory.definitions(table):
                found.update(_constant(term.value) for term in definition.head if isinstance(term, Const))
                found.update(self._of_body(definition.body))
            self._of_tables[table] = frozenset(found)
        return self._of_tables[table]


def _table(name: str) -> Hashable:
    return ("table", name)


def _constant(value: Scalar) -> Hashable:
    return ("constant", identity(value))


def _unordered(value: Scalar) -> bool:
    return value is None or isinstance(value, bool)


def _constants(literal: Literal) -> Iterator[Scalar]:
    """The constants in a literal, but for those within branches."""
    match literal:
        case Match(_, terms) | NoMatch(_, terms):
            todo: list[Expression] = list(terms)
        case Compare(_, left, right):
            todo = [left, right]
        case Member(term, values):
            yield from values
            todo = [term]
        case Call(_, inputs, outputs):
            todo = [*inputs, *outputs]
        case Either():
            return
    while todo:
        match todo.pop():
            case Const(value):
                yield value
            case Calc(_, left, right):
                todo += (left, right)
            case Var():
                pass
