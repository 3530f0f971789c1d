"""
Tests of policies: tables given, rows expected, and which rules nobody tested.

A policy is tested alone, over the tables that its tests give. A test fails with
the rows that are missing or unexpected, never with a traceback; what is wrong
with the test itself is a finding, and such a test never passes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from congresslite.diagnostics import CongressliteError, Diagnostic, Severity, Source, Span
from congresslite.language.parser import YAML_SUFFIXES
from congresslite.policy.coverage import RuleCoverage
from congresslite.policy.loading import TEST_SUFFIX, load_policies, policy_files, read_text, walk
from congresslite.policy.testfiles import Case, parse_tests
from congresslite.policy.workbench import Difference, Workbench, prepare
from congresslite.schema import Catalog


class Outcome(StrEnum):
    """How a test ended; an error is a test that could not be run or does not fit the policy."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One test that was run. `differences` say why it failed, `diagnostics` why it could not be run."""

    policy: str
    path: str
    name: str
    outcome: Outcome
    span: Span = field(compare=False, repr=False)
    differences: tuple[Difference, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class TestReport:
    """All tests of a run. `diagnostics` are what is wrong with the files: the policies and their tests."""

    __test__: ClassVar[bool] = False  # pytest takes any class of such a name for a test

    cases: tuple[CaseResult, ...]
    coverage: tuple[RuleCoverage, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every test passed and nothing is wrong with the files."""
        errors = any(finding.severity is Severity.ERROR for finding in self.diagnostics)
        return not errors and all(case.outcome is Outcome.PASSED for case in self.cases)

    @property
    def unfired(self) -> tuple[RuleCoverage, ...]:
        """The rules that no test made fire."""
        return tuple(rule for rule in self.coverage if not rule.fired)

    def count(self, outcome: Outcome) -> int:
        """How many tests ended so."""
        return sum(case.outcome is outcome for case in self.cases)


def run_tests(paths: Iterable[str | Path], catalog: Catalog | None = None) -> TestReport:
    """Run the tests of policies: files of tests, policies that have some beside them, or folders of both.

    `catalog` has the tables that source definitions describe. Never raises for what a user wrote.
    """
    findings: list[Diagnostic] = []
    pairs = _pairs(paths, findings)
    cases: list[CaseResult] = []
    coverage: list[RuleCoverage] = []
    for policy, tests in pairs.items():
        _run_policy(policy, tests, catalog or Catalog(), (cases, coverage, findings))
    return TestReport(tuple(cases), tuple(coverage), tuple(findings))


def _pairs(paths: Iterable[str | Path], findings: list[Diagnostic]) -> Mapping[Path, Path | None]:
    """Each policy with its file of tests, or None if it has none."""
    pairs: dict[Path, Path | None] = {}
    for each in paths:
        path = Path(each)
        tests = [path] if path.name.endswith(TEST_SUFFIX) else []
        if path.is_dir():
            tests = [found for found in walk(path, []) if found.name.endswith(TEST_SUFFIX)]
        if path.is_dir() or not tests:
            pairs.update({policy: pairs.get(policy) or tests_of(policy) for policy in policy_files(path, findings)})
        for file in tests:
            if (policy := _policy_of(file)) is None:
                findings.append(_no_policy(file))
            else:
                pairs[policy] = file
    return pairs


def tests_of(policy: Path) -> Path | None:
    """The file of tests beside a policy, or None."""
    path = policy.with_name(policy.stem + TEST_SUFFIX)
    return path if path.is_file() else None


def _policy_of(tests: Path) -> Path | None:
    """The policy that a file of tests stands beside, or None."""
    stem = tests.name.removesuffix(TEST_SUFFIX)
    beside = (tests.with_name(stem + suffix) for suffix in (".dl", *YAML_SUFFIXES))
    return next((path for path in beside if path.is_file()), None)


def _no_policy(tests: Path) -> Diagnostic:
    stem = tests.name.removesuffix(TEST_SUFFIX)
    hint = f"it tests `{stem}.dl` in the same folder"
    return Diagnostic("CL466", f"no policy beside the tests `{tests}`", place=str(tests), hint=hint)


def _run_policy(
    policy: Path,
    tests: Path | None,
    catalog: Catalog,
    into: tuple[list[CaseResult], list[RuleCoverage], list[Diagnostic]],
) -> None:
    """Run the tests of one policy and add what came of them."""
    cases, coverage, findings = into
    written: tuple[Case, ...] = ()
    if tests is not None and (text := read_text(tests, findings)) is not None:
        written, wrong = parse_tests(Source(str(tests), text))
        findings.extend(wrong)
    files, wrong = load_policies([policy])
    bench, problems = prepare(files[0], written, catalog) if files and not _errors(wrong) else (None, ())
    findings.extend(each for each in (*wrong, *problems) if each.severity is Severity.ERROR)
    if bench is None:
        name = files[0].name if files else policy.stem
        cases.extend(CaseResult(name, str(tests), case.name, Outcome.ERROR, case.span) for case in written)
        return
    cases.extend(_run_case(bench, case, str(tests)) for case in written)
    coverage.extend(bench.coverage())


def _errors(findings: Iterable[Diagnostic]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def _run_case(bench: Workbench, case: Case, path: str) -> CaseResult:
    """Run one test; what stops it is an error of this test alone."""
    start = time.perf_counter()
    try:
        differences = bench.run(case)
        outcome = Outcome.FAILED if differences else Outcome.PASSED
        found: tuple[Diagnostic, ...] = ()
    except CongressliteError as error:
        differences, outcome, found = (), Outcome.ERROR, error.diagnostics
    seconds = time.perf_counter() - start
    return CaseResult(bench.policy, path, case.name, outcome, case.span, differences, found, seconds)
