"""One JSON document, written as it comes: a million violations are never held at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from congresslite.cli.formats import entries

if TYPE_CHECKING:
    from congresslite.cli.report import Report
    from congresslite.cli.settings import Settings


def write(report: Report, out: IO[str], settings: Settings) -> None:
    """Write findings, violations (or counts alone), times and totals."""
    del settings
    out.write('{"findings": ')
    write_list(out, (entries.finding(each) for each in report.findings))
    if report.listed:
        out.write(',\n"violations": ')
        write_list(out, (entries.violation(each) for each in report.each()))
    out.write(f',\n"counts": {entries.dumps(entries.counts(report))}')
    out.write(f',\n"timing": {entries.dumps(entries.timing(report))}')
    out.write(f',\n"summary": {entries.dumps(entries.summary(report))}}}\n')


def write_list(out: IO[str], items: Iterable[entries.Entry]) -> None:
    """Write a JSON list, one item a line."""
    separator = "["
    for item in items:
        out.write(f"{separator}\n  {entries.dumps(item)}")
        separator = ","
    out.write("[]" if separator == "[" else "\n]")
