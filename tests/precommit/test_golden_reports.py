"""
Whole reports of pre-commit checks, each a folder: what is live, what is proposed, and the tables.

`scenario.yaml` says what it is about, and what the check is told beside policies and tables. With UPDATE_GOLDEN=1 the
reports are written instead of compared.
"""

from __future__ import annotations

import difflib
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from congresslite.analysis.documents import report_document
from congresslite.analysis.limits import MaxAffected
from congresslite.analysis.precommit import Context, precommit
from congresslite.analysis.report import Report
from congresslite.api import Engine
from congresslite.cli.prechecked import exit_of, write_checked
from congresslite.cli.rehearsal import read_policies
from congresslite.cli.settings import Settings
from congresslite.diagnostics import render
from congresslite.sources.files import open_inventory

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent for path in HERE.glob("*/scenario.yaml"))
VERDICTS = {"ok": "ok", "warn": "warn", "decide": "needs_decision", "reject": "reject", "undetermined": "warn"}


def check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The report of a scenario, with nothing in it that changes from run to run."""
    monkeypatch.chdir(folder)
    told = yaml.safe_load(Path("scenario.yaml").read_text(encoding="utf-8"))
    live = read_policies([Path("policies")]) if any(Path("policies").glob("*.dl")) else ()
    context = Context(
        owners=open_inventory(Path("data")).owners,
        undetermined=told.get("undetermined", ()),
        max_affected=MaxAffected(**{"amount": None, "percent": None, **told.get("max_affected", {})}),
    )
    engine = Engine.load(live, "data")
    report = precommit(engine, read_policies([Path("proposed")]), told.get("remove", ()), context)
    cost = replace(report.evaluation, before_s=0.1, trial_s=0.01)
    return replace(report, id="chk_0123456789abcdef", at=0.0, evaluation=cost)


def text_of(report: Report, document: dict[str, Any]) -> str:
    """What a person reads: the findings, and the report."""
    out = io.StringIO()
    write_checked(document, Settings(color=False), out=out)
    return "".join(f"{render(each)}\n" for each in report.findings) + out.getvalue()


def compare(path: Path, text: str) -> None:
    """Hold a text against a golden file."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    if text != expected:
        lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), "expected", "actual", lineterm="")
        pytest.fail("\n".join(lines))


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check finds what the scenario is about, and tells it in text and JSON as people and programs have seen it."""
    report = check(folder, monkeypatch)
    document = report_document(report)
    assert document["verdict"] == VERDICTS[folder.name.partition("-")[0]]
    assert int(exit_of(document)) == (
        1 if report.verdict in ("reject", "needs_decision") else 3 if report.undetermined else 0
    )
    compare(folder / "report.txt", text_of(report, document))
    compare(folder / "report.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("folder", SCENARIOS[:4], ids=lambda folder: folder.name)
def test_fingerprints_are_stable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same check made twice has the same fingerprint."""
    assert check(folder, monkeypatch).fingerprint == check(folder, monkeypatch).fingerprint
