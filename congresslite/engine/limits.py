"""
Limits: what keeps a bad rule from taking the machine down.

One figure bounds them all: the memory that an evaluation may take. Bindings are
made in chunks, so that few of them exist at a time, but their number is bounded
as if they were held: a product of two large tables is refused before its first
row is made, with an error that names the rule.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from congresslite.diagnostics import Diagnostic, EvaluationError
from congresslite.language.program import CheckedRule

# Bindings that are made at a time: enough that the work outweighs the calls, few enough to stay in the caches.
CHUNK = 1 << 18

# Rounds of one recursion in which expressions made new values. A path may be long; values without end are a mistake.
DEFAULT_ROUNDS = 100_000


def default_memory_limit() -> int:
    """Three quarters of the machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4


@dataclass(slots=True)
class Limits:
    """The limits of one evaluation, what has been used of them, and what was skipped (by rule place)."""

    memory: int
    clock: str
    rounds: int
    held: int = 0
    texts: int = 0  # of what is held: texts that rules computed, which stay in dictionaries
    skipped: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, memory: int | None = None, rounds: int | None = None, clock: str | None = None) -> Limits:
        """The limits of an evaluation: `memory` in bytes (default: three quarters of the machine's), `rounds` of
        recursion that make new values, and the time that `now` gives, `YYYY-MM-DD HH:MM:SS` (default: it is now, UTC).
        """
        return cls(
            default_memory_limit() if memory is None else memory,
            datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S") if clock is None else clock,
            DEFAULT_ROUNDS if rounds is None else rounds,
        )

    def beginning(self, held: int) -> Limits:
        """The same limits for something else, which begins with so many bytes held and counts for itself."""
        return replace(self, held=held, texts=0, skipped=Counter())

    def check_bindings(self, rule: CheckedRule, rows: int, width: int) -> None:
        """Refuse a rule whose bindings, `rows` of `width` variables, would not fit. Raises EvaluationError."""
        needed = rows * 4 * max(1, width)
        if self.held + needed > self.memory:
            raise EvaluationError(
                Diagnostic(
                    "CL501",
                    f"this rule of `{rule.policy}` makes at least {rows:,} bindings, which need {_size(needed)}, "
                    f"more than the limit of {_size(self.memory)}",
                    rule.span,
                    "join its tables on a common variable, or raise the limit (`--memory-limit`)",
                )
            )

    def hold(self, rule: CheckedRule, nbytes: int) -> None:
        """Count bytes that are kept for a rule. Raises EvaluationError past the limit."""
        self.held += nbytes
        if self.held > self.memory:
            message = f"the answers of this rule of `{rule.policy}` need more than the limit of {_size(self.memory)}"
            raise EvaluationError(
                Diagnostic("CL501", message, rule.span, "narrow the rule, or raise the limit (`--memory-limit`)")
            )

    def hold_texts(self, rule: CheckedRule, nbytes: int) -> None:
        """Count bytes of texts that a rule computed. Raises EvaluationError past the limit."""
        self.texts += nbytes
        self.hold(rule, nbytes)

    def endless(self, rule: CheckedRule) -> EvaluationError:
        """The error for a recursion that makes new values without end."""
        return EvaluationError(
            Diagnostic(
                "CL502",
                f"this rule of `{rule.policy}` still made new values after {self.rounds:,} rounds of recursion",
                rule.span,
                "bound the values that it makes, such as with `x < 1000`, or raise the limit (`--max-rounds`)",
            )
        )

    def skip(self, rule: CheckedRule, count: int) -> None:
        """Count bindings that a null or a wrong type dropped."""
        if count:
            self.skipped[str(rule.span)] += count


def _size(nbytes: int) -> str:
    amount = float(nbytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:,.3g} TB"
