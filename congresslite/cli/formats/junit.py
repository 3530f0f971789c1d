"""
JUnit XML, in the form of the Ant schema, which every reader of such reports takes.

A policy is a suite and each of its `error` and `warning` rules a test, so that
a report shows what was looked at and not only what was found. A test fails if
its rule has rows that block; other rows are told in the suite's output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from congresslite.cli.report import blocks, message_of, rule_name
from congresslite.cli.terminal import number
from congresslite.diagnostics import Severity
from congresslite.diagnostics.visible import visible

if TYPE_CHECKING:
    from congresslite.cli.report import Report
    from congresslite.cli.settings import Settings
    from congresslite.diagnostics import Diagnostic

# What XML 1.0 admits no way of writing.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Case:
    """One test. `problem` is empty if it passed; `failed` tells a failure from an error."""

    name: str
    suite: str
    problem: str = ""
    kind: str = ""
    lines: list[str] = field(default_factory=list)
    failed: bool = True
    seconds: float = 0.0


@dataclass(slots=True)
class Suite:
    """Some tests, and what else is to be told of them."""

    name: str
    cases: list[Case]
    output: list[str] = field(default_factory=list)
    seconds: float = 0.0


def write(report: Report, out: IO[str], settings: Settings) -> None:
    """Write a suite for each policy, and one for the findings if there are any."""
    del settings
    suites = _policies(report)
    if report.findings:
        suites.insert(0, findings_suite(report.findings))
    write_suites(suites, f"{report.started:%Y-%m-%dT%H:%M:%S}", out)


def findings_suite(findings: Iterable[Diagnostic]) -> Suite:
    """Findings about policies and sources as a suite: errors are tests in error, warnings are told in its output."""
    suite = Suite("findings", [])
    for finding in findings:
        case = Case(f"{finding.code} {finding.where}".strip(), "findings", failed=False)
        suite.cases.append(case)
        if finding.severity is Severity.ERROR:
            case.problem, case.kind = finding.message, finding.code
            case.lines = [finding.message, *finding.notes, *([f"hint: {finding.hint}"] if finding.hint else [])]
        else:
            suite.output.append(f"{finding.severity} {case.name}: {finding.message}")
    return suite


def _policies(report: Report) -> list[Suite]:
    suites = {policy.name: Suite(policy.name, []) for policy in report.policies}
    cases: dict[tuple[str, str], Case] = {}

    def case_of(policy: str, kind: str, identity: str) -> Case:
        if (policy, identity) not in cases:
            cases[policy, identity] = Case(f"{kind} {rule_name(identity)}", policy)
            suites[policy].cases.append(cases[policy, identity])
        return cases[policy, identity]

    for rule in report.rules:
        case_of(rule.policy, rule.kind, rule.identity)
    for violation in report.each():
        case = case_of(violation.policy, violation.kind, violation.rule)
        line = f"{violation.object}: {message_of(violation)}" if violation.object else message_of(violation)
        if blocks(violation):
            case.lines.append(line)
            case.kind = violation.severity
        else:
            waived = "" if violation.waiver is None else f" (waived by {violation.waiver})"
            suites[violation.policy].output.append(f"{case.name}: {line}{waived}")
    for case in cases.values():
        if case.lines:
            case.problem = number(len(case.lines), "violation")
    return list(suites.values())


def write_suites(suites: Iterable[Suite], timestamp: str, out: IO[str]) -> None:
    """Write suites as one document."""
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
    for number_, suite in enumerate(suites):
        _write_suite(suite, number_, timestamp, out)
    out.write("</testsuites>\n")


def _write_suite(suite: Suite, place: int, timestamp: str, out: IO[str]) -> None:
    failures = sum(1 for case in suite.cases if case.problem and case.failed)
    errors = sum(1 for case in suite.cases if case.problem and not case.failed)
    out.write(
        f'  <testsuite name={_attribute(suite.name)} package="congresslite" id="{place}"'
        f' timestamp="{timestamp}" hostname="localhost" tests="{len(suite.cases)}"'
        f' failures="{failures}" errors="{errors}" time="{suite.seconds:.3f}">\n    <properties/>\n'
    )
    for case in suite.cases:
        out.write(f"    <testcase name={_attribute(case.name)} classname={_attribute(case.suite)}")
        out.write(f' time="{case.seconds:.3f}"')
        if not case.problem:
            out.write("/>\n")
            continue
        tag = "failure" if case.failed else "error"
        out.write(f">\n      <{tag} message={_attribute(case.problem)} type={_attribute(case.kind)}>")
        out.write(_text("\n".join(case.lines)))
        out.write(f"</{tag}>\n    </testcase>\n")
    out.write(f"    <system-out>{_text(chr(10).join(suite.output))}</system-out>\n    <system-err/>\n  </testsuite>\n")


def _text(text: str) -> str:
    return escape(_admitted(text), {"\r": "&#13;"})


def _attribute(text: str) -> str:
    return quoteattr(_admitted(text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _admitted(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", visible(text, keep="\t\n\r"))
