"""
Safety: every variable gets its values from a positive literal.

A variable is bound by an atom, by an output of a builtin, by `x = expr` once
the rest of `expr` is bound, or by every branch of a disjunction. If one
variable is missing, those that are computed from it are not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from congresslite.diagnostics import Diagnostic, Span
from congresslite.language.checks.binders import binder
from congresslite.language.program import Call, Compare, Either, Fold, Literal, Match, Member, NoMatch, Var
from congresslite.language.resolution.binding import bound, literal_variables, variables
from congresslite.language.resolution.draft import QUERY_TABLE, Draft, DraftRule
from congresslite.language.resolution.where import head_span, term_span

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Need:
    """A variable that something other than a binding literal uses; `place` is the head's, or None."""

    name: str
    code: str
    use: str
    span: Span


def check(draft: Draft) -> Iterator[Diagnostic]:
    """A finding for each variable that nothing binds, at its first use."""
    for rule in draft.rules:
        assumed: set[str] = set()
        while unsafe := list(_unsafe(draft, rule, frozenset(assumed))):
            root = _root(rule.body, unsafe)
            assumed.add(root.name)
            yield _finding(draft, rule, root)


def _root(body: Iterable[Literal], unsafe: list[_Need]) -> _Need:
    """The first variable that is not merely computed from another one that is missing."""
    computed = set(_computed(body))
    return next((need for need in unsafe if need.name not in computed), unsafe[0])


def _computed(body: Iterable[Literal]) -> Iterator[str]:
    for literal in body:
        match literal:
            case Compare("=", left, right, False):
                yield from (side.name for side in (left, right) if isinstance(side, Var))
            case Call(_, _, outputs, False):
                yield from (output.name for output in outputs if isinstance(output, Var))
            case Either(branches):
                for branch in branches:
                    yield from _computed(branch)
            case _:
                pass


def _unsafe(draft: Draft, rule: DraftRule, assumed: Names) -> Iterator[_Need]:
    safe = bound(rule.body, assumed)
    if rule.table == QUERY_TABLE:
        yield from _in_body(rule.body, assumed)
    for place, term in enumerate(rule.head or ()):
        name = term.argument.name if isinstance(term, Fold) else term.name if isinstance(term, Var) else None
        if name is not None and name not in safe:
            if rule.outline.rule.head.atom.table.effect == "-" and name.startswith("$"):
                continue
            head = "in the answer" if rule.table == QUERY_TABLE else "in the head"
            use = f"in `{term.function}`" if isinstance(term, Fold) else head
            span = head_span(rule.outline.rule, draft.scope.schema(rule.table), place)
            yield _Need(name, "CL201", use, span)
    if rule.table != QUERY_TABLE:
        yield from _in_body(rule.body, assumed)


def _in_body(body: Iterable[Literal], outer: Names) -> Iterator[_Need]:
    """Uses of variables that are not bound where they are used."""
    literals = tuple(body)
    safe = bound(literals, outer)
    for literal in literals:
        match literal:
            case Either(branches):
                for branch in branches:
                    yield from _in_body(branch, safe)
                yield from _shared_by_chance(literal, literals, safe)
            case Match():
                pass
            case _:
                for name, code, use in _uses(literal):
                    if name not in safe:
                        assert literal.span is not None
                        yield _Need(name, code, use, literal.span)


def _uses(literal: NoMatch | Compare | Member | Call) -> Iterator[tuple[str, str, str]]:
    match literal:
        case NoMatch(_, terms):
            yield from (
                (term.name, "CL202", "under `not`") for term in terms if isinstance(term, Var) and not term.anonymous
            )
        case Call(name, inputs, outputs, negated):
            yield from ((each, "CL204", f"as an input of `{name}`") for each in variables(inputs))
            for output in outputs:
                if negated and not (isinstance(output, Var) and output.anonymous):
                    yield from ((each, "CL202", "under `not`") for each in variables((output,)))
                elif not isinstance(output, Var):
                    yield from ((each, "CL203", "in an expression") for each in variables((output,)))
        case Compare(_, left, right):
            yield from ((each, "CL203", "in a comparison") for each in variables((left, right)))
        case Member(term):
            yield from ((each, "CL203", "before `in`") for each in variables((term,)))


def _shared_by_chance(literal: Either, body: tuple[Literal, ...], safe: Names) -> Iterator[_Need]:
    """Variables of some branches only that another literal uses too, within branches of its own."""
    inside = literal_variables(literal) - safe
    if not inside:
        return
    for other in body:
        if isinstance(other, Either) and other is not literal and other.span is not None:
            for name in sorted(inside & literal_variables(other)):
                yield _Need(name, "CL205", "in another disjunction", other.span)


def _finding(draft: Draft, rule: DraftRule, need: _Need) -> Diagnostic:
    syntax = rule.outline.rule
    span = term_span(syntax, Var(need.name), need.span)
    if need.name.startswith("$"):
        message = f"`_` {need.use} stands for no value"
        hint = "name the variable, and bind it with a positive atom"
        return Diagnostic(need.code, message, span, hint)
    outside = bound(rule.body, frozenset())
    if any(need.name in bound(branch, outside) for branch in _branches(rule.body)):
        message = f"`{need.name}` {need.use} is bound in some branches only"
        return Diagnostic("CL205", message, span, f"bind `{need.name}` in every branch of the disjunction")
    message = f"`{need.name}` {need.use} is bound by no positive literal"
    return Diagnostic(need.code, message, span, binder(draft, rule, need.name))


def _branches(body: Iterable[Literal]) -> Iterator[tuple[Literal, ...]]:
    for literal in body:
        if isinstance(literal, Either):
            for branch in literal.branches:
                yield branch
                yield from _branches(branch)
