"""
What would follow if policies of this machine went into a server; nothing changes there.

The texts go by the names of their policies; what the server says of them is
told of the files.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from congresslite.cli.client.faults import not_ours
from congresslite.cli.client.findings import Texts, diagnostics, undetermined
from congresslite.cli.client.http import Client, Reply, at
from congresslite.cli.client.proposed import by_file, read_proposed
from congresslite.cli.client.values import Foretold, told_rule, violation
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries, write
from congresslite.cli.placing import placed
from congresslite.cli.report import Report
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import number, remark, tell
from congresslite.diagnostics import Severity
from congresslite.language.program import PolicySettings
from congresslite.server.schemas.checks import Report as Answer

_LIST = TypeAdapter(list[Foretold])


@dataclass(frozen=True)
class TrialReport(Report):
    """What would come, and in words what would go and what would stay."""

    totals: Mapping[str, int] = field(default_factory=dict)
    verdict: str = ""

    def untold(self) -> str:
        """It says nothing of violations that are there already."""
        return "nothing new"

    def told(self, count: int) -> str:
        """How many violations would come."""
        total = max(count, self.totals.get("new", 0))
        return number(total, "new violation") if total else "no new violations"

    def looked_at(self) -> str:
        """What would go and stay, and what that means."""
        resolved, unchanged = self.totals.get("resolved", 0), self.totals.get("unchanged", 0)
        return f"{resolved:,} resolved, {unchanged:,} unchanged; verdict: {self.verdict.replace('_', ' ')}"


def try_policies(client: Client, paths: tuple[Path, ...], limit: int, settings: Settings) -> Exit:
    """Ask, and write the answer. Raises PolicyError, ServerError, UsageError."""
    proposed = read_proposed(paths)
    texts = by_file(proposed)
    body = {"policies": {name: source.text for name, source in proposed.items()}}
    reply = client.send("POST", at("policies:check"), Answer, body, texts=texts)
    report = _report(client, reply.body, proposed, texts, limit)
    tell(report.findings, settings)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(_document(reply, report)) + "\n")
    else:
        write(report, sys.stdout, settings)
        _remark_rest(report, reply.body, settings)
    return report.exit_code


def _report(client: Client, answer: Answer, proposed: Iterable[str], texts: Texts, limit: int) -> TrialReport:
    lacking = undetermined(answer.undetermined)
    new = [violation(each, placed(texts, each.file, each.line)) for each in _foretold(client, answer.violations.new)]
    new.sort(key=lambda each: (each.policy, each.kind, each.rule))
    modes = {**dict.fromkeys(proposed, "warn"), **{each.policy: each.mode for each in new}}
    rules = {(each.policy, each.rule): each for each in new}.values()
    rejected = answer.verdict in ("reject", "needs_decision")
    findings = diagnostics(answer.findings, texts)
    wrong = any(each.severity is Severity.ERROR for each in findings)
    return TrialReport(
        exit_code=Exit.BLOCKING if rejected else Exit.UNDETERMINED if lacking else Exit.CLEAN,
        findings=(*findings, *lacking),
        # As on this machine: of what is wrong, nothing has been evaluated.
        policies=() if wrong else tuple(PolicySettings(name, mode=mode) for name, mode in sorted(modes.items())),
        rules=tuple(
            told_rule(each.policy, each.kind, each.rule, severity=each.severity, span=each.span) for each in rules
        ),
        violations=new,
        counts=Counter(f"{each.policy}:{each.kind}" for each in new),
        base_tables=None,
        limit=limit,
        again=None,
        totals=answer.violations.totals,
        verdict=answer.verdict,
    )


def _foretold(client: Client, items: list[dict[str, Any]]) -> list[Foretold]:
    try:
        return _LIST.validate_python(items, extra="ignore")
    except ValidationError:
        raise not_ours(client.target.url, 200, b"", "it names violations in a way of its own") from None


def _document(reply: Reply[Answer], report: Report) -> dict[str, Any]:
    """What the server sent, with the findings at their places in the files of this machine."""
    return {**reply.document, "findings": [entries.finding(each) for each in report.findings]}


def _remark_rest(report: Report, answer: Answer, settings: Settings) -> None:
    """Say what the answer leaves out, so that nobody takes it for all there is."""
    shown, total = sum(report.counts.values()), answer.violations.totals.get("new", 0)
    if total > shown:
        remark(f"the server names {shown:,} of {number(total, 'new violation')}", settings)
    # Of policies that are wrong nothing is looked into, and the findings say why.
    if answer.not_analysed and not any(each.severity == "error" for each in answer.findings):
        remark(f"not looked into: {', '.join(answer.not_analysed)}", settings)
