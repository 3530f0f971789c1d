"""
The prover: a premise is taken apart into cases, each a state, and the conclusion is looked for in each of them.

    premise ──cases──▶ a state for each way in which it can hold
                         │ chase: keys, references, comparisons; a state that contradicts itself is no case
                         ▼
    conclusion ──search──▶ a homomorphism into each state that is left

Where no conclusion is proven in a state, but would be if only a comparison held, the state is split in two: one in
which it holds, and one in which it does not. So rules that say the same thing by cases are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from congresslite.language.program import CheckedRule, Either, Literal, Match, Program, Var
from congresslite.policy.implication.budget import STEPS, Budget, Exhausted
from congresslite.policy.implication.cases import cases
from congresslite.policy.implication.renaming import Names, Term, plain, shape
from congresslite.policy.implication.search import Missing, Search
from congresslite.policy.implication.state import Pattern, State
from congresslite.policy.implication.theory import Theory, plain_head
from congresslite.policy.implication.values import Contradiction

# How often a case is split, and how many comparisons are tried for that.
MAX_SPLITS = 3
MAX_TRIED = 4
# How deeply "it is not there, since otherwise …" is nested.
MAX_REFUTED = 2

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """A rule that is looked for; `place`: which of the conclusions it is."""

    place: int
    head: tuple[Term, ...]
    body: tuple[Literal, ...]


class Prover:
    """Proofs about the rules of one program. What follows from a premise is kept for the next question about it.

    `steps` are what one question may cost, `total` what all of them may; `gave_up` is how many cost more.
    """

    def __init__(self, program: Program, *, steps: int = STEPS, total: int | None = None) -> None:
        self.gave_up = 0
        self.theory = Theory(program)
        self._steps, self._total = steps, total
        self._names = Names()
        # By id, which stays one rule's as long as the rule is held here.
        self._cases: dict[int, tuple[CheckedRule, list[State] | None]] = {}

    # Questions

    def implies(self, premise: CheckedRule, conclusion: CheckedRule) -> bool:
        """Whether it is proven that each row of the one is a row of the other."""
        return self.covered(premise, (conclusion,)) is not None

    def covered(self, premise: CheckedRule, conclusions: Sequence[CheckedRule]) -> frozenset[int] | None:
        """The places of conclusions that are proven to have each row of the premise together; None if they are not."""
        alike = [place for place, each in enumerate(conclusions) if len(each.head) == len(premise.head)]
        return self._within_budget(lambda budget: self._covered(premise, conclusions, alike, budget), None)

    def empty(self, rule: CheckedRule) -> bool:
        """Whether it is proven that a rule has no row."""
        return self._within_budget(lambda budget: not self._states(rule, budget), False)

    def _within_budget(self, question: Callable[[Budget], _T], unknown: _T) -> _T:
        budget = Budget(self._steps if self._total is None else min(self._steps, self._total))
        before = budget.left
        try:
            return question(budget)
        except (Exhausted, RecursionError):  # an expression may be as deep as somebody writes it
            self.gave_up += 1
            return unknown
        finally:
            if self._total is not None:
                self._total = max(0, self._total - before + max(0, budget.left))

    # Premises

    def _states(self, rule: CheckedRule, budget: Budget) -> list[State]:
        """The states in which a rule has a row, closed."""
        if id(rule) not in self._cases:
            self._cases[id(rule)] = (rule, None)  # in case that it turns out to be too much
            found = (self._state(case, budget) for case in cases(plain(rule.body), self.theory, self._names, budget))
            self._cases[id(rule)] = (rule, [state for state in found if state is not None])
        states = self._cases[id(rule)][1]
        if states is None:
            raise Exhausted
        for state in states:
            state.closure.budget = budget
        return states

    def _state(self, body: Iterable[Literal], budget: Budget) -> State | None:
        return self._assuming(State(self.theory, budget), body, MAX_REFUTED)

    def _assuming(self, state: State, body: Iterable[Literal], level: int) -> State | None:
        """The state with what is assumed beside; None if that is contradictory."""
        try:
            state.assume(body)
        except Contradiction:
            return None
        return None if self._derives_absent(state, level) else state

    def _derives_absent(self, state: State, level: int) -> bool:
        """Whether a row that must not be there is derived from those that must."""
        for table, patterns in state.absent.items():
            for pattern in patterns if self.theory.definitions(table) else ():
                search = self._search(state, level)
                terms = [self._names.fresh() for _ in pattern]
                bound = {term.name: value for term, value in zip(terms, pattern, strict=True) if value is not None}
                if search.holds((Match(table, tuple(terms)),), bound):
                    return True
        return False

    def _search(self, state: State, level: int) -> Search:
        def refutes(state: State, table: str, pattern: Pattern) -> bool:
            return level > 0 and self._refuted(state, table, pattern, level - 1)

        return Search(state, self._names, refutes)

    def _refuted(self, state: State, table: str, pattern: Pattern, level: int) -> bool:
        """Whether it is contradictory that there is a row of a pattern."""
        budget = state.closure.budget
        row = Match(table, tuple(self._names.fresh() for _ in pattern))
        named = {
            term.name: value
            for term, value in zip(row.terms, pattern, strict=True)
            if isinstance(term, Var) and value is not None
        }
        for case in cases((row,), self.theory, self._names, budget):
            assumed = state.copy(budget)
            assumed.variables |= named
            if self._assuming(assumed, case, level) is not None:
                return False
        return True

    # Conclusions

    def _covered(
        self, premise: CheckedRule, conclusions: Sequence[CheckedRule], alike: Sequence[int], budget: Budget
    ) -> frozenset[int] | None:
        states = self._states(premise, budget)
        if not states:
            return frozenset()
        if premise.aggregates or any(conclusions[place].aggregates for place in alike):
            return _same_text(premise, conclusions)
        wanted = [_Conclusion(place, plain_head(conclusions[place]), plain(conclusions[place].body)) for place in alike]
        splits = MAX_SPLITS if len(wanted) > 1 or self._has_choice(wanted) else 0
        used: frozenset[int] = frozenset()
        for state in states:
            row = tuple(map(state.value, plain_head(premise)))
            found = self._found(state, row, wanted, splits)
            if found is None:
                return None
            used |= found
        return used

    def _has_choice(self, wanted: Iterable[_Conclusion]) -> bool:
        """Whether there are several ways in which a conclusion can hold: only then a split may help."""
        return any(
            isinstance(literal, Either)
            or (isinstance(literal, Match) and len(self.theory.definitions(literal.table)) > 1)
            for conclusion in wanted
            for literal in conclusion.body
        )

    def _found(
        self, state: State, row: tuple[int, ...], wanted: Sequence[_Conclusion], splits: int
    ) -> frozenset[int] | None:
        """The conclusions that have a row of a state."""
        search = self._search(state, MAX_REFUTED)
        for conclusion in wanted:
            bound = search.unified(conclusion.head, row, {})
            if bound is not None and search.holds(conclusion.body, bound):
                return frozenset((conclusion.place,))
        for missing in search.missing[:MAX_TRIED] if splits else ():
            found = self._split(state, missing, row, wanted, splits - 1)
            if found is not None:
                return found
        return None

    def _split(
        self, state: State, missing: Missing, row: tuple[int, ...], wanted: Sequence[_Conclusion], splits: int
    ) -> frozenset[int] | None:
        """The conclusions that have a row of a state, whether a test holds or not."""
        used: frozenset[int] = frozenset()
        for literal in (missing.literal, missing.contrary()):
            case = state.copy(state.closure.budget)
            case.variables |= missing.named()
            half = self._assuming(case, (literal,), MAX_REFUTED)
            found = frozenset() if half is None else self._found(half, row, wanted, splits)
            if found is None:
                return None
            used |= found
        return used


def _same_text(premise: CheckedRule, conclusions: Sequence[CheckedRule]) -> frozenset[int] | None:
    """The first conclusion that is the premise with other names for its variables: of groups nothing else is known."""
    wanted = shape(premise.head, plain(premise.body))
    for place, conclusion in enumerate(conclusions):
        if shape(conclusion.head, plain(conclusion.body)) == wanted:
            return frozenset((place,))
    return None
