"""
Simulation: what a sequence of actions and changes of rows would do, tried out on an overlay that nobody else sees.

Each step is evaluated in the state that the one before has left: effects are declared by policies (`inv:vm-(id=v) :-
nova:stop(v).`), and an action of which no policy says what it does has "no effect model", which is no success. The rule
to keep: what was not done is told with the reason, and never counted as done.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

from congresslite.analysis.belonging import Belonging
from congresslite.analysis.declared import USUAL, ActionTarget, with_declared
from congresslite.analysis.effects import Effects
from congresslite.analysis.impact import impact_of, movement
from congresslite.analysis.outcome import Clash, Done, Simulation, StepOutcome
from congresslite.analysis.overlay import Overlay
from congresslite.analysis.report import Impact
from congresslite.analysis.steps import Step, read_steps
from congresslite.analysis.turn import Turn, turns
from congresslite.api import Delta, Engine, Progress, Snapshot, Trial
from congresslite.diagnostics import Diagnostic, Severity, Source
from congresslite.language.printing import value_text
from congresslite.language.program import RuleKind
from congresslite.schema import Scalar, identity


def simulate(
    engine: Engine,
    steps: Iterable[str | Source],
    *,
    owners: Mapping[str, str] | None = None,
    targets: Mapping[str, ActionTarget] = USUAL,
    limit: int = 100,
    progress: Progress | None = None,
) -> Simulation:
    """What these steps would do, one after the other. Nothing changes, and nobody waits.

    A step is a text like `migrate("vm1", "h2")`, `inv:host+("h9")`, `inv:vm-(id="vm3")`, or several joined by `&`; a
    text of several lines has a step on each. `owners` gives the owner column of each table that has one, for the
    service and the tenant of violations, of which at most `limit` are told one by one; `targets` what actions are
    called at, for what they are known to do. Raises PolicyError for steps
    that are not right, EvaluationError, and TypeError for another engine than the columnar.
    """
    start = engine.snapshot()
    sources = [each if isinstance(each, Source) else Source(f"step {number}", each)
               for number, each in enumerate(steps, start=1)]  # fmt: skip
    effects = Effects(with_declared(start, targets, [each.text for each in sources]))
    read = read_steps(sources, start, effects)
    belonging, overlay = Belonging(owners or {}), Overlay(start)
    outcomes = []
    for number, step in enumerate(read):
        if progress is not None:
            progress("simulating", number, len(read))
        outcomes.append(_run(overlay, effects, step, belonging, limit))
    whole = overlay.whole()
    return Simulation(
        steps=outcomes,
        impact=_impact(whole, belonging, limit),
        blocking=_blocking(whole),
        columns=_columns(start, outcomes),
        findings=(*_findings(outcomes), *_dangling(overlay)),
    )


def _run(overlay: Overlay, effects: Effects, step: Step, belonging: Belonging, limit: int) -> StepOutcome:
    before = overlay.now
    taken = list(turns(overlay, effects, step.parts))
    done = {place: each for turn in taken for place, each in turn.done.items()}
    trial = taken[0].trial if len(taken) == 1 else _together(before, taken)
    clashes = {(each.first, each.second): each for turn in taken for each in turn.clashes}
    return StepOutcome(
        step.text,
        tuple(done[place] for place in sorted(done)),
        tuple(clashes.values()),
        _impact(trial, belonging, limit),
    )


def _together(before: Snapshot, taken: Sequence[Turn]) -> Trial:
    """Several turns as one change of the state before them."""
    overlay = Overlay(before)
    for turn in taken:
        tables = {table for each in turn.done.values() for table in each.rows}
        overlay.apply({table: turn.trial.changes.part(table) for table in tables})
    return overlay.whole()


def _impact(trial: Trial, belonging: Belonging, limit: int) -> Impact:
    return impact_of(trial, movement(trial, belonging), belonging, limit)


def _blocking(trial: Trial) -> int:
    """How many violations come that are hard, of policies that are not only tried out."""
    tried_out = {policy.name for policy in trial.after.program.policies if policy.mode == "dryrun"}
    rules = (rule for rule in trial.after.program.rules if rule.kind is RuleKind.ERROR and rule.policy not in tried_out)
    return sum(trial.changes.size(rule.table)[0] for rule in rules)


def _columns(start: Snapshot, outcomes: Iterable[StepOutcome]) -> Mapping[str, Sequence[str]]:
    tables = {table for step in outcomes for each in step.parts for table in each.rows}
    return {table: [column.name for column in start.schema(table).columns] for table in sorted(tables)}


# -- findings ------------------------------------------------------------------------------------


def _dangling(overlay: Overlay) -> Iterable[Diagnostic]:
    """Rows that refer to nothing at the end, since they have come, or since what they refer to went."""
    now, changes = overlay.now, overlay.changes()
    for table, schema in now.catalog.tables.items():
        for place, column in enumerate(schema.columns):
            reference = column.references
            if reference is None or reference.table not in now.catalog:
                continue
            came = _values(changes.get(table), place)
            target = now.schema(reference.table).position(reference.column)
            went = _values(changes.get(reference.table), target, went=True)
            missing = _those(now, reference.table, reference.column, {**went, **came}.values(), there=False)
            for value in _those(now, table, column.name, missing, there=True):
                message = (
                    f"{value_text(value)} in `{table}.{column.name}` is not in `{reference.table}.{reference.column}`"
                )
                hint = "add that too" if identity(value) in came else "remove or change the rows that refer to it too"
                yield Diagnostic("CL433", message, None, hint, Severity.WARNING)


def _those(now: Snapshot, table: str, column: str, values: Collection[Scalar], *, there: bool) -> list[Scalar]:
    """Those of some values that are in a column, or that are not; a table is only looked into if there are any."""
    found = now.matching(table, [column], [(value,) for value in values]) if values else ()
    return [value for value, rows in zip(values, found, strict=True) if bool(rows) is there]


def _values(delta: Delta | None, place: int | None, *, went: bool = False) -> dict[Hashable, Scalar]:
    """The values of a column in rows that came, or in those that went."""
    if delta is None or place is None:
        return {}
    rows = delta.delete if went else delta.insert
    return {identity(row[place]): row[place] for row in rows if row[place] is not None}


def _findings(outcomes: Iterable[StepOutcome]) -> Iterable[Diagnostic]:
    """What was not done as it was asked for, once for each part."""
    for number, step in enumerate(outcomes, start=1):
        place = f"step {number}"
        yield from (_clash(each, place) for each in step.clashes)
        for done in step.parts:
            yield from _finding(done, place)


def _clash(each: Clash, place: str) -> Diagnostic:
    key = ", ".join(f"{name}={value_text(value)}" for name, value in zip(each.columns, each.key, strict=True))
    message = f"`{each.first}` and `{each.second}` both write the row {key} of `{each.table}`"
    hint = "they were run one after the other; make two steps of them"
    return Diagnostic("CL319", message, None, hint, Severity.WARNING, place)


def _finding(done: Done, place: str) -> Iterable[Diagnostic]:
    for each in done.broken:
        message = f"`{done.text}` would add a row that may not be there: {each.message}"
        yield Diagnostic("CL318", message, None, "it was left out", Severity.WARNING, place)
    if done.result == "no_effect_model":
        hint = "declare its effects, as `inv:vm-(id=v) :- nova:stop(v).` does"
        message = f"`{done.text}` has no effect model: {done.message}"
        yield Diagnostic("CL317", message, None, hint, Severity.WARNING, place)
    elif done.result == "nothing" and not done.broken:
        yield Diagnostic("CL316", f"`{done.text}` does nothing: {done.message}", None, None, Severity.WARNING, place)
