"""
Renaming: literals in one form, and with other variables, so that what two rules say can stand side by side.

Congress's `gt(x, y)` is `x > y`, and `plus(x, y, z)` is `z = x + y`: one form for one meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from congresslite.language.program import (
    Calc,
    Call,
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
from congresslite.language.syntax import ArithmeticOperator, ComparisonOperator

Term = Var | Const
Rename = Callable[[Var], Term]

_COMPARISONS: Mapping[str, ComparisonOperator] = {"lt": "<", "lteq": "<=", "equal": "=", "gt": ">", "gteq": ">="}
_ARITHMETIC: Mapping[str, ArithmeticOperator] = {"plus": "+", "minus": "-", "mul": "*"}


@dataclass(frozen=True, slots=True)
class Definition:
    """One way to come by a row of a table: a rule, or a fact, which has no body."""

    head: tuple[Term, ...]
    body: tuple[Literal, ...]


class Names:
    """Makes variables that nothing else has: no user can write a `?`."""

    def __init__(self) -> None:
        self._used = 0

    def fresh(self, *, anonymous: bool = False) -> Var:
        """A new variable."""
        self._used += 1
        return Var(f"{'$' if anonymous else ''}?{self._used}")

    def named(self, terms: Iterable[Term]) -> tuple[Term, ...]:
        """The terms of an atom with names for the anonymous ones, since more is going to be said of them."""
        return tuple(self.fresh() if isinstance(term, Var) and term.anonymous else term for term in terms)

    def instance(self, definition: Definition, terms: Sequence[Term]) -> tuple[Literal, ...]:
        """What a definition says of the row of these terms, none of which is anonymous."""
        renamed: dict[str, Term] = {}
        said: list[Literal] = []
        for head, term in zip(definition.head, terms, strict=True):
            if isinstance(head, Var) and head.name not in renamed:
                renamed[head.name] = term
            else:
                said.append(Compare("=", term, renamed[head.name] if isinstance(head, Var) else head))

        def rename(variable: Var) -> Term:
            if variable.name not in renamed:
                renamed[variable.name] = self.fresh(anonymous=variable.anonymous)
            return renamed[variable.name]

        return (*said, *(substituted(literal, rename) for literal in definition.body))


def substituted(literal: Literal, rename: Rename) -> Literal:
    """A literal with these terms for its variables."""

    def term(each: Term) -> Term:
        return rename(each) if isinstance(each, Var) else each

    def expression(each: Expression) -> Expression:
        if isinstance(each, Calc):
            return Calc(each.operator, expression(each.left), expression(each.right))
        return term(each)

    match literal:
        case Match(table, terms):
            return Match(table, tuple(map(term, terms)))
        case NoMatch(table, terms):
            return NoMatch(table, tuple(map(term, terms)))
        case Compare(operator, left, right, negated):
            return Compare(operator, expression(left), expression(right), negated)
        case Member(each, values, negated):
            return Member(expression(each), values, negated)
        case Call(name, inputs, outputs, negated):
            return Call(name, tuple(map(expression, inputs)), tuple(map(expression, outputs)), negated)
        case Either(branches):
            return Either(tuple(tuple(substituted(each, rename) for each in branch) for branch in branches))


def plain(body: Iterable[Literal]) -> tuple[Literal, ...]:
    """A body in which every comparison and calculation is one, not a builtin."""
    return tuple(map(_plain, body))


def _plain(literal: Literal) -> Literal:
    match literal:
        case Either(branches):
            return Either(tuple(map(plain, branches)))
        case Call(name, (left, right), (), negated) if name in _COMPARISONS:
            return Compare(_COMPARISONS[name], left, right, negated)
        case Call(name, (left, right), (result,), negated) if name in _ARITHMETIC:
            if negated and isinstance(result, Var) and result.anonymous:
                return literal
            return Compare("=", result, Calc(_ARITHMETIC[name], left, right), negated)
        case _:
            return literal


def shape(head: Iterable[Term | Fold], body: Iterable[Literal]) -> str:
    """A text that is equal for two rules that differ in the names of variables and the order of literals alone.

    Not for all of these: where two literals look alike but for their variables, their order still counts.
    """
    alike = sorted(body, key=lambda literal: repr(substituted(literal, lambda each: Var("$" * each.anonymous))))
    names: dict[str, Var] = {}

    def rename(variable: Var) -> Var:
        prefix = "$" * variable.anonymous
        return names.setdefault(variable.name, Var(f"{prefix}{len(names)}"))

    def renamed(term: Term | Fold) -> Term | Fold:
        if isinstance(term, Fold):
            return Fold(term.function, names.setdefault(term.argument.name, Var(str(len(names)))))
        return rename(term) if isinstance(term, Var) else term

    return repr(([renamed(term) for term in head], [substituted(literal, rename) for literal in alike]))
