"""
The pre-commit check: what would follow if policies went in, were changed, or went out.

Everything is asked of one trial, an overlay of the engine's latest snapshot that nobody else sees; so the parts of a
report fit each other, and the engine goes on meanwhile.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from congresslite.analysis.belonging import Belonging
from congresslite.analysis.commands import commanded, orders
from congresslite.analysis.contradicting import Moved as MovedConflicts
from congresslite.analysis.contradicting import conflict_totals, conflicts_found, moved_conflicts
from congresslite.analysis.declared import USUAL, ActionTarget
from congresslite.analysis.fingerprint import fingerprint, version_of
from congresslite.analysis.impact import Moved, impact_of, movement
from congresslite.analysis.limits import MaxAffected
from congresslite.analysis.loops import loops
from congresslite.analysis.redundancy import diagnostics, redundancies
from congresslite.analysis.report import Document, Evaluation, PolicyChange, Report
from congresslite.analysis.verdict import judged
from congresslite.api import Engine, Policy, Trial
from congresslite.diagnostics import CongressliteError
from congresslite.language.program import DecidedBy, PolicySettings, Program, RuleKind
from congresslite.language.reads import base_tables
from congresslite.policy.declared import declared_settings
from congresslite.policy.loading import parse_object

# What no check looks into: states that there are not, but could be.
POTENTIAL = "potential conflicts"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is for other engines, which check it: the policies that are live there, those proposed, names that go."""

    live: Sequence[Policy] = ()
    policies: Sequence[Policy] = ()
    removed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a check needs to know of the estate beside the engine.

    `owners` gives the owner column of each table that has one, by full name; `undetermined` what is stale at the
    moment; `targets` what actions are called at; `limit` how many violations and conflicts are told one by one;
    `opposing` are the tables of what other engines permit, deny and do, which may contradict any rule that does so;
    `elsewhere` what else takes part, and is only told and covered by the fingerprint.
    """

    owners: Mapping[str, str] = field(default_factory=dict)
    undetermined: Sequence[Document] = ()
    max_affected: MaxAffected = field(default_factory=MaxAffected)
    targets: Mapping[str, ActionTarget] = field(default_factory=lambda: USUAL)
    limit: int = 100
    opposing: frozenset[str] = frozenset()
    elsewhere: Elsewhere = field(default_factory=Elsewhere)


def precommit(
    engine: Engine, policies: Iterable[Policy] = (), remove: Iterable[str] = (), context: Context | None = None
) -> Report:
    """What would follow. Nothing changes, and nobody waits; policies that are wrong make a report that rejects them."""
    context = context or Context()
    asked = _Asked.of(engine, policies, remove, context.elsewhere)
    try:
        trial = engine.trial(policies=asked.policies.values(), remove=asked.removed)
    except CongressliteError as error:
        return _rejected(asked, engine.program, error)
    return _checked(asked, trial, engine, context)


def with_tiers(report: Report, tiers: Mapping[str, Document]) -> Report:
    """The report with those of the engines below, by name, which may make its verdict graver."""
    return _judged(replace(report, tiers={**report.tiers, **tiers}))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is proposed (policies by the names that their texts give them, and names that go) and what is live."""

    policies: Mapping[str, Policy]
    removed: tuple[str, ...]
    elsewhere: Elsewhere
    live: Mapping[str, str]  # versions by name
    at: float

    @staticmethod
    def of(engine: Engine, policies: Iterable[Policy], remove: Iterable[str], elsewhere: Elsewhere) -> _Asked:
        named = {parse_object(each)[0].name: each for each in policies}
        live = {each.name: version_of(each) for each in (*elsewhere.live, *engine.policies)}
        return _Asked(named, tuple(sorted(set(remove))), elsewhere, live, time.time())

    def versions(self) -> dict[str, str | None]:
        """The versions of what is proposed, here and elsewhere; None for what goes."""
        gone = dict.fromkeys((*self.removed, *self.elsewhere.removed))
        others = {each.name: version_of(each) for each in self.elsewhere.policies}
        return {**gone, **{name: version_of(each) for name, each in self.policies.items()}, **others}

    def changed(self) -> frozenset[str]:
        """The names of the policies that are not as they were."""
        return frozenset(name for name, version in self.versions().items() if self.live.get(name) != version)

    def told(self, before: Program, after: Program | None) -> Iterator[PolicyChange]:
        """The policies that take part."""
        declared = (declared_settings(each) for each in (*self.elsewhere.live, *self.elsewhere.policies))
        here = (*before.policies, *(() if after is None else after.policies))
        settings = {each.name: each for each in (*here, *declared)}
        for name, version in self.versions().items():
            said = settings.get(name, PolicySettings(name))
            known = self.live.get(name)
            if version is None:
                yield PolicyChange(name, said.tier, said.mode, "removed", known or "")
            else:
                kind = "added" if known is None else "unchanged" if known == version else "changed"
                yield PolicyChange(name, said.tier, said.mode, kind, version)  # type: ignore[arg-type]  # mypy widens


def _rejected(asked: _Asked, program: Program, error: CongressliteError) -> Report:
    """The report of policies that cannot be evaluated."""
    report = Report(
        id=_new_id(),
        at=asked.at,
        verdict="reject",
        policies=tuple(asked.told(program, None)),
        findings=tuple(error.diagnostics),
        not_analysed=("violations", "conflicts", "rules", "loops", "actions"),
        seen=asked.live,
    )
    said = [f"{each.code} {each.message}" for each in report.findings]
    return _judged(replace(report, fingerprint=_fingerprint(asked, report, (), (), said)))


def _checked(asked: _Asked, trial: Trial, engine: Engine, context: Context) -> Report:
    belonging = Belonging(context.owners)
    moved, conflicts, found = movement(trial, belonging), moved_conflicts(trial), orders(trial)
    changed = asked.changed()
    rules, left = redundancies(trial.after.program, changed, levels=engine.levels)
    rings, left_of_loops = loops(trial.after, changed, context.targets)
    report = Report(
        id=_new_id(),
        at=asked.at,
        verdict="ok",
        policies=tuple(asked.told(trial.before.program, trial.after.program)),
        findings=(*trial.after.warnings, *diagnostics(rules, trial.after.program)),
        impact=impact_of(trial, moved, belonging, context.limit),
        conflicts=conflicts_found(trial, conflicts, context.limit),
        conflict_totals=conflict_totals(trial, conflicts),
        new_conflicts=_decided_by(trial, conflicts),
        rules=rules,
        loops=rings,
        commands=commanded(trial, found, context.max_affected),
        evaluation=Evaluation(engine.timing.evaluate_s, trial.evaluate_s),
        undetermined=_resting(trial, asked, context),
        not_analysed=(POTENTIAL, *left_of_loops, *left),
        seen=asked.live,
    )
    said = found.lines()
    report = _judged(report)
    return replace(report, fingerprint=_fingerprint(asked, report, (moved.new, moved.resolved), conflicts, said))


def _judged(report: Report) -> Report:
    verdict, reasons = judged(report)
    return replace(report, verdict=verdict, reasons=reasons)


def _decided_by(trial: Trial, moved: Iterable[MovedConflicts]) -> Mapping[DecidedBy | None, int]:
    counted: Counter[DecidedBy | None] = Counter()
    for each in moved:
        if each.status == "new":
            counted[trial.after.program.contradictions[each.rule.table].by] += len(each.rows)
    return counted


def _resting(trial: Trial, asked: _Asked, context: Context) -> tuple[Document, ...]:
    """What is not current of the source tables that the proposed policies rest on, before or after.

    They rest on what they may contradict too; an engine that is silent may have rules that nobody here has heard of.
    """
    if not context.undetermined:
        return ()
    proposed, rests = asked.versions().keys(), set[str]()
    for program in (trial.before.program, trial.after.program):
        tables = base_tables(program)
        own = [rule for rule in program.rules if rule.policy in proposed]
        rests.update(*(tables[rule.table] for rule in own))
        if any(rule.kind is RuleKind.MODAL for rule in own):
            rests |= context.opposing
        for table, contradiction in program.contradictions.items():
            if any(side.policy in proposed and not side.engine for side in contradiction.sides):
                rests |= tables[table]
    return tuple(each for each in context.undetermined if rests.intersection(each.get("tables", rests)))


def _fingerprint(
    asked: _Asked,
    report: Report,
    moved: tuple[Sequence[Moved], Sequence[Moved]] | tuple[()],
    conflicts: Sequence[MovedConflicts],
    said: Sequence[str],
) -> str:
    new, resolved = moved or ((), ())
    return fingerprint(
        live=asked.live,
        proposed=asked.versions(),
        violations=([id_ for each in new for id_ in each.ids()], [id_ for each in resolved for id_ in each.ids()]),
        conflicts=(
            [id_ for each in conflicts if each.status == "new" for id_ in each.ids()],
            [id_ for each in conflicts if each.status == "resolved" for id_ in each.ids()],
        ),
        commands=said,
        reasons=[(each.verdict, each.code) for each in report.reasons],
    )


def _new_id() -> str:
    return f"chk_{secrets.token_hex(8)}"
