"""
Rules and violations of a server as the values that this machine has for them.

A server tells where a rule stands by file and line, so a span here knows its
line and nothing of the text on it.
"""

from __future__ import annotations

from congresslite.api import Violation
from congresslite.cli.placing import line_span
from congresslite.diagnostics import Span
from congresslite.language.program import CheckedRule, RuleKind
from congresslite.server.schemas.common import Scalar, Strict
from congresslite.server.schemas.violations import Violation as Listed


class Foretold(Strict):
    """A violation that would come, or would go: it is in no history yet."""

    policy: str
    rule: str
    kind: str
    severity: str
    mode: str
    table: str
    columns: list[str]
    row: list[Scalar]
    object: str | None
    message: str
    file: str
    line: int


def told_rule(
    policy: str, kind: str, identity: str, *, severity: str = "medium", span: Span | None = None
) -> CheckedRule:
    """A rule as far as a server tells of it: without its head and its body."""
    known = RuleKind(kind) if kind in ("error", "warning") else RuleKind.DERIVE
    return CheckedRule(policy, known, f"{policy}:{kind}", (), (), identity, span or line_span("", 1), severity)


def violation(told: Listed | Foretold, span: Span | None = None) -> Violation:
    """A violation as formats take it; `span` is that of its rule, where it is known here."""
    return Violation(
        policy=told.policy,
        rule=told.rule,
        kind=told.kind,
        severity=told.severity,
        mode=told.mode,
        table=told.table,
        columns=tuple(told.columns),
        row=tuple(told.row),
        object=told.object,
        message=told.message,
        span=span or line_span(told.file, told.line),
    )
