"""
Variables of conjunctions: which are used, and which are bound once others are.

Who orders literals asks these questions, and so does whoever splits a
conjunction into several; the answers depend on the conjunction alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from congresslite.language.program import Call, Compare, Const, Expression, Var
from congresslite.plan.nodes import Condition, Conjunction, condition_variables, variables_of


def bound_after(bound: set[str], conditions: Sequence[Condition]) -> set[str]:
    """The variables that are bound once conditions have bound what follows from `bound`."""
    result = set(bound)
    changed = True
    while changed:
        changed = False
        for condition in conditions:
            new = binds(condition, result)
            if new is not None and not new <= result:
                result |= new
                changed = True
    return result


def binds(condition: Condition, bound: set[str]) -> set[str] | None:
    """The variables that a condition binds when these are bound; None if it cannot be evaluated yet."""
    match condition:
        case Call(_, inputs, outputs, negated):
            # What a negated call compares with is bound elsewhere; only `_` stands for any value.
            free = {each.name for each in outputs if isinstance(each, Var) and (each.anonymous or not negated)}
            if not names_of(inputs) | (names_of(outputs) - free) <= bound:
                return None
            return set() if negated else free - bound
        case Compare("=", left, right, negated=False):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, Var) and one.name not in bound:
                    return {one.name} if names_of((other,)) <= bound else None
    return set() if condition_variables(condition) <= bound else None


def names_of(expressions: Iterable[Expression]) -> set[str]:
    """The names of the variables of some expressions."""
    return {name for each in expressions for name in variables_of(each)}


def used_variables(conjunction: Conjunction, *, everything: bool) -> frozenset[str]:
    """The variables that something but a single place of a scan uses: only their columns need to be read.

    With `everything`, all variables: an aggregate over alternatives must tell their bindings apart.
    """
    seen: set[str] = set()
    used = {name for term in conjunction.head for name in variables_of(term)}
    used.update(name for condition in conjunction.conditions for name in condition_variables(condition))
    for none in conjunction.absent:
        used.update(each.name for each in none.terms if isinstance(each, Var) and not each.anonymous)
    for literal in conjunction.scans:
        for term in literal.terms:
            if isinstance(term, Var):
                if everything or term.name in seen:
                    used.add(term.name)
                seen.add(term.name)
    return frozenset(used)


def read_columns(conjunction: Conjunction, used: Container[str]) -> Iterator[tuple[str, int]]:
    """The columns, as table and place, that a conjunction looks at when these variables are used."""
    for literal in conjunction.literals:
        for position, term in enumerate(literal.terms):
            if isinstance(term, Const) or term.name in used:
                yield literal.table, position
