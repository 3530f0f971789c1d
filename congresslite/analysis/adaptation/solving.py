"""
Solving: a ground program in clingo, with an end in time and an answer that is the same each time.

clingo is handed atoms by number and nothing else. Where no choice is allowed, the question is written once more with
*guards*: each hard rule, and each placement that must be, holds as long as its guard is assumed, so that a
contradiction can be told by the guards that it needs.

The rule to keep: the search runs beside us and is watched; whoever interrupts, or a limit, ends it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from clingo import Control
from clingo.backend import Backend
from clingo.solving import Model, SolveResult

from congresslite.analysis.adaptation.literals import MAX_SUM, TRUE, GroundProgram

_TICK_S = 0.05
# Equal costs are told apart by values, so the order of the search decides nothing; its seed is fixed all the same.
_OPTIONS = ("--seed=1", "--parallel-mode=1", "--configuration=handy", "--warn=none")
# Cores prove an optimum soonest, but may find nothing on the way; bounds go from one plan to a better one. The share of
# the time at whose end each of them has to be done.
_STRATEGIES = ((0.7, "usc,stratify"), (1.0, "bb,lin"))


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be solved.

    Of each group of `choices` one atom holds, the earlier the better where costs are equal. No literal of `hard` may
    hold; of `standing` as few as can be; those of `soft` cost their weights.
    """

    program: GroundProgram
    choices: Sequence[Sequence[int]]
    hard: Sequence[Sequence[int]]
    standing: Sequence[int] = ()
    soft: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Solved:
    """The best model that was found: what holds in it, what it stands for and costs, and whether none is better."""

    true: frozenset[int]
    standing: int
    cost: int
    optimal: bool

    def holds(self, literal: int) -> bool:
        """Whether a literal holds."""
        return literal == TRUE or (
            literal in self.true if literal > 0 else literal != -TRUE and -literal not in self.true
        )


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Choices and hard rules, by their places, that cannot be had together; `minimal`: each of them is needed."""

    choices: Sequence[int]
    hard: Sequence[int]
    minimal: bool


@dataclass(slots=True)
class _Best:
    """What the search has found so far; it is told from a thread of clingo's."""

    atoms: Sequence[int]
    true: list[int] | None = None
    cost: list[int] = field(default_factory=list)

    def take(self, model: Model) -> None:
        cost = list(model.cost)
        if self.true is None or cost < self.cost:
            self.true, self.cost = [atom for atom in self.atoms if model.is_true(atom)], cost


def solve(question: Question, seconds: float, tell: Callable[[], None] | None = None) -> Solved | Contradiction | None:
    """The best choice, or what stands in the way; None if neither is found in time."""
    started = time.monotonic()
    found = _Optimiser(question).solve(started, seconds, tell)
    if found != "contradiction":
        return found
    return _Guarded(question).contradiction(started + 2 * seconds, tell)


class _Written:
    """A ground program, as clingo has it."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._control = Control([*_OPTIONS])
        with self._control.backend() as backend:
            # Ours from 1 to theirs: place 0 has none.
            self._atoms = [0, *(backend.add_atom() for _ in range(question.program.atoms))]
            for head, body in question.program.rules:
                backend.add_rule([self._atoms[head]], self._all(body))
            for head, bound, elements in question.program.sums:
                weighted = [(self._literal(literal), weight) for literal, weight in elements]
                backend.add_weight_rule([self._atoms[head]], bound, weighted)
            self._constrain(backend)

    def _constrain(self, backend: Backend) -> None:
        """Write what must hold."""
        raise NotImplementedError

    def _literal(self, literal: int) -> int:
        atom: int = self._atoms[abs(literal)]
        return atom if literal > 0 else -atom

    def _all(self, literals: Iterable[int]) -> list[int]:
        return [self._literal(each) for each in literals]

    def _choose(self, backend: Backend, group: Sequence[int], guard: Sequence[int]) -> None:
        """One of a group holds (as long as the guard does), and never two."""
        atoms = self._all(group)
        if atoms:
            backend.add_rule(atoms, choice=True)
        if len(atoms) > 1:
            backend.add_weight_rule([], 2, [(atom, 1) for atom in atoms])
        backend.add_rule([], [*guard, *(-atom for atom in atoms)])

    def _run(
        self, assumed: Sequence[int], end: float, best: _Best | None, tell: Callable[[], None] | None
    ) -> tuple[SolveResult | None, list[int]]:
        """Search until the end or until that time; None for a search that was stopped. Gives the core, too."""
        on_model = None if best is None else best.take
        with self._control.solve(assumptions=list(assumed), on_model=on_model, async_=True) as handle:
            while not handle.wait(_TICK_S):
                if tell is not None:
                    tell()
                if time.monotonic() > end:
                    handle.cancel()
                    return None, []
            result = handle.get()
            return result, handle.core() if result.unsatisfiable else []

    def _configure(self, part: str, **settings: str) -> None:
        configuration = getattr(self._control.configuration, part)
        for name, value in settings.items():
            setattr(configuration, name, value)


class _Optimiser(_Written):
    """Looks for the best choice.

    It assumes nothing: a search by cores would never end where an assumption forces something that costs.
    """

    def _constrain(self, backend: Backend) -> None:
        asked = self._question
        for group in asked.choices:
            self._choose(backend, group, ())
        for literals in asked.hard:
            for literal in literals:
                backend.add_rule([], [self._literal(literal)])
        # Hard violations that stay come first, then costs, then the value of each choice in turn.
        first = len(asked.choices) + 2
        backend.add_minimize(first, [(self._literal(each), 1) for each in asked.standing])
        backend.add_minimize(first - 1, [(self._literal(each), weight) for each, weight in asked.soft])
        for place, group in enumerate(asked.choices):
            ranked = [(atom, rank) for rank, atom in enumerate(self._all(group)) if rank]
            backend.add_minimize(first - 2 - place, ranked)

    def solve(
        self, started: float, seconds: float, tell: Callable[[], None] | None
    ) -> Solved | Literal["contradiction"] | None:
        best = _Best([atom for group in self._question.choices for atom in self._all(group)])
        optimal = False
        for share, strategy in _STRATEGIES:
            self._configure("solver", opt_strategy=strategy)
            found, _ = self._run((), started + share * seconds, best, tell)
            if found is not None and found.unsatisfiable:
                return "contradiction"
            optimal = found is not None and bool(found.exhausted)
            if optimal:
                break
        return None if best.true is None else self._whole(best, best.true, optimal=optimal)

    def _whole(self, best: _Best, chosen: Sequence[int], *, optimal: bool) -> Solved:
        """One model in full: on the way to the best one, only the choices were looked at."""
        self._configure("solve", opt_mode="ignore")
        whole = _Best(self._atoms[1:])
        self._run(chosen, math.inf, whole, None)
        true = set(whole.true or ())
        holding = frozenset(number for number, atom in enumerate(self._atoms) if atom in true)
        standing, cost = best.cost[:2]
        return Solved(holding, standing, cost, optimal)


class _Guarded(_Written):
    """Looks for what stands in the way: everything that must hold does so as long as its guard is assumed."""

    def _constrain(self, backend: Backend) -> None:
        self._placed = [self._guard(backend) for _ in self._question.choices]
        self._kept = [self._guard(backend) for _ in self._question.hard]
        for guard, group in zip(self._placed, self._question.choices, strict=True):
            self._choose(backend, group, [guard])
        for guard, literals in zip(self._kept, self._question.hard, strict=True):
            for literal in literals:
                backend.add_rule([], [guard, self._literal(literal)])

    def _guard(self, backend: Backend) -> int:
        """An atom that the search is free to set, unless it is assumed."""
        atom: int = backend.add_atom()
        backend.add_rule([atom], choice=True)
        return atom

    def contradiction(self, end: float, tell: Callable[[], None] | None) -> Contradiction:
        """The guards of a core without any that is not needed, as far as time allows."""
        kept, minimal = [*self._placed, *self._kept], True
        found, core = self._run(kept, math.inf, None, tell)
        assert found is not None
        assert found.unsatisfiable, "a contradiction that was found is there"
        kept = [each for each in kept if each in set(core)]
        for guard in [*reversed(kept)]:
            if guard not in kept:
                continue
            less = [each for each in kept if each != guard]
            found, smaller = self._run(less, end, None, tell)
            if found is None:
                minimal = False
                break
            if found.unsatisfiable:
                kept = [each for each in less if each in set(smaller)]
        places: Mapping[int, int] = {guard: place for place, guard in enumerate(self._placed)}
        rules: Mapping[int, int] = {guard: place for place, guard in enumerate(self._kept)}
        return Contradiction(
            [places[each] for each in kept if each in places], [rules[each] for each in kept if each in rules], minimal
        )


def fits(question: Question) -> bool:
    """Whether the costs are such as the solver adds up exactly."""
    return len(question.standing) + sum(weight for _, weight in question.soft) <= MAX_SUM
