"""
What a run found, ready for any format.

Violations may be a million and come one by one: a report is written once,
from front to back, and the tally of severities is known only afterwards.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from congresslite.cli.exits import Exit
from congresslite.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from congresslite.api import Timing, Violation
    from congresslite.language.program import CheckedRule, PolicySettings

# Severities of violations, gravest first.
SEVERITIES = ("critical", "high", "medium", "low")
DRYRUN = "dryrun"


@dataclass(frozen=True)
class Report:
    """What a run found.

    `counts` has every derived table. `listed` is False where only they are wanted: `violations` is then left alone.
    `exit_code` is known before the violations are read, so that a stream can end with it.
    """

    exit_code: Exit
    findings: tuple[Diagnostic, ...] = ()
    policies: tuple[PolicySettings, ...] = ()
    rules: tuple[CheckedRule, ...] = ()
    violations: Iterable[Violation] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    base_tables: int = 0
    timing: Timing | None = None
    listed: bool = True
    limit: int = 20  # rows of each policy that the table format shows; 0 for all
    again: str = ""  # the arguments that name the same policies and tables on another command line
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    severities: Counter[str] = field(default_factory=Counter)

    def count(self, policy: str, kind: str) -> int:
        """How many rows the `error` or `warning` rules of a policy have."""
        return self.counts.get(f"{policy}:{kind}", 0)

    def total(self, kind: str) -> int:
        """How many rows the `error` or `warning` rules of all policies have."""
        return sum(self.count(policy.name, kind) for policy in self.policies)

    def each(self) -> Iterator[Violation]:
        """The violations, counted by severity as they pass; to be gone through once."""
        if self.listed:
            for violation in self.violations:
                self.severities[violation.severity] += 1
                yield violation


def blocks(violation: Violation) -> bool:
    """Whether a violation makes the run fail: an `error` row, unless its policy is in dry run."""
    return violation.kind == Severity.ERROR and violation.mode != DRYRUN


def rule_name(identity: str) -> str:
    """A short stable name of a rule: its `@id`, or a hash of its text."""
    if re.fullmatch(r"[\w.:-]{1,64}", identity):
        return identity
    return "rule-" + hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def fingerprint(violation: Violation) -> str:
    """What stays the same for as long as the violation lasts: a hash of policy, rule and row."""
    text = json.dumps([violation.policy, violation.rule, violation.row])
    return hashlib.sha256(text.encode()).hexdigest()


def message_of(violation: Violation) -> str:
    """The message of the rule, or else the row under the names of its columns."""
    if violation.message:
        return violation.message
    pairs = zip(violation.columns, violation.row, strict=True)
    return ", ".join(f"{column} = {json.dumps(value, ensure_ascii=False)}" for column, value in pairs)
