"""`check --waivers`: what is waived is told as such in every format, and does not block."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from congresslite.cli.formats import FORMATS, write
from congresslite.cli.report import fingerprint
from congresslite.cli.settings import Settings
from tests.cli.conftest import Run
from tests.cli.made_run import VIOLATIONS, FakeEngine, report

BY_RULE = "- {owner: anna, reason: new hosts are on order, expires: 2999-12-31, policy: nfv, rule: R4}\n"
BY_OBJECT = "- {id: W-7, owner: anna, reason: why, expires: 2999-12-31, policy: nfv, object: vm1}\n"
BY_ID = f"- {{owner: anna, reason: why, expires: 2999-12-31, violation: {fingerprint(VIOLATIONS[0])}}}\n"
LAPSED = "- {owner: anna, reason: why, expires: 2001-12-31, policy: nfv}\n"

CASES = {
    "both errors": (BY_RULE, (), 0),
    "one of two errors": (BY_OBJECT, (), 1),
    "one by its id": (BY_ID, (), 1),
    "one of them, and the other one not grave enough": (BY_OBJECT, ("--fail-on", "critical"), 0),
    "none any more": (LAPSED, (), 1),
    "none": ("[]\n", (), 1),
    "malformed": ("- {owner: anna}\n", (), 2),
}


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_what_is_waived_does_not_block(run: Run, tmp_path: Path, output: str, case: str) -> None:
    """The exit code is that of the violations that nobody waived, whatever the format."""
    text, options, code = CASES[case]
    (tmp_path / "waivers.yaml").write_text(text, encoding="utf-8")
    done = run("check", "-o", output, "--waivers", "waivers.yaml", *options, engine=FakeEngine())
    assert done.exit_code == code, done.output


def test_a_waiver_that_lapsed_is_told(run: Run, tmp_path: Path) -> None:
    """Whoever relied on a waiver sees that it has ended."""
    (tmp_path / "waivers.yaml").write_text(LAPSED, encoding="utf-8")
    done = run("check", "--waivers", "waivers.yaml", engine=FakeEngine())
    assert "waiver waivers.yaml:1 of anna lapsed: 2001-12-31" in done.stderr


def shown(output: str) -> str:
    """The made-up run in a format, its first violation waived."""
    out = io.StringIO()
    violations = (replace(VIOLATIONS[0], waiver="W-7"), *VIOLATIONS[1:])
    write(report(violations=violations), out, Settings(output=output, color=False))
    return out.getvalue()


def in_sarif(text: str) -> bool:
    """A waived result is suppressed, and no error."""
    results: list[dict[str, Any]] = json.loads(text)["runs"][0]["results"]
    return [(each["level"], each["suppressions"][0]["status"]) for each in results if "suppressions" in each] == [
        ("note", "accepted")
    ]


WAIVED: dict[str, Callable[[str], bool]] = {
    "table": lambda text: "host h1  waived by W-7" in text and "; 1 waived)" in text,
    "json": lambda text: (
        [each.get("waiver") for each in json.loads(text)["violations"]] == ["W-7", None, None, None]
        and json.loads(text)["summary"]["waived"] == 1
    ),
    "ndjson": lambda text: '"blocking": false' in text and text.count('"waiver": "W-7"') == 1,
    "sarif": in_sarif,
    "junit": lambda text: 'message="1 violation"' in text and "(waived by W-7)" in text,
    "github": lambda text: "(high%2C waived)" in text and text.count("::notice") == 2,
}


@pytest.mark.parametrize("output", FORMATS)
def test_formats_show_what_is_waived(output: str) -> None:
    """A waived violation is not hidden: each format tells it, and that it is waived."""
    assert WAIVED[output](shown(output)), shown(output)
