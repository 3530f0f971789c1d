"""
Reports as JSON: dictionaries, lists and scalars, the same for whoever asks.

`report_document` makes the one document of a pre-commit check, which the command line, the REST API and the git hook
print alike. The rule to keep: a key that is there is always there, with the same type; what is not known is null, and
lists that are bounded stand beside totals that are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from congresslite.analysis.outcome import Broken, Done, Simulation, StepOutcome
from congresslite.analysis.report import ConflictFound, Impact, Loop, Report, RuleFound
from congresslite.diagnostics import Diagnostic
from congresslite.policy.conflicts.told import Conflict, ToldSide
from congresslite.policy.violations import Violation, violation_id
from congresslite.schema import Delta
from congresslite.schema.times import stamp

Document = dict[str, Any]


def report_document(report: Report) -> Document:
    """The document of a pre-commit check."""
    return {
        "id": report.id,
        "at": stamp(report.at),
        "verdict": report.verdict,
        "reasons": [asdict(each) for each in report.reasons],
        "policies": [asdict(each) for each in report.policies],
        "findings": [finding_document(each) for each in report.findings],
        "violations": _impact(report.impact),
        "conflicts": [_conflict(each) for each in report.conflicts],
        "conflict_totals": _totals(report.conflict_totals),
        "rules": [_rule(each) for each in report.rules],
        "loops": [_loop(each) for each in report.loops],
        "actions": [asdict(each) for each in report.commands],
        "evaluation": {**asdict(report.evaluation), "after_s": report.evaluation.after_s},
        "undetermined": [dict(each) for each in report.undetermined],
        "not_analysed": list(report.not_analysed),
        "tiers": {name: dict(each) for name, each in report.tiers.items()},
        "seen": dict(report.seen),
        "fingerprint": report.fingerprint,
    }


def simulation_document(simulation: Simulation) -> Document:
    """The document of a simulation: what each step did, and how the violations at the end differ from the start."""
    return {
        "steps": [_step(number, each, simulation.columns) for number, each in enumerate(simulation.steps, start=1)],
        "violations": _impact(simulation.impact),
        "blocking": simulation.blocking,
        "findings": [finding_document(each) for each in simulation.findings],
        "undetermined": [dict(each) for each in simulation.undetermined],
    }


def finding_document(found: Diagnostic) -> Document:
    """A finding about a policy or a source."""
    span = found.span
    return {
        "code": found.code,
        "severity": found.severity.value,
        "message": found.message,
        "location": found.where or None,
        "file": None if span is None else span.source.name,
        "line": None if span is None else span.line,
        "column": None if span is None else span.column,
        "end_line": None if span is None else span.end_line,
        "end_column": None if span is None else span.end_column,
        "hint": found.hint,
        "notes": list(found.notes),
    }


def violation_document(found: Violation) -> Document:
    """A violation that is in no history: what would come, or what would go."""
    return {
        "id": violation_id(found.policy, found.rule, found.row),
        "policy": found.policy,
        "rule": found.rule,
        "kind": found.kind,
        "severity": found.severity,
        "mode": found.mode,
        "table": found.table,
        "columns": list(found.columns),
        "row": list(found.row),
        "object": found.object,
        "message": found.message,
        "file": found.span.source.name,
        "line": found.span.line,
    }


def conflict_document(found: Conflict, explanations: Sequence[Mapping[str, Any] | None] = (None, None)) -> Document:
    """A conflict with both sides, each with its explanation. `winner` is the place of the side that wins, or null."""
    return {
        "id": found.id,
        "kind": found.kind,
        "policy": found.policy,
        "rule": found.rule,
        "table": found.table,
        "columns": list(found.columns),
        "row": list(found.row),
        "object": found.object,
        "message": found.message,
        "sides": [_side(side, proof) for side, proof in zip(found.sides, explanations, strict=True)],
        "winner": found.winner,
        "decided_by": found.by,
        "violates": found.violates,
    }


def stale_name(entry: Mapping[str, Any]) -> str:
    """The source and the feed of something that is not current; empty if they are not told."""
    return "/".join(str(entry[key]) for key in ("source", "feed") if entry.get(key))


def changed_rows(rows: Mapping[str, Delta], columns: Mapping[str, Sequence[str]]) -> list[Document]:
    """Rows that came and went, by table, each with its values by column."""
    return [
        {
            "table": table,
            "insert": [dict(zip(columns[table], row, strict=True)) for row in delta.insert],
            "delete": [dict(zip(columns[table], row, strict=True)) for row in delta.delete],
        }
        for table, delta in sorted(rows.items())
    ]


def _side(side: ToldSide, proof: Mapping[str, Any] | None) -> Document:
    return {
        "policy": side.policy,
        "rule": side.rule,
        "tier": side.tier,
        "engine": side.engine or None,
        "modal": side.modal,
        "atom": side.atom,
        "table": side.table,
        "row": list(side.row),
        "file": side.file or None,
        "line": side.line or None,
        "explanation": None if proof is None else dict(proof),
    }


def _impact(impact: Impact) -> Document:
    totals = _totals(impact.totals)
    return {
        "new": [dict(each) for each in impact.new],
        "resolved": [dict(each) for each in impact.resolved],
        "totals": totals,
        "unchanged": totals["unchanged"],
        "services": [asdict(each) for each in impact.services],
        "tenants": [asdict(each) for each in impact.tenants],
        "affected": {key: impact.affected.get(key, 0) for key in ("services", "tenants")},
    }


def _step(number: int, step: StepOutcome, columns: Mapping[str, Sequence[str]]) -> Document:
    return {
        "number": number,
        "text": step.text,
        "parts": [_done(each, columns) for each in step.parts],
        "incompatible": [asdict(each) for each in step.clashes],
        "violations": _impact(step.impact),
    }


def _done(done: Done, columns: Mapping[str, Sequence[str]]) -> Document:
    return {
        "text": done.text,
        "kind": done.kind,
        "result": done.result,
        "message": done.message,
        "turn": done.turn,
        "rows": changed_rows(done.rows, columns),
        "broken": [_broken(each) for each in done.broken],
        "notes": list(done.notes),
    }


def _broken(broken: Broken) -> Document:
    row = dict(zip(broken.columns, broken.row, strict=True))
    return {"table": broken.table, "row": row, "breaks": broken.breaks, "message": broken.message}


def _totals(totals: Mapping[Any, int]) -> Document:
    return {status: totals.get(status, 0) for status in ("new", "resolved", "unchanged")}


def _conflict(found: ConflictFound) -> Document:
    return {"status": found.status, **found.document}


def _rule(found: RuleFound) -> Document:
    return {
        "finding": found.finding,
        "policy": found.policy,
        "rule": found.rule,
        "by": _rules(found.by),
        "message": found.message,
    }


def _loop(loop: Loop) -> Document:
    return {
        "certainty": loop.certainty,
        "actions": list(loop.actions),
        "rules": _rules(loop.rules),
        "trace": [dict(each) for each in loop.trace],
    }


def _rules(rules: Iterable[tuple[str, str]]) -> list[Document]:
    return [{"policy": policy, "rule": rule} for policy, rule in rules]
