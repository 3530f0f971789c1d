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
from itertools import groupby, islice
from typing import TYPE_CHECKING

from congresslite.cli.exits import Exit
from congresslite.cli.terminal import number
from congresslite.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from congresslite.api import Timing, Violation
    from congresslite.language.program import CheckedRule, PolicySettings

# Severities of violations, gravest first.
SEVERITIES = ("critical", "high", "medium", "low")
DRYRUN = "dryrun"


@dataclass(frozen=True, slots=True)
class RuleRows:
    """The violations of one rule: how many there are, and the first of them."""

    count: int
    shown: list[Violation]


@dataclass(frozen=True)
class Report:
    """What a run found.

    `counts` has every derived table. `listed` is False where only they are wanted: `violations` is then left alone.
    `exit_code` is known before the violations are read, so that a stream can end with it. Whoever looks elsewhere for
    violations than in a run on this machine says so in a class of its own.
    """

    exit_code: Exit
    findings: tuple[Diagnostic, ...] = ()
    policies: tuple[PolicySettings, ...] = ()
    rules: tuple[CheckedRule, ...] = ()
    violations: Iterable[Violation] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    base_tables: int | None = 0  # None: not known
    timing: Timing | None = None
    listed: bool = True
    limit: int = 20  # rows of each policy that the table format shows; 0 for all
    again: str | None = ""  # what names the same policies and tables on another command line; None: nothing does
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    severities: Counter[str] = field(default_factory=Counter)
    waived: Counter[str] = field(default_factory=Counter)  # of those, what waivers cover, by severity

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
                self.waived[violation.severity] += violation.waiver is not None
                yield violation

    def by_policy(self) -> Iterator[tuple[str, list[RuleRows]]]:
        """The violations by policy and rule, at most `limit` of each rule (0: all), instead of `each`."""
        for name, rows in groupby(self.each(), lambda violation: violation.policy):
            yield name, [_rows(group, self.limit) for _, group in groupby(rows, lambda violation: violation.rule)]

    def untold(self) -> str:
        """What is to be said of policies without violations, in words."""
        return "clean"

    def told(self, count: int) -> str:
        """So many violations, in words."""
        return number(count, "violation") if count else "no violations"

    def looked_at(self) -> str:
        """What was looked at, in words."""
        checked = f"checked {number(len(self.rules), 'rule')} over {number(self.base_tables or 0, 'table')}"
        if self.timing is not None:
            checked += f" in {self.timing.load_s + self.timing.evaluate_s:.2f} s"
        return checked


def _rows(violations: Iterator[Violation], limit: int) -> RuleRows:
    shown = list(islice(violations, limit or None))
    return RuleRows(len(shown) + sum(1 for _ in violations), shown)


def blocks(violation: Violation) -> bool:
    """Whether a violation makes the run fail: an `error` row without a waiver, unless its policy is in dry run."""
    return violation.kind == Severity.ERROR and violation.mode != DRYRUN and violation.waiver is None


def rule_name(identity: str) -> str:
    """A short stable name of a rule: its `@id`, or a hash of its text."""
    if re.fullmatch(r"[\w.:-]{1,64}", identity):
        return identity
    return "rule-" + hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def fingerprint(violation: Violation) -> str:
    """What stays the same for as long as the violation lasts: a hash of policy, rule and row."""
    from congresslite.policy.violations import violation_id

    return violation_id(violation.policy, violation.rule, violation.row)


def message_of(violation: Violation) -> str:
    """The message of the rule, or else the row under the names of its columns."""
    if violation.message:
        return violation.message
    pairs = zip(violation.columns, violation.row, strict=True)
    return ", ".join(f"{column} = {json.dumps(value, ensure_ascii=False)}" for column, value in pairs)
