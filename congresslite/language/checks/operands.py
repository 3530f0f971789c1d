"""Operands: what arithmetic, ordering and aggregates can be applied to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from congresslite.diagnostics import Diagnostic, Span
from congresslite.language.program import Calc, Const, Expression, Fold, Var
from congresslite.language.resolution.draft import Known
from congresslite.language.resolution.infer import term_type
from congresslite.language.resolution.kinds import as_type, is_sure, of_value
from congresslite.language.resolution.where import term_span
from congresslite.language.syntax import Rule
from congresslite.schema import Type

_NO_ORDER = "only two numbers or two strings have an order"


def said(known: Known) -> str:
    """A type as a message names it."""
    return str(as_type(known))


class Operands:
    """The findings about operands of one rule."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def wrong(self, terms: Iterable[Expression], env: Mapping[str, Known], within: Span) -> Iterator[Diagnostic]:
        """Operands of arithmetic that are no numbers; `+` also joins strings."""
        for term in terms:
            if not isinstance(term, Calc):
                continue
            yield from self.wrong((term.left, term.right), env, within)
            left, right = _kind(term.left, env), _kind(term.right, env)
            joins = term.operator == "+" and {left, right} <= {Type.STR, Type.ANY}
            for side, kind in ((term.left, left), (term.right, right)):
                if kind in (Type.STR, Type.BOOL) and not joins and not isinstance(side, Calc):
                    message = f"`{term.operator}` calculates with numbers, but {self._named(side)} is {kind}"
                    hint = "`+` joins strings, but not strings and numbers" if term.operator == "+" else None
                    yield Diagnostic("CL113", message, term_span(self.rule, side, within), hint)
                    break

    def unordered(self, terms: Iterable[Expression], env: Mapping[str, Known], within: Span) -> Iterator[Diagnostic]:
        """Sides of an ordering that have none: booleans, and null."""
        for term in terms:
            kind = _kind(term, env)
            null = isinstance(term, Const) and term.value is None
            if kind is Type.BOOL or null:
                message = f"{self._named(term)} is {'null' if null else kind}, which has no order"
                yield Diagnostic("CL112", message, term_span(self.rule, term, within), _NO_ORDER)
                return

    def fold(self, term: Fold, env: Mapping[str, Known], span: Span) -> Iterator[Diagnostic]:
        """Sums of what is no number, and the least of what has no order."""
        known = env.get(term.argument.name)
        if not is_sure(known):
            return
        kind = as_type(known)
        if term.function in ("sum", "avg") and not kind.is_number:
            message = f"`{term.function}` takes numbers, but {self._named(term.argument)} is {kind}"
            yield Diagnostic("CL113", message, span, "`count` counts values of any type")
        elif term.function in ("min", "max") and kind is Type.BOOL:
            message = f"`{term.function}` needs an order, but {self._named(term.argument)} is bool"
            yield Diagnostic("CL112", message, span, _NO_ORDER)

    def _named(self, term: Expression) -> str:
        if isinstance(term, Var) and not term.name.startswith("#"):
            return f"`{term.name}`"
        return "this value"


def _kind(term: Expression, env: Mapping[str, Known]) -> Type:
    """The type of a term if it is certain: sure for a variable, plain for a constant; else any."""
    if isinstance(term, Const):
        return as_type(of_value(term.value))
    known = term_type(term, env)
    return as_type(known) if is_sure(known) else Type.ANY
