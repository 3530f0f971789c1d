"""
How far a body gets: the longest beginning of it that holds, and what the first literal that fails lacks.

The literals are taken in written order, except that one which needs a value
waits until the others have given it. Which beginnings hold is monotone, so the
longest is found by halving: three questions for a body of six literals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from congresslite.engine.explanation.nearest import matching, near, nearest
from congresslite.engine.explanation.outline import Deriving, Outline, in_order
from congresslite.engine.explanation.proofs import Absent, Attempt, Failure, Found, Held, Near
from congresslite.engine.explanation.sight import Sight, known
from congresslite.engine.explanation.telling import absent, held, named, shown
from congresslite.engine.explanation.texts import expression_text, literal_text
from congresslite.language.builtins import BUILTINS
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
from congresslite.language.resolution.binding import bound as bound_by
from congresslite.language.resolution.binding import variables
from congresslite.language.semantics import Skip, calculate, compare
from congresslite.schema import Scalar, identity, order_key

# Bindings among which the sample, the one with the least values, is chosen.
SAMPLES = 50

Bindings = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Progress:
    """Follows one rule towards a row."""

    sight: Sight
    deriving: Deriving

    @property
    def rule(self) -> CheckedRule:
        """The rule that is followed."""
        return self.deriving.rule

    @property
    def outline(self) -> Outline:
        """The outline of the rule's program."""
        return self.sight.outline

    def attempt(self, body: Sequence[Literal], bound: Bindings) -> Attempt | None:
        """How far a body gets from some values; None if all of it holds."""
        ordered = evaluation_order(body, frozenset(bound))
        if self._sample(ordered, bound) is not None:
            return None
        holding, failing = 0, len(ordered)  # the first so many hold together, the first so many do not
        sample = bound
        while failing - holding > 1:
            middle = (holding + failing) // 2
            found = self._sample(ordered[:middle], bound)
            if found is None:
                failing = middle
            else:
                holding, sample = middle, found
        return self._attempt(ordered[:holding], sample, self._failure(ordered[holding], sample))

    def arrived(self, bound: Bindings, failure: Failure) -> Attempt:
        """An attempt of which the whole body holds, and which fails for another reason."""
        ordered = evaluation_order(self.rule.body, frozenset(bound))
        return self._attempt(ordered, self._sample(ordered, bound) or bound, failure)

    def _attempt(self, literals: tuple[Literal, ...], sample: Bindings, failure: Failure) -> Attempt:
        told = tuple(self._told(literal, sample) for literal in literals)
        return Attempt(self.rule, literals, named(self.rule, sample), told, failure)

    def _sample(self, body: Sequence[Literal], bound: Bindings) -> Bindings | None:
        """The values of one binding, the least of those looked at; None if the body does not hold."""
        idle = self.deriving.idle
        wanted = bound_by(body, frozenset(bound)) - bound.keys() - self.sight.unseen(body, idle)
        names = [name for name in in_order(body, idle) if name in wanted]
        rows = self.sight.lookup.solve(self.rule, body, bound, names, SAMPLES)
        if not rows:
            return None
        least = min(rows, key=lambda row: [order_key(value) for value in row])
        return {**bound, **dict(zip(names, least, strict=True))}

    def _told(self, literal: Literal, sample: Bindings) -> Found | Absent | Held:
        match literal:
            case Match(table):
                return Found(self.outline.user_name(table), *shown(self.outline.schema(table), known(literal, sample)))
            case NoMatch():
                return absent(self.outline, literal, sample)
            case _:
                return held(self.outline, literal, sample)

    # -- failures --------------------------------------------------------------------------------

    def _failure(self, literal: Literal, sample: Bindings) -> Failure:
        text = literal_text(literal, self.outline.naming)
        told = literal_text(literal, self.outline.naming, sample)
        match literal:
            case Match(table):
                rows = nearest(self.sight, self.rule, table, known(literal, sample))
                return Failure(literal, "missing", text, told, self.outline.user_name(table), rows)
            case NoMatch(table):
                there = self._there(table, known(literal, sample))
                return Failure(literal, "present", text, told, self.outline.user_name(table), there)
            case Either(branches):
                attempts = (self.attempt(branch, sample) for branch in branches)
                return Failure(literal, "or", text, told, branches=tuple(each for each in attempts if each))
            case Compare() | Member() | Call():
                values, holds = _judged(literal, sample)
                return Failure(literal, "undefined" if holds is None else "untrue", text, told, values=values)

    def _there(self, table: str, wanted: Mapping[int, Scalar]) -> tuple[Near, ...]:
        schema = self.outline.schema(table)
        rows = matching(self.sight, self.rule, table, wanted)
        return tuple(near(schema, row, tuple(wanted)) for row in rows)


def evaluation_order(body: Sequence[Literal], bound: frozenset[str]) -> tuple[Literal, ...]:
    """The literals in written order, except that each comes after those that give its variables their values."""
    waiting, order, known = list(body), [], set(bound)
    while waiting:
        # The checks have made sure that there is one, with the head's variables bound or without.
        chosen = next(each for each in waiting if _ready(each, frozenset(known)))
        waiting = [each for each in waiting if each is not chosen]
        order.append(chosen)
        known |= bound_by((chosen,), frozenset(known))
    return tuple(order)


def _ready(literal: Literal, known: frozenset[str]) -> bool:
    """Whether a literal can be evaluated when these variables have values."""
    match literal:
        case Match():
            return True
        case NoMatch(_, terms):
            return known.issuperset(name for name in variables(terms) if not name.startswith("$"))
        case Compare(_, left, right):
            return known.issuperset(variables((left, right))) or bool(bound_by((literal,), known) - known)
        case Member(term):
            return known.issuperset(variables((term,)))
        case Call(_, inputs, outputs, negated):
            computed = [each for each in outputs if not isinstance(each, Var)]
            compared = [name for name in variables(outputs) if negated and not name.startswith("$")]
            return known.issuperset((*variables(inputs), *variables(computed), *compared))
        case Either(branches):
            return all(_solvable(branch, known) for branch in branches)


def _solvable(branch: Sequence[Literal], known: frozenset[str]) -> bool:
    """Whether everything in a branch can be evaluated, in some order."""
    inside = bound_by(branch, known)
    return all(_ready(literal, inside) for literal in branch)


def _judged(literal: Compare | Member | Call, sample: Bindings) -> tuple[dict[str, Scalar], bool | None]:
    """The values that a literal compares, under the texts of its terms, and whether it holds; None if neither way."""
    values: dict[str, Scalar] = {}
    try:
        match literal:
            case Compare(operator, left, right, negated):
                known = [each for each in (left, right) if sample.keys() >= set(variables((each,)))]
                sides = [_noted(each, sample, values) for each in known]
                # With one side to get its value from the other, only that other can have failed.
                return values, compare(operator, sides[0], sides[1]) != negated if len(sides) == 2 else None
            case Member(term, members, negated):
                value = identity(_noted(term, sample, values))
                return values, (value in [identity(each) for each in members]) != negated
            case Call(name, inputs, outputs):
                given = [_noted(each, sample, values) for each in inputs]
                for each in outputs:
                    if not isinstance(each, Var) or each.name in sample:
                        _noted(each, sample, values)
                if not BUILTINS[name].clock:
                    BUILTINS[name].rows(given, "")  # only to see whether it is made for these values
                return values, False
    except Skip:
        return values, None


def _noted(term: Expression, sample: Bindings, values: dict[str, Scalar]) -> Scalar:
    """The value of an expression, noted under its text unless it is a constant. Raises Skip where it has none."""
    value = evaluate(term, sample)
    if not isinstance(term, Const):
        values[expression_text(term, {})] = value
    return value


def evaluate(term: Expression, sample: Bindings) -> Scalar:
    """The value of an expression. Raises Skip where it has none."""
    match term:
        case Const(value):
            return value
        case Var(name):
            return sample[name]
        case Calc(operator, left, right):
            return calculate(operator, evaluate(left, sample), evaluate(right, sample))
