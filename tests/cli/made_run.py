"""A small made-up run, so that formats and exit codes are tested without an engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from congresslite.api import Answer, Timing, Violation
from congresslite.cli.exits import Exit
from congresslite.cli.report import Report
from congresslite.diagnostics import Diagnostic, Severity, Source, Span
from congresslite.language.program import CheckedRule, PolicySettings, RuleKind

TEXT = """\
policy nfv(description = "SSD hosts for platinum tenants").

@id("R4") @severity("high") @message("{vm} runs on the HDD host {host}")
error(vm, host) :- inv:vm(id=vm, host=host), inv:host(id=host, disk="hdd").

warning(a, b) :- inv:vm(id=a, host=h), inv:vm(id=b, host=h), a < b.
"""
SOURCE = Source("rules/nfv.dl", TEXT)
DRY_SOURCE = Source("rules/my dry.dl", "error(x) :- inv:vm(id=x).\n")

WARNING = Diagnostic(
    "CL990", "`h` is used once", Span(SOURCE, TEXT.index("warning"), TEXT.index("warning") + 7),
    hint="write `_`", severity=Severity.WARNING, notes=("a note",),
)  # fmt: skip
ERROR = Diagnostic("CL991", "no table `inv:vms`", Span(SOURCE, TEXT.index("inv:vm"), TEXT.index("inv:vm") + 6))
PLACED = Diagnostic("CL992", "a row has 3 values, the header 2", place="inventory/inv/vm.csv:17")


def line_span(source: Source, number: int) -> Span:
    """The span of a whole line."""
    start = source.line_starts[number - 1]
    return Span(source, start, start + len(source.line_text(number)))


POLICIES = (
    PolicySettings("nfv", description="SSD hosts for platinum tenants", path="rules/nfv.dl"),
    PolicySettings("dry", mode="dryrun", path="rules/my dry.dl"),
    PolicySettings("empty", mode="enforce", path="rules/empty.dl"),
)


def rule(policy: str, kind: RuleKind, identity: str, span: Span, **more: Any) -> CheckedRule:
    """A rule as far as formats look at it."""
    return CheckedRule(policy, kind, f"{policy}:{kind}#1", (), (), identity, span, **more)


SHARED_HOST = "warning(a, b) :- inv:vm(id=a, host=h), inv:vm(id=b, host=h), a < b"
RULES = (
    rule(
        "nfv", RuleKind.ERROR, "R4", line_span(SOURCE, 4), severity="high", message="{vm} runs on the HDD host {host}"
    ),
    rule("nfv", RuleKind.WARNING, SHARED_HOST, line_span(SOURCE, 6)),
    rule("dry", RuleKind.ERROR, "any", line_span(DRY_SOURCE, 1), severity="low"),
    rule("empty", RuleKind.ERROR, "never", line_span(DRY_SOURCE, 1), severity="critical"),
)


def violation(number: int, row: tuple[Any, ...], **more: Any) -> Violation:
    """A row of the rule of that number."""
    about = RULES[number]
    mode = next(policy.mode for policy in POLICIES if policy.name == about.policy)
    columns = tuple("abcdef"[: len(row)])
    found = Violation(
        about.policy, about.identity, str(about.kind), about.severity, mode, f"{about.policy}:{about.kind}",
        columns, row, str(row[0]) if row else None, "", about.span,
    )  # fmt: skip
    return replace(found, **more)


VIOLATIONS = (
    violation(0, ("vm1", "h1"), columns=("vm", "host"), message="vm1 runs on the HDD host h1"),
    violation(0, ("vm2", "h1"), columns=("vm", "host"), message="vm2 runs on the HDD host h1"),
    violation(1, ("vm1", "vm2")),
    violation(2, ("vm\x1b[31m<&>\n::error::x", None, True, 0.5), object=None),
)


def report(**more: Any) -> Report:
    """The made-up run as a report."""
    given: dict[str, Any] = {
        "exit_code": Exit.BLOCKING, "findings": (WARNING, PLACED), "policies": POLICIES, "rules": RULES,
        "violations": VIOLATIONS, "counts": {"nfv:error": 2, "nfv:warning": 1, "dry:error": 1, "nfv:view": 7},
        "skipped": {"rules/nfv.dl:6:1": 3}, "base_tables": 2, "timing": Timing(0.2, 0.4, 0.11, 0.2),
        "again": "rules --data inventory", "started": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
    }  # fmt: skip
    return Report(**{**given, "severities": Counter(), **more})


@dataclass
class FakeEngine:
    """What the commands ask of an engine."""

    violations_: tuple[Violation, ...] = VIOLATIONS
    diagnostics: tuple[Diagnostic, ...] = ()
    timing: Timing = field(default_factory=lambda: Timing(0.2, 0.4, 0.11, 0.2))
    program: Any = field(default_factory=lambda: SimpleNamespace(policies=POLICIES, rules=RULES, base={"inv:vm": 0}))
    answer: Answer | Exception = field(default_factory=lambda: Answer(("x", "y"), [("b", 1), ("a", None)]))

    def tables(self) -> tuple[str, ...]:
        """The derived tables."""
        return ("dry:error", "nfv:error", "nfv:warning")

    def count(self, table: str) -> int:
        """The rows of a table."""
        return sum(1 for each in self.violations_ if each.table == table)

    def violations(self) -> Any:
        """All violations."""
        return iter(self.violations_)

    def skipped(self) -> dict[str, int]:
        """Nothing is skipped."""
        return {}

    def query(self, text: str) -> Answer:
        """The made-up answer."""
        del text
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
