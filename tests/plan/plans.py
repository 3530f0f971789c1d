"""Plans written out for tests: a line for each conjunction, short enough to stand in a table."""

from __future__ import annotations

from collections.abc import Iterable

from congresslite.language.program import Const, Expression, Fold, Match, NoMatch, Var
from congresslite.plan import Conjunction, Plan


def lines(plan: Plan) -> list[str]:
    """Each conjunction as `table(head) :- literals`, in order of strata; tables of `s` and `p` without these names.

    Anonymous variables are `_`; negations have `!` before them; of conditions there is only how many there are.
    """
    return [f"{short(rule.rule.table)}({terms(branch.head)}) :- {body(branch)}" for rule, branch in plan.conjunctions()]


def body(branch: Conjunction) -> str:
    """The literals of a conjunction."""
    literals: tuple[Match | NoMatch, ...] = (*branch.scans, *branch.absent)
    parts = [
        ("!" if isinstance(each, NoMatch) else "") + f"{short(each.table)}({terms(each.terms)})" for each in literals
    ]
    return ", ".join([*parts, *([f"{len(branch.conditions)} conditions"] if branch.conditions else [])])


def short(table: str) -> str:
    """The name of a table without the source `s` and the policy `p`."""
    return table.removeprefix("s:").removeprefix("p:")


def terms(each: Iterable[Var | Const | Fold]) -> str:
    """Terms as they are written."""
    return ", ".join(map(_term, each))


def _term(term: Expression | Fold) -> str:
    match term:
        case Var():
            return "_" if term.anonymous and term.name != "$which" else term.name
        case Const(value):
            return repr(value)
        case Fold(function, Var(name)):
            return f"{function}({name})"
        case _:
            raise AssertionError(term)
