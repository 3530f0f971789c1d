"""Forms of output: held against golden files, and against the schemas that others publish."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from congresslite.cli.exits import Exit
from congresslite.cli.formats import FORMATS, write
from congresslite.cli.formats.table import _shares
from congresslite.cli.report import Report, fingerprint, rule_name
from congresslite.cli.settings import Settings
from tests.cli.made_run import ERROR, PLACED, VIOLATIONS, report, violation

PUBLISHED = Path(__file__).parents[1] / "schemas" / "node_modules"
REPORTS: dict[str, Callable[[], Report]] = {
    "full": report,
    "nothing found": lambda: report(exit_code=Exit.CLEAN, findings=(), violations=(), counts={}, skipped={}),
    "policies are wrong": lambda: Report(Exit.BLOCKING, (ERROR, PLACED)),
    "no policies": lambda: Report(Exit.CLEAN),
    "no columns": lambda: report(violations=(violation(0, ()),)),
}


def written(output: str, made: Report, **settings: Any) -> str:
    """A report as text."""
    out = io.StringIO()
    write(made, out, Settings(output=output, color=False, **settings))
    return out.getvalue()


@pytest.fixture(scope="module")
def sarif_schema() -> Any:
    """The SARIF schema as published."""
    path = PUBLISHED / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
    if not path.exists():
        pytest.skip("`make test` fetches the published schemas")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("output", FORMATS)
def test_golden(output: str, golden: Callable[[str, str], None]) -> None:
    """Each format writes the same run in the same way as it always did."""
    golden(f"check.{output}", written(output, report()))


def test_golden_counts(golden: Callable[[str, str], None]) -> None:
    """Counts as a table have one line for each derived table."""
    golden("counts.table", written("table", report(listed=False)))


@pytest.mark.parametrize("name", REPORTS)
def test_sarif_is_valid(name: str, sarif_schema: Any) -> None:
    """SARIF output is right by the published schema, and every result names a rule that is listed."""
    document = json.loads(written("sarif", REPORTS[name]()))
    jsonschema.Draft4Validator(sarif_schema).validate(document)
    (run,) = document["runs"]
    assert {result["ruleId"] for result in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}


@pytest.mark.parametrize("name", REPORTS)
def test_junit_is_valid(name: str, validate_junit: Callable[[str], None]) -> None:
    """JUnit output is right by the published schema, and its totals are those of its tests."""
    text = written("junit", REPORTS[name]())
    validate_junit(text)
    for suite in ElementTree.fromstring(text):  # noqa: S314
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))


@pytest.mark.parametrize("name", REPORTS)
def test_json_and_ndjson_agree(name: str) -> None:
    """The lines of NDJSON are what the JSON document holds."""
    document = json.loads(written("json", REPORTS[name]()))
    lines = [json.loads(line) for line in written("ndjson", REPORTS[name]()).splitlines()]
    kinds = {"finding": document["findings"], "violation": document["violations"], "summary": [document["summary"]]}
    for kind, expected in kinds.items():
        assert [{**line, "type": None} for line in lines if line["type"] == kind] == [
            {**entry, "type": None} for entry in expected
        ]


def test_counts_do_not_read_violations() -> None:
    """Where only counts are wanted, not one violation is made: there may be a million."""
    unreadable = map(pytest.fail, ["a violation was read"])
    document = json.loads(written("json", report(listed=False, violations=unreadable)))
    assert document["counts"]["nfv:view"] == 7
    assert set(document["timing"]) == {"load_s", "load_cpu_s", "evaluate_s", "evaluate_cpu_s"}
    assert "violations" not in document


HOSTILE = "\x1b[31mred\x1b[0m \r\n\t::error::gotcha [bold]rich[/bold] \u202egnp.exe \x00\ud800 </failure>&#27;%0A,:"


@pytest.mark.parametrize("output", FORMATS)
def test_hostile_text(output: str) -> None:
    """No text of a row gets control of a terminal, a document or a runner."""
    found = violation(0, (HOSTILE, HOSTILE), message=HOSTILE, object=HOSTILE)
    text = written(output, report(findings=(), violations=(found,)))
    assert not set(text) & set("\x1b\r\x00\u202e\ud800")
    assert not any(line.startswith("::") and "gotcha" not in line.split("::")[-1] for line in text.splitlines()[1:])
    if output == "table":
        assert "[bold]rich[/bold]" in text
        assert "␛[31mred␛[0m" in text
    if output == "github":
        (line,) = [line for line in text.splitlines() if "gotcha" in line]
        assert line.startswith("::error file=rules/nfv.dl,line=4,")
    if output == "junit":
        ElementTree.fromstring(text)  # noqa: S314


@pytest.mark.parametrize(
    ("sizes", "limit", "shares"),
    [
        ([3, 4], 20, [3, 4]),
        ([30, 4], 20, [16, 4]),
        ([100, 100], 20, [10, 10]),
        ([1, 100, 5], 10, [1, 5, 4]),
        ([9, 9, 9], 2, [1, 1, 1]),
        ([9, 9], 0, [9, 9]),
        ([], 5, []),
    ],
    ids=["all fit", "small one whole", "halves", "three", "at least one each", "no limit", "none"],
)
def test_shares(sizes: list[int], limit: int, shares: list[int]) -> None:
    """Each rule shows its part of the limit, and a rule with few rows shows them all."""
    assert _shares(sizes, limit) == shares


@pytest.mark.parametrize("limit", [1, 2, 3, 0])
def test_table_tells_what_it_leaves_out(limit: int) -> None:
    """Rows shown and rows said to be left out are together all of them."""
    many = [violation(0, (f"vm{i:03}", "h")) for i in range(50)]
    text = written("table", report(violations=many, counts={"nfv:error": 50}, limit=limit))
    shown = len(re.findall(r"^    vm\d", text, re.MULTILINE))
    left = sum(int(found) for found in re.findall(r"… (\d+) more", text))
    assert (shown, shown + left) == (limit or 50, 50)
    assert ("--limit 0" in text) == bool(limit)
    assert "50 violations (50 high) in 1 policy" in text


def test_fingerprints_tell_values_apart() -> None:
    """A fingerprint is of the row and its rule: 1, "1" and true are three rows, the message does not matter."""
    rows = [("1",), (1,), (True,), (None,)]
    assert len({fingerprint(violation(0, row)) for row in rows}) == len(rows)
    assert fingerprint(violation(0, (1,))) != fingerprint(violation(2, (1,)))
    assert fingerprint(violation(0, (1,), message="a")) == fingerprint(violation(0, (1,), message="b"))


def test_rule_names_are_short_and_stable() -> None:
    """A rule is named by its id, or by a hash of its text; two texts have two names."""
    assert rule_name("R4") == "R4"
    assert rule_name("a(x) :- b(x)") == rule_name("a(x) :- b(x)") != rule_name("a(x) :- c(x)")
    assert re.fullmatch(r"rule-[0-9a-f]{12}", rule_name("a(x) :- b(x)"))


def test_violations_of_a_rule_that_is_not_listed() -> None:
    """A violation is never lost in JUnit, even of a rule that the report does not know."""
    text = written("junit", report(rules=(), violations=VIOLATIONS))
    assert text.count("HDD host") == 2
