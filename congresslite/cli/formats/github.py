"""
Annotations of GitHub Actions: workflow commands that mark a line of a file.

Everything that could end a command or a property early is escaped, so that a
row of an inventory cannot give commands to the runner.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from congresslite.cli.report import blocks, message_of, rule_name
from congresslite.cli.terminal import number
from congresslite.diagnostics.visible import visible

if TYPE_CHECKING:
    from congresslite.api import Violation
    from congresslite.cli.report import Report
    from congresslite.cli.settings import Settings
    from congresslite.diagnostics import Diagnostic, Span


def write(report: Report, out: IO[str], settings: Settings) -> None:
    """Write an annotation for each finding and each violation, and one line of totals."""
    del settings
    for finding in report.findings:
        out.write(_finding(finding))
    for violation in report.each():
        out.write(_violation(violation))
    if report.policies:
        errors, warnings = report.total("error"), report.total("warning")
        out.write(f"{number(errors, 'error')} and {number(warnings, 'warning')} in the tables\n")


def _finding(finding: Diagnostic) -> str:
    message = finding.message if finding.span else f"{finding.where}: {finding.message}".removeprefix(": ")
    if finding.hint:
        message += f" (hint: {finding.hint})"
    return _command(str(finding.severity), finding.span, finding.code, message)


def _violation(violation: Violation) -> str:
    told_only = violation.mode == "dryrun" or violation.waiver is not None
    level = "error" if blocks(violation) else "notice" if told_only else "warning"
    waived = "" if violation.waiver is None else ", waived"
    title = f"{violation.policy} {rule_name(violation.rule)} ({violation.severity}{waived})"
    return _command(level, violation.span, title, message_of(violation))


def _command(level: str, span: Span | None, title: str, message: str) -> str:
    properties = {"title": title}
    if span is not None:
        properties = {"file": span.source.name, "line": str(span.line), "endLine": str(span.end_line), **properties}
        if span.end_line == span.line:
            # The runner takes columns only for a range within one line.
            properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(message)}\n"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
