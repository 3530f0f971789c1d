"""
Redundancy: rules that say nothing, or nothing of their own, whatever rows there are.

A rule *never fires* if no legal state gives it a row; it is *redundant* if others have each of its rows, *equivalent*
if one of them has no other; it is *shadowed* if rules that win over it contradict each of its rows. What is told is
proven (`policy.implication`); what is not told may still be so.

The rule to keep: others only stand in for a rule if they say it with at least the same weight. A warning does not
replace an error, nor a policy that is only tried out (`dryrun`) one that is enforced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from congresslite.analysis.report import RuleFound
from congresslite.analysis.signatures import Signatures
from congresslite.diagnostics import Diagnostic, Severity
from congresslite.language.annotations import SEVERITIES
from congresslite.language.program import (
    CheckedRule,
    Const,
    PolicySettings,
    Program,
    RuleKind,
    Side,
    written_rules,
)
from congresslite.language.resolution.settings import MODES, TIERS
from congresslite.policy.implication import Prover
from congresslite.schema import identity

# What all proofs of one analysis may cost, in steps: about half a second.
TOTAL_STEPS = 150_000
# How many rules are tried together, where none alone has all rows of another.
MAX_UNITED = 6

# An id up to this length is told as it is.
_MAX_NAME = 60

_VIOLATIONS = (RuleKind.ERROR, RuleKind.WARNING)


def redundancies(
    program: Program, changed: Collection[str], *, levels: Sequence[str] = TIERS, total: int = TOTAL_STEPS
) -> tuple[Sequence[RuleFound], Sequence[str]]:
    """What is proven of rules of these policies, and of other rules because of them; and what was not analysed.

    `levels` are the tiers of the hierarchy, the top first; `total` bounds the steps of all proofs.
    """
    analysis = _Analysis(program, changed, levels, total)
    found = analysis.found()
    return found, analysis.not_analysed()


def diagnostics(found: Sequence[RuleFound], program: Program) -> Iterator[Diagnostic]:
    """The findings as warnings that point at their rules."""
    spans = {(rule.policy, rule.identity): rule.span for rule in written_rules(program)}
    codes = {"never_fires": "CL341", "redundant": "CL342", "equivalent": "CL342", "shadowed": "CL343"}
    for each in found:
        code = codes[each.finding]
        yield Diagnostic(code, each.message, spans.get((each.policy, each.rule)), _HINTS[code], Severity.WARNING)


_HINTS = {
    "CL341": "leave the rule out, or mend what can never hold",
    "CL342": "leave one of them out",
    "CL343": "leave the rule out, or give its policy a priority that wins",
}


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A rule, and with what weight it says what it says: in each place of `weight` a higher number is more."""

    rule: CheckedRule
    says: Hashable
    weight: tuple[int, ...]


class _Analysis:
    def __init__(self, program: Program, changed: Collection[str], levels: Sequence[str], total: int) -> None:
        self._program, self._changed = program, frozenset(changed)
        self._prover = Prover(program, total=total)
        self._signatures = Signatures(self._prover.theory)
        policies = {policy.name: policy for policy in program.policies}
        weigh = _Weights(levels)
        self._rules = [weigh(rule, policies[rule.policy]) for rule in written_rules(program)]
        self._alike: defaultdict[Hashable, list[_Weighed]] = defaultdict(list)
        self._alike_changed: defaultdict[Hashable, list[_Weighed]] = defaultdict(list)
        for rule in self._rules:
            self._alike[rule.says].append(rule)
            if rule.rule.policy in self._changed:
                self._alike_changed[rule.says].append(rule)
        self._foreign: set[str] = set()

    def found(self) -> list[RuleFound]:
        """All findings, in the order of the rules; of one that never fires nothing else is told."""
        dead = {
            id(each.rule) for each in self._rules if each.rule.policy in self._changed and self._prover.empty(each.rule)
        }
        found: dict[int, RuleFound] = {
            id(each.rule): _told("never_fires", each.rule, ()) for each in self._rules if id(each.rule) in dead
        }
        overruling = self._overruling()
        # The last ones first: of two rules that say the same, the later one is told.
        for each in reversed(self._rules):
            if id(each.rule) not in found:
                told = self._said_by_others(each, dead, found) or self._shadowed(each.rule, overruling)
                if told is not None and not self._long_dead(each.rule):
                    found[id(each.rule)] = told
        return [found[id(each.rule)] for each in self._rules if id(each.rule) in found]

    def _long_dead(self, rule: CheckedRule) -> bool:
        """Whether a rule of a policy that did not change never fires: then what changed makes no difference to it."""
        return rule.policy not in self._changed and self._prover.empty(rule)

    def not_analysed(self) -> tuple[str, ...]:
        """What was left out, as somebody reads it who wrote the rules."""
        left = []
        if self._prover.gave_up:
            left.append(f"{self._prover.gave_up} questions about redundant rules, which were too costly to answer")
        if self._foreign:
            left.append(f"whether rules of other engines are shadowed or shadow: {', '.join(sorted(self._foreign))}")
        return tuple(left)

    # What others say

    def _said_by_others(self, one: _Weighed, dead: set[int], found: dict[int, RuleFound]) -> RuleFound | None:
        """Whether others have each row of a rule. Of rules that are equivalent the first one is left alone."""
        changed = one.rule.policy in self._changed
        others = [
            other
            for other in (self._alike if changed else self._alike_changed)[one.says]
            if other.rule is not one.rule and id(other.rule) not in dead and self._may_stand_in(other, one)
        ]
        for other in others:
            told = found.get(id(other.rule))
            if told is not None and told.finding in ("redundant", "equivalent") and _key(one.rule) in told.by:
                continue  # the other one is left out in its favour
            told = self._told_of_pair(one, other) if self._prover.implies(one.rule, other.rule) else None
            if told is not None:
                return told
        if not changed or len(others) < 2:
            return None
        united = [each.rule for each in others if id(each.rule) not in found][:MAX_UNITED]
        used = self._prover.covered(one.rule, united) if len(united) > 1 else None
        return None if not used else _told("redundant", one.rule, [united[place] for place in sorted(used)])

    def _told_of_pair(self, one: _Weighed, other: _Weighed) -> RuleFound | None:
        equivalent = (
            one.weight == other.weight
            and self._signatures.may_have(one.rule, other.rule)
            and self._prover.implies(other.rule, one.rule)
        )
        if equivalent and one.rule.policy not in self._changed and other.rule.policy in self._changed:
            return None  # told of the one that changed
        return _told("equivalent" if equivalent else "redundant", one.rule, [other.rule])

    def _may_stand_in(self, other: _Weighed, one: _Weighed) -> bool:
        return (
            all(more >= less for more, less in zip(other.weight, one.weight, strict=True))
            and _heads_agree(other.rule, one.rule)
            and self._signatures.may_have(other.rule, one.rule)
        )

    # Who is overruled

    def _overruling(self) -> dict[tuple[Hashable, ...], list[CheckedRule]]:
        """For the sides of contradictions that lose, the rules that win."""
        by_side: dict[tuple[Hashable, ...], CheckedRule] = {
            (rule.policy, rule.modal, _atom(rule), rule.identity): rule
            for rule in (each.rule for each in self._rules)
            if rule.kind is RuleKind.MODAL
        }
        found: dict[tuple[Hashable, ...], list[CheckedRule]] = defaultdict(list)
        for contradiction in self._program.contradictions.values():
            if contradiction.kind != "modality" or not any(
                each.policy in self._changed for each in contradiction.sides
            ):
                continue
            self._foreign.update(each.engine for each in contradiction.sides if each.engine)
            if contradiction.winner is not None:
                winner = by_side.get(_side(contradiction.sides[contradiction.winner]))
                if winner is not None:
                    found[_side(contradiction.sides[1 - contradiction.winner])].append(winner)
        return found

    def _shadowed(
        self, rule: CheckedRule, overruling: dict[tuple[Hashable, ...], list[CheckedRule]]
    ) -> RuleFound | None:
        winners = overruling.get((rule.policy, rule.modal, _atom(rule), rule.identity), ()) if rule.modal else ()
        possible = [each for each in winners if self._signatures.may_have(each, rule)]
        for winner in possible:
            if self._prover.implies(rule, winner):
                return _told("shadowed", rule, [winner])
        used = self._prover.covered(rule, possible[:MAX_UNITED]) if len(possible) > 1 else None
        return None if not used else _told("shadowed", rule, [possible[place] for place in sorted(used)])


class _Weights:
    """Weighs rules; `levels` are the tiers, the top first."""

    def __init__(self, levels: Sequence[str]) -> None:
        self._tiers = {tier: -place for place, tier in enumerate(levels)}

    def __call__(self, rule: CheckedRule, policy: PolicySettings) -> _Weighed:
        mode = MODES.index(policy.mode)
        if rule.kind in _VIOLATIONS:
            severity = SEVERITIES.index(rule.severity)
            return _Weighed(rule, ("violation", len(rule.head)), (rule.kind is RuleKind.ERROR, severity, mode))
        if rule.kind is RuleKind.MODAL:
            # A policy that may be overridden is no stronger than one below.
            tier = self._tiers.get(policy.tier, -len(self._tiers)) - len(self._tiers) * policy.overridable
            says = (rule.modal, _atom(rule), len(rule.head))
            return _Weighed(rule, says, (rule.weight is None, tier, policy.priority, mode))
        return _Weighed(rule, (rule.table, len(rule.head)), ())


def _atom(rule: CheckedRule) -> str:
    return rule.table.partition("[")[2].removesuffix("]")


def _side(side: Side) -> tuple[Hashable, ...]:
    return side.policy, side.modal, side.atom, side.rule


def _key(rule: CheckedRule) -> tuple[str, str]:
    return rule.policy, rule.identity


def _words(rule: CheckedRule) -> str:
    """A rule as a sentence names it: by its id, or else by its line instead of its whole text."""
    named = len(rule.identity) <= _MAX_NAME and not set(rule.identity) & set(" (")
    return f"`{rule.policy}/{rule.identity}`" if named else f"`{rule.policy}` (line {rule.span.line})"


def _heads_agree(one: CheckedRule, other: CheckedRule) -> bool:
    """Whether no two constants in the heads tell their rows apart."""
    return all(
        identity(left.value) == identity(right.value)
        for left, right in zip(one.head, other.head, strict=True)
        if isinstance(left, Const) and isinstance(right, Const)
    )


_Finding = Literal["never_fires", "redundant", "equivalent", "shadowed"]
_SAYING: Mapping[_Finding, str] = {
    "never_fires": "{rule} can never fire: keys, references and domains leave its body no row",
    "redundant": "{rule} is redundant: each of its rows is one of {others}",
    "equivalent": "{rule} says the same as {others}",
    "shadowed": "{rule} is shadowed: each of its rows is overruled by {others}",
}


def _told(finding: _Finding, rule: CheckedRule, by: Sequence[CheckedRule]) -> RuleFound:
    others = " or ".join(map(_words, by))
    message = _SAYING[finding].format(rule=_words(rule), others=others)
    return RuleFound(finding, rule.policy, rule.identity, [_key(each) for each in by], message)
