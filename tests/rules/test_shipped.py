"""The policies that ship are sound, tidy, described and tested, rule by rule."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from congresslite.api import Engine
from congresslite.diagnostics import Diagnostic
from congresslite.language.check import check
from congresslite.language.format import format_policy
from congresslite.language.lint import lint
from congresslite.language.program import Program, RuleKind
from congresslite.language.syntax import PolicyFile
from congresslite.policy.loading import load_policies
from congresslite.policy.testing import Outcome, run_tests
from congresslite.schema import Catalog
from congresslite.share import share
from congresslite.sources import catalog_of_definitions

RULES = share("rules")
POLICIES = sorted(RULES.rglob("*.dl"))
GOLDEN = Path(__file__).parent / "estate.txt"
PAGE = Path(__file__).parents[2] / "docs/reference/shipped-policies.md"


def by_name(path):
    """A policy's path as a test's name."""
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture(scope="module")
def catalog():
    """The tables of the source definitions that ship."""
    return catalog_of_definitions()


def checked(path: Path, catalog: Catalog) -> tuple[PolicyFile, Program | None, tuple[Diagnostic, ...]]:
    """The program of a policy and everything that is to be said about it."""
    (file,), findings = load_policies([path])
    result = check((file,), catalog)
    return file, result.program, (*findings, *result.diagnostics, *lint((file,), result.program, catalog))


@pytest.mark.parametrize("path", POLICIES, ids=by_name)
def test_sound(path, catalog):
    """Every policy passes the checks and the lint, against the definitions that ship."""
    _, program, findings = checked(path, catalog)
    assert findings == ()
    assert program is not None


@pytest.mark.parametrize("path", POLICIES, ids=by_name)
def test_formatted(path):
    """Every policy is formatted, so that a change of one line shows as such."""
    text = path.read_text(encoding="utf-8")
    (file,), _ = load_policies([path])
    assert format_policy(file) == text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("path", POLICIES, ids=by_name)
def test_described(path, catalog):
    """A policy says what it is for and who answers for it; each violation has all that a report shows of it."""
    file, program, _ = checked(path, catalog)
    assert program is not None
    (settings,) = program.policies
    assert settings.name == file.name == path.stem
    assert settings.description
    assert settings.owner
    assert settings.tier == {"global": "global", "local": "pop"}[path.parent.name]
    violations = [rule for rule in program.rules if rule.kind in (RuleKind.ERROR, RuleKind.WARNING)]
    assert violations
    for rule in violations:
        assert re.fullmatch(r"[a-z0-9-]+", rule.identity), rule.span
        assert rule.message, rule.span
        assert rule.object is not None, rule.span
        assert "@severity" in file.source.text[rule.span.start : rule.span.end], rule.span


@pytest.mark.parametrize("path", POLICIES, ids=by_name)
def test_tested(path, catalog):
    """Every policy passes its tests, and they make each of its rules fire."""
    report = run_tests([path], catalog)
    assert report.diagnostics == ()
    assert [(case.name, case.differences, case.diagnostics) for case in report.cases] == [
        (case.name, (), ()) for case in report.cases
    ]
    assert {case.outcome for case in report.cases} == {Outcome.PASSED}
    assert [rule.rule for rule in report.unfired] == []


@pytest.mark.parametrize("path", POLICIES, ids=by_name)
def test_documented(path):
    """The reference has a section for each policy, with its violations' ids and messages and its lists."""
    text = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^### {path.stem}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, path.stem
    source = path.read_text(encoding="utf-8")
    told = re.findall(r"@(?:id|message)\(\"([^\"]+)\"\)", source) + re.findall(r"^table (\w+)", source, re.MULTILINE)
    assert [each for each in told if each not in section[1]] == []


def test_all_together(catalog):
    """All policies run together: no two share a name, and none reads what another has not."""
    files, findings = load_policies([RULES])
    assert findings == ()
    assert len(files) >= 18
    assert check(files, catalog).diagnostics == ()


def test_on_the_estate():
    """On the example estate the policies find just what is written down, and no binding is skipped for a null."""
    engine = Engine.load(policies=[RULES], data=share("examples") / "estate")
    found = Counter((each.policy, each.rule) for each in engine.violations())
    lines = [f"{count:3} {policy}/{rule}" for (policy, rule), count in sorted(found.items())]
    assert "\n".join(lines) + "\n" == GOLDEN.read_text(encoding="utf-8")
    assert dict(engine.skipped()) == {}
