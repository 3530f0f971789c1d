"""
Binding: which variables a body gives values to.

The one definition of what `x = expr` and a builtin bind, in whatever order
the literals stand: going over them until nothing more is bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from congresslite.language.program import Calc, Call, Compare, Either, Expression, Literal, Match, Member, NoMatch, Var

Names = frozenset[str]


def variables(terms: Iterable[Expression]) -> Iterator[str]:
    """The names of the variables in some terms, in order, anonymous ones included."""
    todo = list(terms)
    todo.reverse()
    while todo:
        term = todo.pop()
        if isinstance(term, Var):
            yield term.name
        elif isinstance(term, Calc):
            todo += (term.right, term.left)


def literal_variables(literal: Literal) -> Names:
    """The names of all variables in a literal, those within branches included."""
    match literal:
        case Match(_, terms) | NoMatch(_, terms):
            return frozenset(variables(terms))
        case Compare(_, left, right):
            return frozenset(variables((left, right)))
        case Member(term):
            return frozenset(variables((term,)))
        case Call(_, inputs, outputs):
            return frozenset(variables((*inputs, *outputs)))
        case Either(branches):
            return frozenset().union(*(literal_variables(each) for branch in branches for each in branch))


def bound(body: Iterable[Literal], outer: Names) -> Names:
    """The variables that have a value wherever the body holds, given those that are bound outside of it."""
    return _bound(tuple(body), outer, {})


# A disjunction is asked again whenever more is bound around it; nested ones would be asked exponentially
# often, if the answer were not kept for each set of its variables that is bound outside.
_Answers = dict[tuple[int, Names], Names]


def _bound(body: tuple[Literal, ...], outer: Names, answers: _Answers) -> Names:
    known = set(outer)
    waiting: list[Literal] = []
    for literal in body:
        if isinstance(literal, Match):
            known.update(term.name for term in literal.terms if isinstance(term, Var))
        else:
            waiting.append(literal)
    before = -1
    while waiting and len(known) != before:
        before = len(known)
        for literal in waiting:
            known.update(_binds(literal, known, answers))
    return frozenset(known)


def _binds(literal: Literal, known: set[str], answers: _Answers) -> Iterable[str]:
    match literal:
        case Compare("=", left, right, False):
            return (*_equal(left, right, known), *_equal(right, left, known))
        case Call(_, inputs, outputs, False) if known.issuperset(variables(inputs)):
            return [output.name for output in outputs if isinstance(output, Var)]
        case Either(branches):
            key = (id(literal), literal_variables(literal) & known)
            if key not in answers:
                answers[key] = frozenset.intersection(*(_bound(branch, key[1], answers) for branch in branches))
            return answers[key]
        case _:
            return ()


def _equal(one: Expression, other: Expression, known: set[str]) -> tuple[str, ...]:
    return (one.name,) if isinstance(one, Var) and known.issuperset(variables((other,))) else ()
