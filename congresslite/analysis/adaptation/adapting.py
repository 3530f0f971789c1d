"""
`adapt`: from policies and tables to a plan that our engine has confirmed.

The rule to keep: everything that is told of a plan is read off states that our engine has evaluated; of the solver
only the choice is taken.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import lcm

from congresslite.analysis.adaptation.checking import (
    Judge,
    Verdict,
    confirm,
    number,
    soft_rules,
    violations,
    weight_of,
)
from congresslite.analysis.adaptation.grounding import Grounding, given_rows, key_of
from congresslite.analysis.adaptation.literals import FALSE, TRUE, GroundProgram
from congresslite.analysis.adaptation.plans import (
    AdaptationError,
    AdaptationPlan,
    Alternative,
    Decision,
    Obstacle,
    Option,
)
from congresslite.analysis.adaptation.problem import LINKS, Problem, is_hard, read_problem
from congresslite.analysis.adaptation.translation import depending, layers
from congresslite.analysis.commands import orders
from congresslite.api import Delta, Engine, Progress, Snapshot, Trial
from congresslite.diagnostics import Diagnostic
from congresslite.language.program import CheckedRule
from congresslite.schema import Row, Scalar

# How long the search may take, and how many alternatives are looked into.
TIME_LIMIT_S = 10.0
ALTERNATIVES = 100
TAKEN = "redundant"


def adapt(
    engine: Engine | Snapshot,
    failed: Iterable[Scalar] = (),
    *,
    policy: str | None = None,
    choice: str | None = None,
    time_limit: float = TIME_LIMIT_S,
    alternatives: int = ALTERNATIVES,
    progress: Progress | None = None,
) -> AdaptationPlan:
    """Where what has failed should go, by the policies' own rules. Nothing changes, and nobody waits.

    `failed` is added to what the policy says has failed. `policy` says what may be chosen (if several do), `choice` is
    the source table whose rows are chosen (default: the one named `placed`); `time_limit` is in seconds and bounds the
    search, `alternatives` how many options that were not chosen are looked into. Raises AdaptationError,
    EvaluationError at a limit, TypeError for another engine than the columnar, ModuleNotFoundError without clingo.
    """
    snapshot = engine.snapshot() if isinstance(engine, Engine) else engine
    tell = progress or (lambda what, done, total: None)
    work = _Work(_Clock(), tell, alternatives)
    problem = read_problem(snapshot, policy, choice, list(failed))
    work.clock.lap("read")
    if not problem.failed:
        columns = [column.name for column in problem.choice.columns]
        return AdaptationPlan(problem.policy, problem.choice.name, columns, "nothing", seconds=work.clock.laps)
    return work.plan(problem, time_limit)


class _Clock:
    """Tells what took how long."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + now - self._last
        self._last = now


@dataclass(frozen=True, slots=True)
class _Work:
    """One plan in the making."""

    clock: _Clock
    tell: Progress
    alternatives: int

    def plan(self, problem: Problem, time_limit: float) -> AdaptationPlan:
        from congresslite.analysis.adaptation.solving import Contradiction, Question, fits, solve  # noqa: PLC0415

        resting = depending(problem.start.program, problem.choice.name)
        rules = [rule for rule in problem.rules() if rule.table in resting]
        judge, program = Judge(problem, rules), GroundProgram()
        choices = [program.choice(len(each.options)) for each in problem.failed]
        self.tell("grounding", 0, 0)
        grounding = _grounded(problem, rules, program, choices)
        hard, standing = _hard(problem, rules, grounding, judge)
        soft, scale = _soft(rules, grounding)
        question = Question(program, choices, hard, standing, soft)
        if not fits(question):
            message = "the costs of this plan come to more than a solver adds up exactly"
            raise AdaptationError(Diagnostic("CL644", message, None, "use smaller weights"))
        self.clock.lap("ground")
        found = solve(question, time_limit, lambda: self.tell("choosing", 0, 0))
        self.clock.lap("solve")
        plan = _empty(problem)
        if found is None:
            return replace(plan, status="unknown", decisions=_undecided(problem), seconds=self.clock.laps)
        if isinstance(found, Contradiction):
            needed = [rule for place, rule in enumerate(_hard_rules(rules)) if place in found.hard]
            return self._impossible(replace(plan, status="impossible"), problem, judge, found.choices, needed)
        chosen = [
            next(option for option, atom in zip(each.options, atoms, strict=True) if found.holds(atom))
            for each, atoms in zip(problem.failed, choices, strict=True)
        ]
        trial = problem.bare.trial({problem.choice.name: Delta(insert=[option.row for option in chosen])})
        confirm(found, grounding, rules, trial.after, scale)
        self.clock.lap("check")
        plan = replace(plan, status="optimal" if found.optimal else "feasible")
        return self._told(plan, problem, judge, chosen, trial)

    def _told(
        self, plan: AdaptationPlan, problem: Problem, judge: Judge, chosen: Sequence[Option], trial: Trial
    ) -> AdaptationPlan:
        verdict = judge.verdict(trial)
        if verdict.brings:
            raise AdaptationError(Diagnostic("CL649", "a plan was not confirmed: it breaks hard rules", None, None))
        rows = Delta([option.row for option in chosen], problem.removed().delete)
        whole = problem.start.trial({problem.choice.name: rows})
        links = f"{problem.policy}:{LINKS}"
        linked = links in whole.after.program.tables
        decisions = self._decisions(problem, judge, chosen, trial.after, verdict)
        self.clock.lap("alternatives")
        return replace(
            plan,
            decisions=decisions,
            changes=rows,
            cost=number(verdict.cost),
            soft=soft_rules(verdict, problem.bare, trial.after),
            standing=violations(judge.keeps(verdict), trial.after),
            links=whole.changes[links] if linked else Delta(),
            link_columns=[each.name for each in whole.after.schema(links).columns] if linked else (),
            commands=orders(whole).new,
            seconds=self.clock.laps,
        )

    def _impossible(
        self,
        plan: AdaptationPlan,
        problem: Problem,
        judge: Judge,
        stuck: Iterable[int],
        rules: Iterable[CheckedRule],
    ) -> AdaptationPlan:
        mine = [problem.failed[place] for place in stuck]
        only = replace(problem, failed=tuple(mine))
        decisions = self._decisions(only, judge, [None] * len(mine), problem.bare, Verdict())
        self.clock.lap("alternatives")
        obstacles = [Obstacle(rule.policy, rule.identity, rule.span.source.name, rule.span.line) for rule in rules]
        return replace(
            plan,
            decisions=decisions,
            obstacles=obstacles,
            stuck=[each.vnf for each in mine],
            seconds=self.clock.laps,
        )

    def _decisions(
        self, problem: Problem, judge: Judge, chosen: Sequence[Option | None], state: Snapshot, verdict: Verdict
    ) -> list[Decision]:
        """For each network function what was chosen in a state, and what would be with each other option instead."""
        left, decisions = self.alternatives, []
        for place, (failed, option) in enumerate(zip(problem.failed, chosen, strict=True)):
            self.tell("looking into alternatives", place, len(chosen))
            # Each gets its share; what is there already comes first, since it would be the quickest.
            share = -(-left // (len(chosen) - place))
            others = sorted(
                (each for each in failed.options if each is not option), key=lambda each: each.kind != TAKEN
            )
            told = [_alternative(problem, judge, state, (option, other), verdict) for other in others[:share]]
            left -= len(told)
            decisions.append(Decision(failed.vnf, failed.stands, option, told, len(others) - len(told)))
        return decisions


def _alternative(
    problem: Problem, judge: Judge, state: Snapshot, swapped: tuple[Option | None, Option], earlier: Verdict
) -> Alternative:
    """What would be in a state, of which there is a verdict, with another option in place of the one chosen there."""
    chosen, other = swapped
    gone = [] if chosen is None else [chosen.row]
    trial = state.trial({problem.choice.name: Delta([other.row], gone)})
    verdict = judge.verdict(trial, earlier)
    if verdict.brings:
        return Alternative(other, None, violations(verdict.brings, trial.after))
    return Alternative(other, number(verdict.cost))


def _empty(problem: Problem) -> AdaptationPlan:
    columns = [column.name for column in problem.choice.columns]
    return AdaptationPlan(problem.policy, problem.choice.name, columns, "nothing")


def _undecided(problem: Problem) -> list[Decision]:
    return [Decision(each.vnf, each.stands, None, (), len(each.options)) for each in problem.failed]


# -- from rules to what is asked -----------------------------------------------------------------


def _grounded(
    problem: Problem, rules: Sequence[CheckedRule], program: GroundProgram, choices: Sequence[Sequence[int]]
) -> Grounding:
    options: list[tuple[Row, int]] = [
        (option.row, atom)
        for each, atoms in zip(problem.failed, choices, strict=True)
        for option, atom in zip(each.options, atoms, strict=True)
    ]
    placed = {key_of(row): (row, literal) for row, literal in chain(((row, TRUE) for row in problem.kept), options)}
    grounding = Grounding(problem.start, program, problem.choice.name, given_rows(placed))
    grounding.ground(layers(problem.start.program, problem.choice.name, [rule.table for rule in rules]))
    return grounding


def _hard_rules(rules: Iterable[CheckedRule]) -> list[CheckedRule]:
    return [rule for rule in rules if is_hard(rule)]


def _hard(
    problem: Problem, rules: Iterable[CheckedRule], grounding: Grounding, judge: Judge
) -> tuple[list[list[int]], list[int]]:
    """The literals that may not hold, by rule; and those of hard violations that were there before."""
    forbidden: list[list[int]] = []
    standing: list[int] = []
    for rule in _hard_rules(rules):
        rows = grounding.tables[rule.table]
        mine: list[int] = []
        for key in rows.rows:
            literal = rows.literal(key)
            if literal == FALSE:
                continue
            (standing if key in judge.before[rule.table] else mine).append(literal)
        forbidden.append(mine)
    return forbidden, [literal for literal in standing if literal != TRUE]


def _soft(rules: Iterable[CheckedRule], grounding: Grounding) -> tuple[list[tuple[int, int]], int]:
    """The literals that cost something, in whole numbers, and how many of these are 1."""
    weighed = [(weight_of(rule), grounding.tables[rule.table]) for rule in rules if not is_hard(rule)]
    scale = lcm(*(weight.denominator for weight, _ in weighed))
    found = []
    for weight, rows in weighed:
        each = int(weight * scale)
        literals = [rows.literal(key) for key in rows.rows] if each else []
        found += [(literal, each) for literal in literals if literal not in (TRUE, FALSE)]
    return found, scale
