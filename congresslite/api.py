"""
The public engine: policies and tables in, answers out.

This is the one module that knows both where rules and rows come from and how
they are evaluated. Whoever embeds congresslite uses `Engine`; the command line
does nothing that it could not do through it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from congresslite.diagnostics import Diagnostic, PolicyError, Severity, Source, SourceError
from congresslite.engine import Limits, open_database
from congresslite.language.check import check
from congresslite.language.parser import parse_query
from congresslite.language.program import Program
from congresslite.language.query import check_query
from congresslite.policy import Policy
from congresslite.policy.loading import UNREADABLE, load_policies
from congresslite.policy.violations import Answers, Violation, violations
from congresslite.schema import Catalog, Row, TableData, TableSchema
from congresslite.sources import open_inventory

__all__ = ["Answer", "Engine", "Policy", "Timing", "Violation"]

# Told what is being done and how far it is: (what, done, total); total is 0 where it is not known.
Progress = Callable[[str, int, int], None]

# How a policy, or a folder of them, may be given.
Given = str | Path | Policy

ENGINES = ("columnar", "reference")


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of wall clock and of processor time (all threads) for reading and for evaluating."""

    load_s: float = 0.0
    load_cpu_s: float = 0.0
    evaluate_s: float = 0.0
    evaluate_cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, under the names of its variables in order of appearance."""

    columns: tuple[str, ...]
    rows: list[Row]


class Engine:
    """Policies evaluated over tables. Made by `load`."""

    def __init__(
        self, program: Program, catalog: Catalog, answers: Answers, diagnostics: tuple[Diagnostic, ...], timing: Timing
    ) -> None:
        self.program = program
        self.diagnostics = diagnostics  # warnings about the policies and the rows; errors are raised
        self.timing = timing
        self._catalog = catalog
        self._answers = answers

    @classmethod
    def load(
        cls,
        policies: Given | Iterable[Given],
        data: str | Path | None = None,
        *,
        engine: str = "columnar",
        memory_limit: int | None = None,
        max_rounds: int | None = None,
        progress: Progress | None = None,
    ) -> Engine:
        """Read, check and evaluate.

        `policies` are paths, folders or Policy objects; `data` is a folder of `SOURCE/TABLE.csv|json|ndjson|parquet`;
        `engine` is "columnar" or "reference"; `memory_limit` is in bytes (default: three quarters of the memory),
        `max_rounds` how long a recursion may make new values (default: 100,000 rounds).
        Raises PolicyError, SourceError or EvaluationError, each with all its findings.
        """
        if engine not in ENGINES:
            raise ValueError(f"no engine `{engine}`: choose one of {', '.join(ENGINES)}")
        if isinstance(policies, str | Path | Policy):
            policies = [policies]
        tell = progress or _silent
        clock = _Clock()
        tell("reading", 0, 0)
        inventory = open_inventory(Path(data)) if data is not None else None
        catalog = Catalog() if inventory is None else inventory.catalog
        program, warnings = _checked(policies, catalog)
        tables: Mapping[str, TableData] = {} if inventory is None else inventory.tables
        limits = Limits.of(memory_limit, max_rounds)
        run = _columnar if engine == "columnar" else _reference
        answers, found = run(program, tables, limits, tell, clock)
        if inventory is not None:
            inventory.release()
        return cls(program, catalog, answers, (*warnings, *found), clock.timing)

    def tables(self) -> tuple[str, ...]:
        """The names of all derived tables, as users know them (`nfv:error`, not its parts), sorted."""
        parts = {part for names in self.program.answers.values() for part in names}
        inner = {name for name in self.program.tables if name in parts or not _is_user_name(name)}
        return tuple(sorted((self.program.tables.keys() - inner) | self.program.answers.keys()))

    def schema(self, table: str) -> TableSchema:
        """The schema of a table, derived or of a source. Raises KeyError if there is none of that name.

        For `error` and `warning` it is that of the first rule; each rule may have columns of its own.
        """
        parts = self.program.answers.get(table)
        if parts:
            return replace(self.program.tables[parts[0]], name=table)
        return self.program.tables.get(table) or self._catalog[table]

    def count(self, table: str) -> int:
        """How many rows a table has; for `error` and `warning`, rows of each rule. Raises KeyError."""
        return self._answers.count(table)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table, in no particular order. Raises KeyError."""
        return self._answers.rows(table)

    def violations(self) -> Iterator[Violation]:
        """Every row of every `error` and `warning` rule, by policy and rule in the order of the files."""
        return violations(self.program, self._answers)

    def query(self, text: str) -> Answer:
        """The bindings of a body, or the rows of an atom. Raises PolicyError for a query that is not right."""
        source = Source("query", text)
        body, found = parse_query(source)
        if body is None or _has_errors(found):
            raise PolicyError(found)
        asked = check_query(body, source, self.program, self._catalog)
        if not asked.rules:
            raise PolicyError(asked.diagnostics)
        return Answer(asked.columns, self._answers.query(asked.rules, asked.tables))

    def skipped(self) -> Mapping[str, int]:
        """For each rule (its place), how many bindings were skipped for a null or a wrong type."""
        return self._answers.skipped()


def _checked(policies: Iterable[Given], catalog: Catalog) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program of these policies and the warnings about it. Raises PolicyError with everything that is wrong.

    A file that cannot be read is no wrong policy but a SourceError.
    """
    files, found = load_policies(policies)
    checked = check(files, catalog, syntax=found)
    if any(each.code in UNREADABLE and each.severity is Severity.ERROR for each in found):
        raise SourceError(checked.diagnostics)
    if checked.program is None or _has_errors(checked.diagnostics):
        raise PolicyError(checked.diagnostics)
    return checked.program, checked.diagnostics


def _has_errors(findings: Iterable[Diagnostic]) -> bool:
    return any(each.severity is Severity.ERROR for each in findings)


def _is_user_name(table: str) -> bool:
    """Whether a derived table has a name that a user could write (`nfv:error/2` is made for a rule that reads it)."""
    return not set(table) & {"#", "/"}


Run = tuple[Answers, tuple[Diagnostic, ...]]


def _columnar(program: Program, tables: Mapping[str, TableData], limits: Limits, tell: Progress, clock: _Clock) -> Run:
    database = open_database(program, tables, limits)
    database.load()
    found = database.constraint_violations()
    clock.loaded()
    with clock.evaluating():
        database.evaluate(lambda done, total: tell("evaluating", done, total))
    return database, found


def _reference(program: Program, tables: Mapping[str, TableData], limits: Limits, tell: Progress, clock: _Clock) -> Run:
    from congresslite.engine.reference.answers import ReferenceAnswers  # noqa: PLC0415 - pyDatalog is optional

    answers = ReferenceAnswers(program, tables, clock=limits.clock)
    clock.loaded()
    tell("evaluating", 0, 0)
    with clock.evaluating():
        answers.evaluate()
    return answers, ()


class _Clock:
    """Measures the two parts of a load."""

    def __init__(self) -> None:
        self._started = self._now()
        self.timing = Timing()

    def loaded(self) -> None:
        """Note that everything has been read."""
        wall, cpu = self._since(self._started)
        self.timing = replace(self.timing, load_s=wall, load_cpu_s=cpu)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Measure the evaluation."""
        started = self._now()
        yield
        wall, cpu = self._since(started)
        self.timing = replace(self.timing, evaluate_s=wall, evaluate_cpu_s=cpu)

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def _since(self, start: tuple[float, float]) -> tuple[float, float]:
        wall, cpu = self._now()
        return wall - start[0], cpu - start[1]


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody wants to see."""
