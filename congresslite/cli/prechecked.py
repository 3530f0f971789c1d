"""
The report of a pre-commit check, in every form of output.

It is written from its document, so that a check of this machine and one of a server look the same. Formats that place
results in files are told of the texts that are known here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from congresslite.api import Violation
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries, write
from congresslite.cli.formats.checked import write_text
from congresslite.cli.placing import placed
from congresslite.cli.report import Report
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import remark
from congresslite.diagnostics import Diagnostic, Severity, Source
from congresslite.language.program import CheckedRule, PolicySettings, RuleKind

Document = Mapping[str, Any]
Texts = Mapping[str, Source]

_BLOCKING = ("reject", "needs_decision")
# Reasons that say nothing but what other results of the same report say one by one.
_COUNTED = ("CL320", "CL327", "CL330")


def exit_of(document: Document) -> Exit:
    """The exit code that a report gives."""
    if document["verdict"] in _BLOCKING:
        return Exit.BLOCKING
    # An engine below cannot tell for all of them either.
    reports = (document, *document["tiers"].values())
    return Exit.UNDETERMINED if any(each.get("undetermined") for each in reports) else Exit.CLEAN


def write_checked(
    document: Document, settings: Settings, *, findings: Iterable[Diagnostic] = (), texts: Texts | None = None,
    out: IO[str] | None = None,
) -> Exit:  # fmt: skip
    """Write a report, and give the exit code. `findings` are those of the report as values of this machine.

    `table` leaves findings to whoever calls: they go to stderr with line and caret.
    """
    to, code = out or sys.stdout, exit_of(document)
    match settings.output:
        case "json":
            to.write(entries.dumps(document) + "\n")
        case "ndjson":
            for entry in _lines(document):
                to.write(entries.dumps(entry) + "\n")
        case "table":
            write_text(document, to, settings)
        case _:
            write(_report(document, code, tuple(findings), texts or {}), to, settings)
    return code


def remark_apply(document: Document, server: str, settings: Settings) -> None:
    """Say how what was checked is committed; `server` is the option that names whose check it is, or empty."""
    if document["verdict"] == "reject":
        return
    command = f"congresslite apply {document['id']}{server}"
    if document["verdict"] == "needs_decision":
        remark(f"decide, and change the policies; or take it as it is: {command}", settings)
    else:
        remark(f"to commit exactly this: {command}", settings)


def _lines(document: Document) -> Iterator[dict[str, Any]]:
    """The parts of a report, each with its `type`; what remains comes last."""
    violations = document["violations"]
    listed = {"reason": document["reasons"], "finding": document["findings"], "conflict": document["conflicts"],
              "rule": document["rules"], "loop": document["loops"], "action": document["actions"]}  # fmt: skip
    for type_, items in listed.items():
        yield from ({"type": type_, **each} for each in items)
    for status in ("new", "resolved"):
        yield from ({"type": "violation", "status": status, **each} for each in violations[status])
    rest = {key: value for key, value in document.items() if key not in
            ("violations", *(f"{type_}s" for type_ in listed))}  # fmt: skip
    yield {"type": "summary", **rest, "violation_totals": violations["totals"]}


def _report(document: Document, code: Exit, findings: tuple[Diagnostic, ...], texts: Texts) -> Report:
    """The report as findings and violations, as formats for other programs have them."""
    new = [_violation(each, texts) for each in document["violations"]["new"]]
    rules = {(each.policy, each.rule): each for each in new}.values()
    wrong = any(each.severity is Severity.ERROR for each in findings)
    return Report(
        exit_code=code,
        findings=(*findings, *_reasons(document), *_conflicts(document, texts)),
        policies=() if wrong else tuple(_policies(document, new)),
        rules=tuple(_rule(each) for each in rules),
        violations=new,
        counts=Counter(f"{each.policy}:{each.kind}" for each in new),
        base_tables=None,
        again=None,
    )


def _policies(document: Document, new: Iterable[Violation]) -> Iterator[PolicySettings]:
    modes = {each["name"]: each["mode"] for each in document["policies"]}
    modes |= {each.policy: each.mode for each in new}
    return (PolicySettings(name, mode=mode) for name, mode in sorted(modes.items()))


def _reasons(document: Document) -> Iterator[Diagnostic]:
    for each in document["reasons"]:
        if each["code"] not in _COUNTED:
            severity = Severity.ERROR if each["verdict"] in _BLOCKING else Severity.WARNING
            yield Diagnostic(each["code"], each["message"], severity=severity)


def _conflicts(document: Document, texts: Texts) -> Iterator[Diagnostic]:
    codes = {None: "CL323", "deny": "CL324"}
    for each in document["conflicts"]:
        if each["status"] == "new":
            first = each["sides"][0]
            code = codes.get(each["decided_by"], "CL328")
            severity = Severity.WARNING if code == "CL328" else Severity.ERROR
            span = None if not first["file"] else placed(texts, first["file"], first["line"] or 1)
            yield Diagnostic(code, each["message"], span, severity=severity)


def _violation(told: Document, texts: Texts) -> Violation:
    return Violation(
        policy=told["policy"],
        rule=told["rule"],
        kind=told["kind"],
        severity=told["severity"],
        mode=told["mode"],
        table=told["table"],
        columns=tuple(told["columns"]),
        row=tuple(told["row"]),
        object=told["object"],
        message=told["message"],
        span=placed(texts, told["file"], told["line"]),
    )


def _rule(told: Violation) -> CheckedRule:
    return CheckedRule(told.policy, RuleKind(told.kind), told.table, (), (), told.rule, told.span, told.severity)
