"""
Do two answers say the same?

A state that holds all columns of the sources, and one that holds only what
rules look at, explain the same rows by the same rules, bindings and rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from congresslite.engine.explanation import Branch, Entry, Proof, WhyNot
from congresslite.language.program import CheckedRule, Const, Either, Literal, Match
from congresslite.schema import Scalar, identity
from tests.engine.lookups import names_in


def check_same(held: Proof | None, whole: Proof | None) -> None:
    """Assert that a proof says what another one says, which is told with all columns of the sources' rows.

    Of what no rule looks at, it may say less, and something else.
    """
    assert held is not None
    assert whole is not None
    seen: set[tuple[Proof, Proof]] = set()
    todo = [(held, whole)]
    while todo:
        one, other = pair = todo.pop()
        if pair in seen:
            continue
        seen.add(pair)
        assert one.rule is other.rule
        for of in ("table", "height", "origin", "total", "complete"):
            assert getattr(one, of) == getattr(other, of)
        assert set(one.columns) <= set(other.columns)
        if one.rule is not None:
            assert one.columns == other.columns
            assert [*map(identity, one.row)] == [*map(identity, other.row)]
            if not one.rule.aggregates:
                _check_same_body(one.rule, (one.body, one.bindings), (other.body, other.bindings))
            for mine, its in zip(one.group, other.group, strict=True):
                _check_same_body(one.rule, (mine.body, mine.bindings), (its.body, its.bindings))
        todo += zip(one.premises(), other.premises(), strict=True)


Told = tuple[tuple[Entry, ...], Mapping[str, Scalar]]  # a body and its bindings


def _check_same_body(rule: CheckedRule, told: Told, whole: Told) -> None:
    """Assert that two bodies take the same way, and agree in all that it looks at."""
    mine, its = list(_taken(told[0], rule.body)), list(_taken(whole[0], rule.body))
    written = list(names_in((rule.head, *(literal for _, literal in mine))))
    assert told[1].keys() <= whole[1].keys()
    for name, value in told[1].items():
        assert written.count(name) == 1 or identity(value) == identity(whole[1][name])
    for (one, literal), (other, same) in zip(mine, its, strict=True):
        assert literal is same
        if not isinstance(one, Proof):
            assert repr(one) == repr(other)  # `==` would take 1 for true
            continue
        assert isinstance(literal, Match)
        assert isinstance(other, Proof)
        values = dict(zip(one.columns, one.row, strict=True))
        for column, term, value in zip(other.columns, literal.terms, other.row, strict=True):
            if one.origin != "source" or isinstance(term, Const) or written.count(term.name) > 1:
                assert identity(values[column]) == identity(value)


def _taken(body: tuple[Entry, ...], literals: tuple[Literal, ...]) -> Iterator[tuple[Entry, Literal]]:
    """The entries with their literals, of branches what was taken."""
    for entry, literal in zip(body, literals, strict=True):
        if isinstance(entry, Branch):
            assert isinstance(literal, Either)
            yield from _taken(entry.body, literal.branches[entry.number])
        else:
            yield entry, literal


def progress_of(answer: WhyNot | None) -> list[tuple[tuple[Literal, ...], Literal | None, str]]:
    """How far each rule got; which of many bindings is the sample may differ."""
    assert answer is not None
    return [(each.literals, each.failed.literal, each.failed.reason) for each in answer.attempts]
