"""
The public engine: policies and tables in, answers out.

This is the one module that knows both where rules and rows come from and how
they are evaluated. Whoever embeds congresslite uses `Engine`; the command line
does nothing that it could not do through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from congresslite.diagnostics import Diagnostic, Span
from congresslite.language.program import Program
from congresslite.policy import Policy
from congresslite.schema import Row, TableSchema

__all__ = ["Answer", "Engine", "Policy", "Timing", "Violation"]

# Told what is being done and how far it is: (what, done, total); total is 0 where it is not known.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of wall clock and of processor time (all threads) for reading and for evaluating."""

    load_s: float
    load_cpu_s: float
    evaluate_s: float
    evaluate_cpu_s: float


@dataclass(frozen=True, slots=True)
class Violation:
    """One row of an `error` or `warning` rule. `rule` is the rule's identity, `place` where it stands."""

    policy: str
    rule: str
    kind: str  # "error" or "warning"
    severity: str
    mode: str
    table: str  # "nfv:error"
    columns: tuple[str, ...]
    row: Row
    object: str | None  # the value that names the object, as text
    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, under the names of its variables in order of appearance."""

    columns: tuple[str, ...]
    rows: list[Row]


class Engine:
    """Policies evaluated over tables."""

    program: Program
    diagnostics: tuple[Diagnostic, ...]  # warnings about the policies and the rows; errors are raised
    timing: Timing

    @classmethod
    def load(
        cls,
        policies: Iterable[str | Path | Policy],
        data: str | Path | None = None,
        *,
        engine: str = "columnar",
        memory_limit: int | None = None,
        progress: Progress | None = None,
    ) -> Engine:
        """Read, check and evaluate.

        `policies` are paths, folders or Policy objects; `data` is a folder of `SOURCE/TABLE.csv|json|ndjson|parquet`;
        `engine` is "columnar" or "reference"; `memory_limit` is in bytes (default: three quarters of the memory).
        Raises PolicyError, SourceError or EvaluationError, each with all its findings.
        """
        raise NotImplementedError

    def tables(self) -> tuple[str, ...]:
        """The names of all derived tables, as users know them (`nfv:error`, not its parts), sorted."""
        raise NotImplementedError

    def schema(self, table: str) -> TableSchema:
        """The schema of a table, derived or of a source. Raises KeyError if there is none of that name."""
        raise NotImplementedError

    def count(self, table: str) -> int:
        """How many rows a table has; for `error` and `warning`, rows of each rule. Raises KeyError."""
        raise NotImplementedError

    def rows(self, table: str) -> list[Row]:
        """The rows of a table, in no particular order. Raises KeyError."""
        raise NotImplementedError

    def violations(self) -> Iterator[Violation]:
        """Every row of every `error` and `warning` rule, by policy and rule in the order of the files."""
        raise NotImplementedError

    def query(self, text: str) -> Answer:
        """The bindings of a body, or the rows of an atom. Raises PolicyError for a query that is not right."""
        raise NotImplementedError

    def skipped(self) -> Mapping[str, int]:
        """For each rule (its place), how many bindings were skipped for a null or a wrong type."""
        raise NotImplementedError
