"""
SARIF 2.1.0: static analysis results, as code hosts and editors read them.

A violation is placed at its rule in the policy, since the row itself stands in
no file; the row is in the result's properties. Results are written as they
come; the rules that they name follow them, as the order of keys is free.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from congresslite import __version__
from congresslite.cli.formats import entries
from congresslite.cli.formats.json import write_list
from congresslite.cli.report import blocks, fingerprint, message_of, rule_name
from congresslite.diagnostics import Severity
from congresslite.diagnostics.codes import CODES

if TYPE_CHECKING:
    from congresslite.api import Violation
    from congresslite.cli.report import Report
    from congresslite.cli.settings import Settings
    from congresslite.diagnostics import Diagnostic, Span
    from congresslite.language.program import CheckedRule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# The scale on which code hosts rank results, from 0 to 10.
_RANKS = {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "2.0"}


def write(report: Report, out: IO[str], settings: Settings) -> None:
    """Write one run with its results, its rules and whether it succeeded."""
    del settings
    out.write(f'{{"$schema": "{SCHEMA}", "version": "2.1.0", "runs": [{{\n"results": ')
    write_list(out, _results(report))
    driver = {
        "name": "congresslite",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": _rules(report),
    }
    invocation = {"executionSuccessful": int(report.exit_code) < 2, "exitCode": int(report.exit_code)}
    out.write(f',\n"tool": {entries.dumps({"driver": driver})}')
    out.write(f',\n"invocations": [{entries.dumps(invocation)}]')
    out.write(',\n"columnKind": "unicodeCodePoints"}]}\n')


def _results(report: Report) -> Iterator[entries.Entry]:
    for finding in report.findings:
        yield _finding(finding)
    for violation in report.each():
        yield _violation(violation)


def _finding(finding: Diagnostic) -> entries.Entry:
    text = finding.message if finding.span or not finding.where else f"{finding.where}: {finding.message}"
    notes = [*finding.notes, *([f"hint: {finding.hint}"] if finding.hint else [])]
    return {
        "ruleId": finding.code,
        "level": "error" if finding.severity is Severity.ERROR else "warning",
        "message": {"text": "\n".join([text, *notes])},
        **_locations(finding.span),
    }


def _violation(violation: Violation) -> entries.Entry:
    told_only = violation.mode == "dryrun" or violation.waiver is not None
    level = "error" if blocks(violation) else "note" if told_only else "warning"
    accepted = {"kind": "external", "status": "accepted", "justification": f"waiver {violation.waiver}"}
    return {
        "ruleId": f"{violation.policy}/{rule_name(violation.rule)}",
        "level": level,
        "message": {"text": message_of(violation)},
        **_locations(violation.span, violation.object),
        "partialFingerprints": {"congresslite/v1": fingerprint(violation)},
        **({} if violation.waiver is None else {"suppressions": [accepted]}),
        "properties": {
            "policy": violation.policy,
            "severity": violation.severity,
            "mode": violation.mode,
            "table": violation.table,
            "columns": list(violation.columns),
            "row": list(violation.row),
        },
    }


def _locations(span: Span | None, name: str | None = None) -> entries.Entry:
    location: entries.Entry = {}
    if span is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(span.source.name)},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.end_line,
                "endColumn": span.end_column,
            },
        }
    if name is not None:
        location["logicalLocations"] = [{"name": name, "kind": "resource"}]
    return {"locations": [location]} if location else {}


def _uri(path: str) -> str:
    return Path(path).as_uri() if Path(path).is_absolute() else quote(Path(path).as_posix())


def _rules(report: Report) -> list[entries.Entry]:
    codes = {finding.code for finding in report.findings}
    found = [
        {"id": code, "shortDescription": {"text": CODES.get(code, code)}, "properties": {"tags": ["policy-language"]}}
        for code in sorted(codes)
    ]
    rules = {f"{rule.policy}/{rule_name(rule.identity)}": rule for rule in report.rules}
    return found + [_rule(name, rule, report) for name, rule in rules.items()]


def _rule(name: str, rule: CheckedRule, report: Report) -> entries.Entry:
    about = next((policy.description for policy in report.policies if policy.name == rule.policy), "")
    entry: entries.Entry = {
        "id": name,
        "shortDescription": {"text": rule.message or rule.identity},
        "defaultConfiguration": {"level": str(rule.kind)},
        "properties": {"security-severity": _RANKS.get(rule.severity, "5.0"), "tags": [rule.policy, rule.severity]},
    }
    if about:
        entry["fullDescription"] = {"text": about}
    return entry
