"""The objects that the JSON formats are made of: one finding, one violation, the summary."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from congresslite import __version__
from congresslite.cli.report import SEVERITIES, blocks, message_of

if TYPE_CHECKING:
    from congresslite.api import Violation
    from congresslite.cli.report import Report
    from congresslite.diagnostics import Diagnostic, Span

Entry = dict[str, Any]


def dumps(value: object) -> str:
    """JSON on one line, in ASCII, so that no terminal and no locale can spoil it."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def place(span: Span | None) -> Entry:
    """Where something stands, lines and columns counted from 1, the end exclusive."""
    if span is None:
        return {}
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def finding(diagnostic: Diagnostic) -> Entry:
    """One finding about a policy or a source."""
    entry: Entry = {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        **place(diagnostic.span),
    }
    if diagnostic.span is None and diagnostic.place:
        entry["place"] = diagnostic.place
    if diagnostic.hint:
        entry["hint"] = diagnostic.hint
    if diagnostic.notes:
        entry["notes"] = list(diagnostic.notes)
    return entry


def violation(found: Violation) -> Entry:
    """One violation."""
    return {
        "policy": found.policy,
        "rule": found.rule,
        "kind": found.kind,
        "severity": found.severity,
        "mode": found.mode,
        "blocking": blocks(found),
        "table": found.table,
        "columns": list(found.columns),
        "row": list(found.row),
        "object": found.object,
        "message": message_of(found),
        **({} if found.waiver is None else {"waiver": found.waiver}),
        **place(found.span),
    }


def counts(report: Report) -> Entry:
    """How many rows each derived table has."""
    return dict(sorted(report.counts.items()))


def timing(report: Report) -> Entry:
    """Seconds of wall clock and of processor time."""
    return {} if report.timing is None else {key: round(value, 6) for key, value in asdict(report.timing).items()}


def summary(report: Report) -> Entry:
    """Totals; severities only where violations were listed. To be asked for after them."""
    entry: Entry = {
        "version": __version__,
        "exit_code": int(report.exit_code),
        "policies": len(report.policies),
        "rules": len(report.rules),
        "base_tables": report.base_tables,
        "errors": report.total("error"),
        "warnings": report.total("warning"),
    }
    if report.base_tables is None:
        del entry["base_tables"]
    if report.listed and report.policies:
        entry["severities"] = {severity: report.severities[severity] for severity in SEVERITIES}
    if report.waived.total():
        entry["waived"] = report.waived.total()
    if report.skipped:
        entry["skipped"] = dict(report.skipped)
    return entry
