"""
The engine: policies and tables in, answers out, kept current.

This is the one module that knows both where rules and rows come from and how
they are evaluated. Whoever embeds congresslite uses `Engine`; the command line
does nothing that it could not do through it.

One thread at a time writes (`apply`); any number read. Every method that asks
something asks the latest snapshot, which is complete and never changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from congresslite.api.snapshot import Answer, Snapshot, has_errors
from congresslite.api.timing import Clock, Timing
from congresslite.diagnostics import Diagnostic, PolicyError, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.engine import Database, Limits, open_database
from congresslite.engine.explanation.lookup import Pattern
from congresslite.engine.explanation.proofs import Proof, WhyNot
from congresslite.language.check import check
from congresslite.language.program import Program
from congresslite.language.renaming import keep_names
from congresslite.language.syntax import PolicyFile
from congresslite.policy import Policy
from congresslite.policy.loading import UNREADABLE, load_policies
from congresslite.policy.violations import Answers, Violation
from congresslite.schema import Catalog, Changes, Delta, Row, TableData, TableSchema
from congresslite.sources import open_inventory

# Told what is being done and how far it is: (what, done, total); total is 0 where it is not known.
Progress = Callable[[str, int, int], None]

# How a policy, or a folder of them, may be given.
Given = str | Path | Policy
# And tables: a folder of files, or tables by full name.
Data = str | Path | Mapping[str, TableData]

ENGINES = ("columnar", "duckdb", "reference")


class Engine:
    """Policies evaluated over tables. Made by `load`."""

    def __init__(
        self,
        snapshot: Snapshot,
        files: tuple[PolicyFile, ...],
        catalog: Catalog,
        timing: Timing,
        database: Database | None,
    ) -> None:
        self.timing = timing
        self._catalog, self._database = catalog, database
        # Together, so that whoever takes them has policies and tables that belong to each other.
        self._current = files, snapshot
        self._writing = threading.Lock()

    @classmethod
    def load(
        cls,
        policies: Given | Iterable[Given],
        data: Data | None = None,
        *,
        engine: str = "columnar",
        memory_limit: int | None = None,
        max_rounds: int | None = None,
        progress: Progress | None = None,
    ) -> Engine:
        """Read, check and evaluate.

        `policies` are paths, folders or Policy objects; `data` is a folder of `SOURCE/TABLE.csv|json|ndjson|parquet`,
        or tables by full name; `engine` is "columnar", "duckdb" or "reference"; `memory_limit` is in bytes (default:
        three quarters of the memory), `max_rounds` how long a recursion may make new values (default: 100,000
        rounds). Raises PolicyError, SourceError or EvaluationError, each with all its findings.
        """
        if engine not in ENGINES:
            raise ValueError(f"no engine `{engine}`: choose one of {', '.join(ENGINES)}")
        tell = progress or _silent
        clock = Clock()
        tell("reading", 0, 0)
        tables, catalog, release = _opened(data)
        files, program, warnings = _checked(_listed(policies), (), catalog)
        limits = Limits.of(memory_limit, max_rounds)
        answers = _RUNS[engine](program, tables, limits, tell, clock)
        release()
        database = answers if isinstance(answers, Database) else None
        snapshot = Snapshot(program, warnings, catalog, answers if database is None else database.snapshot())
        return cls(snapshot, files, catalog, clock.timing, database)

    # -- changes ---------------------------------------------------------------------------------

    def apply(
        self,
        changes: Mapping[str, Delta] | None = None,
        *,
        policies: Given | Iterable[Given] = (),
        remove: Iterable[str] = (),
    ) -> Changes:
        """Take one batch of changes; returns what came and went in each derived table.

        `changes` are rows of source tables: an insert wins over a delete of the same row; to delete what is not there,
        or insert what is, does nothing. `policies` are added, or replace those of the same names; `remove` names
        policies that go. Either everything is applied, or nothing: raises PolicyError, SourceError or EvaluationError.
        Only the columnar engine takes changes: raises TypeError.
        """
        database = self._columnar()
        with self._writing:
            files, program, warnings = self._revised(self._current, policies, remove)
            found = database.apply(changes or {}, program)
            tables = database.snapshot()
            self._current = files, Snapshot(tables.program, warnings, self._catalog, tables)
            return found

    def what_if(
        self,
        changes: Mapping[str, Delta] | None = None,
        *,
        policies: Given | Iterable[Given] = (),
        remove: Iterable[str] = (),
    ) -> Changes:
        """What `apply` would return now. Nothing changes, and nobody waits, whoever else asks or applies."""
        self._columnar()
        current = self._current
        _, program, _ = self._revised(current, policies, remove)
        return current[1].what_if(changes or {}, program)

    def _columnar(self) -> Database:
        if self._database is None:
            raise TypeError("only the columnar engine takes changes")
        return self._database

    def _revised(
        self, current: tuple[tuple[PolicyFile, ...], Snapshot], policies: Given | Iterable[Given], remove: Iterable[str]
    ) -> tuple[tuple[PolicyFile, ...], Program | None, tuple[Diagnostic, ...]]:
        """The policies after a change, their program (None if they stay as they are) and the warnings."""
        files, snapshot = current
        given, names = _listed(policies), {remove} if isinstance(remove, str) else set(remove)
        if not given and not names:
            return files, None, snapshot.warnings
        known = {file.name: file for file in files}
        unknown = sorted(names - known.keys())
        if unknown:
            raise PolicyError([_unknown_policy(name, known) for name in unknown])
        kept = [file for name, file in known.items() if name not in names]
        revised, program, warnings = _checked(given, kept, self._catalog)
        return revised, keep_names(program, snapshot.program), warnings

    # -- questions -------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The latest state, whole; it stays as it is, whatever is applied later."""
        return self._current[1]

    @property
    def program(self) -> Program:
        """The checked policies."""
        return self.snapshot().program

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings about the policies and the rows; errors are raised."""
        return self.snapshot().diagnostics

    def tables(self) -> tuple[str, ...]:
        """See `Snapshot.tables`."""
        return self.snapshot().tables()

    def schema(self, table: str) -> TableSchema:
        """See `Snapshot.schema`."""
        return self.snapshot().schema(table)

    def count(self, table: str) -> int:
        """See `Snapshot.count`."""
        return self.snapshot().count(table)

    def rows(self, table: str) -> list[Row]:
        """See `Snapshot.rows`."""
        return self.snapshot().rows(table)

    def violations(self) -> Iterator[Violation]:
        """See `Snapshot.violations`."""
        return self.snapshot().violations()

    def query(self, text: str) -> Answer:
        """See `Snapshot.query`."""
        return self.snapshot().query(text)

    def skipped(self) -> Mapping[str, int]:
        """See `Snapshot.skipped`."""
        return self.snapshot().skipped()

    def explain(self, table: str, row: Row, *, limit: int | None = 20, whole: bool = False) -> Proof | None:
        """See `Snapshot.explain`."""
        return self.snapshot().explain(table, row, limit=limit, whole=whole)

    def why_not(self, table: str, row: Pattern, *, whole: bool = False) -> WhyNot | None:
        """See `Snapshot.why_not`."""
        return self.snapshot().why_not(table, row, whole=whole)


def _listed(policies: Given | Iterable[Given]) -> list[Given]:
    return [policies] if isinstance(policies, str | Path | Policy) else list(policies)


def _opened(data: Data | None) -> tuple[Mapping[str, TableData], Catalog, Callable[[], None]]:
    """The tables of a folder, or those given; and how to forget what was read of files."""
    if data is None:
        return {}, Catalog(), lambda: None
    if isinstance(data, Mapping):
        return data, Catalog.of(table.schema for table in data.values()), lambda: None
    inventory = open_inventory(Path(data))
    return inventory.tables, inventory.catalog, inventory.release


def _checked(
    given: Iterable[Given], kept: Iterable[PolicyFile], catalog: Catalog
) -> tuple[tuple[PolicyFile, ...], Program, tuple[Diagnostic, ...]]:
    """The given policies in place of kept ones of the same names, their program, and the warnings.

    Raises PolicyError with everything that is wrong; a file that cannot be read is no wrong policy but a SourceError.
    """
    read, found = load_policies(given)
    files = _replaced(kept, read)
    checked = check(files, catalog, syntax=found)
    if any(each.code in UNREADABLE for each in found if has_errors([each])):
        raise SourceError(checked.diagnostics)
    if checked.program is None or has_errors(checked.diagnostics):
        raise PolicyError(checked.diagnostics)
    return files, checked.program, checked.diagnostics


def _replaced(kept: Iterable[PolicyFile], read: Iterable[PolicyFile]) -> tuple[PolicyFile, ...]:
    """The kept policies, each replaced by the new ones of its name, and those that are new."""
    fresh = list(read)
    names = {file.name for file in fresh}
    result: list[PolicyFile] = []
    for file in kept:
        if file.name not in names:
            result.append(file)
            continue
        same = [each for each in fresh if each.name == file.name]
        result += same
        fresh = [each for each in fresh if each.name != file.name]
    return (*result, *fresh)


def _unknown_policy(name: str, known: Iterable[str]) -> Diagnostic:
    return Diagnostic(
        "CL455", f"there is no policy `{name}` to remove", None, near_or_listed(name, known, "policies are")
    )


def _columnar(
    program: Program, tables: Mapping[str, TableData], limits: Limits, tell: Progress, clock: Clock
) -> Answers:
    database = open_database(program, tables, limits)
    database.load()
    clock.loaded()
    with clock.evaluating():
        database.evaluate(lambda done, total: tell("evaluating", done, total))
    return database


def _reference(
    program: Program, tables: Mapping[str, TableData], limits: Limits, tell: Progress, clock: Clock
) -> Answers:
    from congresslite.engine.reference.answers import ReferenceAnswers  # noqa: PLC0415 - pyDatalog is optional

    reference = ReferenceAnswers(program, tables, clock=limits.clock)
    clock.loaded()
    tell("evaluating", 0, 0)
    with clock.evaluating():
        reference.evaluate()
    return reference


def _duckdb(program: Program, tables: Mapping[str, TableData], limits: Limits, tell: Progress, clock: Clock) -> Answers:
    from congresslite.engine.sql import duckdb_answers  # noqa: PLC0415 - DuckDB is optional

    answers = duckdb_answers(program, tables, clock=limits.clock, max_rounds=limits.rounds, memory=limits.memory)
    answers.load()
    clock.loaded()
    tell("evaluating", 0, 0)
    with clock.evaluating():
        answers.evaluate()
    return answers


_RUNS: Mapping[str, Callable[..., Answers]] = {"columnar": _columnar, "duckdb": _duckdb, "reference": _reference}


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody wants to see."""
