"""
Literals of a checked program as text: as the rule has them, or with values put in for variables.

The text follows the checked program, not what was written: atoms name the
columns that somebody cares about, and arithmetic within an atom stands for
itself again where its value is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from congresslite.language.printing import value_text
from congresslite.language.program import (
    Calc,
    Call,
    CheckedRule,
    Compare,
    Const,
    Either,
    Expression,
    Fold,
    Literal,
    Match,
    Member,
    NoMatch,
    Var,
)
from congresslite.schema import Scalar

Names = Callable[[str], tuple[str, tuple[str, ...]]]  # a table's name for users, and its columns

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}


def literal_text(literal: Literal, names: Names, bindings: Mapping[str, Scalar] | None = None) -> str:
    """One literal, with each variable that `bindings` has replaced by its value."""
    values = bindings or {}
    no = "not " if isinstance(literal, NoMatch) or getattr(literal, "negated", False) else ""
    match literal:
        case Match(table, terms) | NoMatch(table, terms):
            return no + _atom(*names(table), terms, values)
        case Compare(operator, left, right):
            return f"{no}{expression_text(left, values)} {operator} {expression_text(right, values)}"
        case Member(term, members):
            return f"{no}{expression_text(term, values)} in [{', '.join(map(value_text, members))}]"
        case Call(builtin, inputs, outputs):
            return f"{no}{builtin}({', '.join(expression_text(each, values) for each in (*inputs, *outputs))})"
        case Either(branches):
            inner = (", ".join(literal_text(each, names, values) for each in branch) for branch in branches)
            return " or ".join(f"({each})" for each in inner)
        case _:
            assert_never(literal)


def _atom(table: str, columns: tuple[str, ...], terms: tuple[Var | Const, ...], values: Mapping[str, Scalar]) -> str:
    shown = [
        f"{column}={expression_text(term, values)}"
        for column, term in zip(columns, terms, strict=True)
        if not _indifferent(term, values)
    ]
    return f"{table}({', '.join(shown)})"


def head_text(rule: CheckedRule, names: Names, bindings: Mapping[str, Scalar]) -> str:
    """The head of a rule, its aggregates as they are."""
    table, columns = names(rule.table)
    terms = [
        f"{term.function}({expression_text(term.argument, {})})"
        if isinstance(term, Fold)
        else expression_text(term, bindings)
        for term in rule.head
    ]
    return f"{table}({', '.join(f'{column}={term}' for column, term in zip(columns, terms, strict=True))})"


def _indifferent(term: Var | Const, values: Mapping[str, Scalar]) -> bool:
    return isinstance(term, Var) and term.anonymous and term.name not in values


def expression_text(term: Expression, values: Mapping[str, Scalar]) -> str:
    """An expression, with no more parentheses than it needs."""
    match term:
        case Const(value):
            return value_text(value)
        case Var(name):
            if name in values:
                return value_text(values[name])
            # What starts with one of our own marks has no name that a person knows.
            return "_" if term.anonymous or name.startswith("#") else name
        case Calc(operator, left, right):
            strength = _PRECEDENCE[operator]
            return f"{_operand(left, strength, values)} {operator} {_operand(right, strength + 1, values)}"
        case _:
            assert_never(term)


def _operand(term: Expression, strength: int, values: Mapping[str, Scalar]) -> str:
    text = expression_text(term, values)
    return f"({text})" if isinstance(term, Calc) and _PRECEDENCE[term.operator] < strength else text
