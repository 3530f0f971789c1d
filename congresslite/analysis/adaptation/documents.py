"""Plans of adaptation as JSON: a key that is there is always there, and what is not known is null."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from congresslite.analysis.adaptation.plans import AdaptationPlan, Alternative, Decision, Option, SoftRule
from congresslite.analysis.documents import violation_document
from congresslite.policy.conflicts.told import Command
from congresslite.schema import Delta, Row

Document = dict[str, Any]


def plan_document(plan: AdaptationPlan) -> Document:
    """The document of a plan."""
    return {
        "policy": plan.policy,
        "table": plan.table,
        "status": plan.status,
        "cost": plan.cost,
        "decisions": [_decision(each, plan.columns) for each in plan.decisions],
        "changes": _delta(plan.changes, plan.columns),
        "virtual_links": _delta(plan.links, plan.link_columns),
        "soft": [_soft(each) for each in plan.soft],
        "standing": [violation_document(each) for each in plan.standing],
        "actions": [_command(each) for each in plan.commands],
        "obstacles": [
            {"policy": each.policy, "rule": each.rule, "file": each.file, "line": each.line} for each in plan.obstacles
        ],
        "stuck": list(plan.stuck),
        "seconds": {name: round(value, 6) for name, value in plan.seconds.items()},
    }


def _decision(decision: Decision, columns: Sequence[str]) -> Document:
    return {
        "vnf": decision.vnf,
        "gone": _rows(decision.gone, columns),
        "chosen": None if decision.chosen is None else _option(decision.chosen, columns),
        "alternatives": [_alternative(each, columns) for each in decision.alternatives],
        "more_alternatives": decision.more,
    }


def _option(option: Option, columns: Sequence[str]) -> Document:
    return {"kind": option.kind, "row": dict(zip(columns, option.row, strict=True))}


def _alternative(each: Alternative, columns: Sequence[str]) -> Document:
    return {
        **_option(each.option, columns),
        "cost": each.cost,
        "breaks": [violation_document(found) for found in each.breaks],
    }


def _soft(each: SoftRule) -> Document:
    return {
        "policy": each.policy,
        "rule": each.rule,
        "weight": each.weight,
        "cost": each.cost,
        "broken": [violation_document(found) for found in each.broken],
        "mended": [violation_document(found) for found in each.mended],
    }


def _command(each: Command) -> Document:
    return {
        "policy": each.policy,
        "rule": each.rule,
        "mode": each.mode,
        "action": each.action,
        "arguments": list(each.arguments),
        "object": each.object,
    }


def _delta(delta: Delta, columns: Sequence[str]) -> Document:
    return {"insert": _rows(delta.insert, columns), "delete": _rows(delta.delete, columns)}


def _rows(rows: Iterable[Row], columns: Sequence[str]) -> list[Document]:
    return [dict(zip(columns, row, strict=True)) for row in rows]
