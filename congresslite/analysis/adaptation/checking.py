"""
Checking: our engine evaluates a plan before anybody sees it.

The plan is applied to a trial of the state, row by row, as if it had been done. Every violation of a rule that the
solver was asked about must be there exactly if it said so, and the costs must be equal. The rule to keep: where the
two differ, nothing is shown but that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from congresslite.analysis.adaptation.grounding import Grounding, Key, key_of, rows_of
from congresslite.analysis.adaptation.literals import TRUE
from congresslite.analysis.adaptation.plans import AdaptationError, Number, SoftRule
from congresslite.analysis.adaptation.problem import Problem, by_value, is_hard
from congresslite.analysis.adaptation.solving import Solved
from congresslite.api import Snapshot, Trial
from congresslite.diagnostics import Diagnostic
from congresslite.language.program import CheckedRule
from congresslite.policy.violations import Violation
from congresslite.schema import Row


def weight_of(rule: CheckedRule) -> Fraction:
    """What a row of a soft rule costs: its weight, or 1. Raises AdaptationError for a weight below 0."""
    weight = Fraction(1) if rule.weight is None else Fraction(str(rule.weight))
    if weight < 0:
        message = f"a soft rule cannot weigh `{rule.weight}`: a violation is no gain"
        hint = "give it a weight of 0 or more, and give one to what is worse"
        raise AdaptationError(Diagnostic("CL645", message, rule.span, hint))
    return weight


def number(value: Fraction) -> Number:
    """A cost as people write it."""
    return int(value) if value.denominator == 1 else float(value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a state says beside the bare one: for each rule that says something else, which rows came and which went."""

    moved: Mapping[str, tuple[CheckedRule, Mapping[Key, Row], Mapping[Key, Row]]] = field(default_factory=dict)

    @property
    def cost(self) -> Fraction:
        """What soft rules cost more than in the bare state."""
        soft = (each for each in self.moved.values() if not is_hard(each[0]))
        return sum((weight_of(rule) * (len(came) - len(went)) for rule, came, went in soft), Fraction())

    @property
    def brings(self) -> list[tuple[CheckedRule, list[Row]]]:
        """The hard violations that are not in the bare state, by rule."""
        return [(rule, _sorted(came)) for rule, came, _ in self.moved.values() if is_hard(rule) and came]

    @property
    def soft(self) -> list[tuple[CheckedRule, list[Row], list[Row]]]:
        """The soft rules with what came and what went."""
        return [(rule, _sorted(came), _sorted(went)) for rule, came, went in self.moved.values() if not is_hard(rule)]


class Judge:
    """Looks at states beside the bare one, by the rules that the choice may change something of."""

    def __init__(self, problem: Problem, rules: Iterable[CheckedRule]) -> None:
        self._problem = problem
        self._rules = tuple(rules)

    def verdict(self, trial: Trial, earlier: Verdict | None = None) -> Verdict:
        """The verdict on the state after a trial of the bare one, or of that which an earlier verdict is about."""
        moved = dict(earlier.moved) if earlier else {}
        for rule in self._rules:
            if not any(trial.changes.size(rule.table)):
                continue
            _, came, went = moved.get(rule.table, (rule, {}, {}))
            delta = trial.changes.part(rule.table)
            # What came and goes again was never there; so with what went and comes back.
            gone, new = keyed(delta.delete), keyed(delta.insert)
            after = {key: row for key, row in came.items() if key not in gone}
            after |= {key: row for key, row in new.items() if key not in went}
            lost = {key: row for key, row in went.items() if key not in new}
            lost |= {key: row for key, row in gone.items() if key not in came}
            moved[rule.table] = rule, after, lost
        return Verdict({table: each for table, each in moved.items() if each[1] or each[2]})

    @cached_property
    def before(self) -> Mapping[str, Mapping[Key, Row]]:
        """The rows of each hard rule in the bare state."""
        return {rule.table: keyed(self._problem.bare.rows(rule.table)) for rule in self._rules if is_hard(rule)}

    def keeps(self, verdict: Verdict) -> list[tuple[CheckedRule, list[Row]]]:
        """The hard violations of the bare state that stay."""
        kept = []
        for rule in self._rules:
            went = verdict.moved[rule.table][2] if rule.table in verdict.moved else {}
            rows = {key: row for key, row in self.before.get(rule.table, {}).items() if key not in went}
            kept += [(rule, _sorted(rows))] if rows else []
        return kept


def _sorted(rows: Mapping[Key, Row]) -> list[Row]:
    return sorted(rows.values(), key=by_value)


def keyed(rows: Iterable[Row]) -> dict[Key, Row]:
    """Rows by their values."""
    return {key_of(row): row for row in rows}


def soft_rules(verdict: Verdict, before: Snapshot, after: Snapshot) -> list[SoftRule]:
    """What a verdict says of soft rules, in words."""
    return [
        SoftRule(
            rule.policy,
            rule.identity,
            number(weight_of(rule)),
            number(weight_of(rule) * (len(came) - len(went))),
            tuple(after.violations_of(rule, came)),
            tuple(before.violations_of(rule, went)),
        )
        for rule, came, went in verdict.soft
    ]


def violations(found: Iterable[tuple[CheckedRule, Sequence[Row]]], snapshot: Snapshot) -> list[Violation]:
    """Rows of rules, in words."""
    return [each for rule, rows in found for each in snapshot.violations_of(rule, rows)]


def confirm(solved: Solved, grounding: Grounding, rules: Iterable[CheckedRule], after: Snapshot, scale: int) -> None:
    """Hold what the solver said of each rule against what our engine finds. Raises AdaptationError."""
    cost = Fraction()
    for rule in rules:
        rows = grounding.tables[rule.table]
        said, found = rows_of(rows, solved.holds), keyed(after.rows(rule.table))
        if said.keys() != found.keys():
            odd = said.keys() ^ found.keys()
            message = f"the solver and the engine differ in {len(odd)} rows of the rule `{rule.identity}`"
            raise _unconfirmed(message, rule)
        if not is_hard(rule):
            # The solver counts what depends on the choice only.
            free = [key for key in found if rows.literal(key) != TRUE]
            cost += weight_of(rule) * len(free)
    if cost * scale != solved.cost:
        raise _unconfirmed(f"the solver counts {solved.cost} and the engine {cost * scale}", None)


def _unconfirmed(message: str, rule: CheckedRule | None) -> AdaptationError:
    hint = "no plan is shown; please report this, with the policies and the tables"
    return AdaptationError(
        Diagnostic("CL649", f"a plan was not confirmed: {message}", None if rule is None else rule.span, hint)
    )
