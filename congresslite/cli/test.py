"""`congresslite test`: run the tests of policies."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from congresslite.cli.definitions import shipped_catalog
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.report import rule_name
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import number, tell
from congresslite.diagnostics import render
from congresslite.diagnostics.visible import visible

if TYPE_CHECKING:
    from congresslite.cli.formats.junit import Case
    from congresslite.policy.coverage import RuleCoverage
    from congresslite.policy.testing import CaseResult, TestReport

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "error": ("✗", "red")}


@click.command(cls=Teaching)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH...")
@shared("table", "json", "junit")
def test(settings: Settings, *, paths: tuple[Path, ...]) -> int:
    """Run the tests of policies.

    PATH is a policy, a file of tests (NAME_test.yaml beside NAME.dl), or a folder of both. A test that fails shows the
    rows that are missing (-) and those that nobody expected (+). Rules that no test made fire are listed.

    For example:
      congresslite test rules
      congresslite test rules/nfv_test.yaml
      congresslite test rules -o junit > tests.xml
    """
    from congresslite.policy.testing import run_tests

    report = run_tests(paths, shipped_catalog())
    tell(report.diagnostics, settings)
    if not report.cases and report.ok:
        raise click.UsageError("there are no tests; those of NAME.dl stand beside it in NAME_test.yaml")
    write = {"table": _write_table, "json": _write_json, "junit": _write_junit}[settings.output]
    write(report, sys.stdout, settings)
    return Exit.CLEAN if report.ok else Exit.BLOCKING


def _write_table(report: TestReport, out: IO[str], settings: Settings) -> None:
    del out
    for path, cases in groupby(report.cases, lambda case: case.path):
        click.secho(visible(path), bold=True, color=settings.color)
        for case in cases:
            _write_case(case, settings)
    counts = [(report.count(outcome), outcome) for outcome in {case.outcome: None for case in report.cases}]
    told = ", ".join(f"{count:,} {'in error' if outcome == 'error' else outcome}" for count, outcome in counts)
    fired = len(report.coverage) - len(report.unfired)
    rules = f"; {fired:,} of {number(len(report.coverage), 'rule')} fired" if report.coverage else ""
    color = "green" if report.ok else "red"
    click.secho(f"\n{number(len(report.cases), 'test')}: {told}{rules}", fg=color, bold=True, color=settings.color)
    for rule in report.unfired:
        click.echo(f"  never fired: {_rule_label(rule)}")


def _write_case(case: CaseResult, settings: Settings) -> None:
    mark, color = _MARKS[case.outcome]
    click.echo(f"  {click.style(mark, fg=color)} {visible(case.name)}", color=settings.color)
    if case.outcome == "failed":
        click.echo(f"      at {visible(str(case.span))}")
    for line in _lines(case):
        fg = {"-": "red", "+": "green"}.get(line[:1])
        click.echo(click.style(f"      {visible(line, keep=chr(9))}", fg=fg), color=settings.color)


def _lines(case: CaseResult) -> list[str]:
    """Why a test did not pass."""
    lines = [line for difference in case.differences for line in difference.lines()]
    return lines + [line for finding in case.diagnostics for line in render(finding).split("\n")]


def _rule_label(rule: RuleCoverage) -> str:
    label = "" if rule_name(rule.rule) != rule.rule else f"{rule.rule} of "
    return visible(f"{label}{rule.policy} ({rule.span.source.name}:{rule.span.line})")


def _write_json(report: TestReport, out: IO[str], settings: Settings) -> None:
    del settings
    tests = [
        {
            "policy": case.policy,
            "name": case.name,
            "outcome": str(case.outcome),
            **entries.place(case.span),
            "differences": [
                {"table": each.table, "missing": list(each.missing), "unexpected": list(each.unexpected)}
                for each in case.differences
            ],
            "findings": [entries.finding(finding) for finding in case.diagnostics],
            "seconds": round(case.seconds, 6),
        }
        for case in report.cases
    ]
    coverage = [
        {"policy": rule.policy, "rule": rule.rule, "fired": rule.fired, **entries.place(rule.span)}
        for rule in report.coverage
    ]
    findings = [entries.finding(finding) for finding in report.diagnostics]
    out.write(entries.dumps({"ok": report.ok, "tests": tests, "coverage": coverage, "findings": findings}) + "\n")


def _write_junit(report: TestReport, out: IO[str], settings: Settings) -> None:
    del settings
    from congresslite.cli.formats.junit import Suite, findings_suite, write_suites

    suites = [findings_suite(report.diagnostics)] if report.diagnostics else []
    for path, group in groupby(report.cases, lambda case: case.path):
        cases = list(group)
        suites.append(Suite(path, [_junit_case(case) for case in cases], seconds=sum(case.seconds for case in cases)))
    write_suites(suites, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}", out)


def _junit_case(case: CaseResult) -> Case:
    from congresslite.cli.formats.junit import Case

    made = Case(case.name, case.policy, failed=case.outcome == "failed", seconds=case.seconds)
    if case.outcome != "passed":
        made.lines = _lines(case)
        made.kind = str(case.outcome)
        made.problem = "other rows than expected" if made.failed else "the test could not be run"
    return made
