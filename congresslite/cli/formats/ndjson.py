"""One JSON object a line, each with its `type`: for pipes, where a line is acted on as soon as it comes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from congresslite.cli.formats import entries

if TYPE_CHECKING:
    from congresslite.cli.report import Report
    from congresslite.cli.settings import Settings


def write(report: Report, out: IO[str], settings: Settings) -> None:
    """Write a line for each finding and each violation, then counts, times and totals."""
    del settings
    for each in report.findings:
        _line(out, "finding", entries.finding(each))
    for found in report.each():
        _line(out, "violation", entries.violation(found))
    if report.counts:
        _line(out, "counts", {"counts": entries.counts(report)})
    if report.timing is not None:
        _line(out, "timing", entries.timing(report))
    _line(out, "summary", entries.summary(report))


def _line(out: IO[str], kind: str, entry: entries.Entry) -> None:
    out.write(entries.dumps({"type": kind, **entry}) + "\n")
