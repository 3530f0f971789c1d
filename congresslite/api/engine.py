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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from congresslite.api.snapshot import Answer, Snapshot, Trial, has_errors
from congresslite.api.timing import Clock, Timing
from congresslite.diagnostics import Diagnostic, PolicyError, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.engine import Database, Limits, open_database
from congresslite.engine.explanation.lookup import Pattern
from congresslite.engine.explanation.proofs import Proof, WhyNot
from congresslite.language.check import check
from congresslite.language.checks.policies import taken_sources
from congresslite.language.program import Program
from congresslite.language.reads import effect_tables, tables_read
from congresslite.language.renaming import keep_names
from congresslite.language.resolution.settings import TIERS
from congresslite.language.syntax import PolicyFile
from congresslite.policy import Policy
from congresslite.policy.conflicts import ForeignRule, with_conflicts
from congresslite.policy.loading import UNREADABLE, load_policies
from congresslite.policy.violations import Answers, Violation
from congresslite.schema import Catalog, Changes, Delta, Replacement, Row, TableData, TableSchema
from congresslite.sources import open_inventory

# Told what is being done and how far it is: (what, done, total); total is 0 where it is not known.
Progress = Callable[[str, int, int], None]

# How a policy, or a folder of them, may be given.
Given = str | Path | Policy
# And tables: a folder of files, or tables by full name.
Data = str | Path | Mapping[str, TableData]

ENGINES = ("columnar", "duckdb", "reference")


@dataclass(frozen=True, slots=True)
class _Policies:
    """Policies that have been checked: what they say, the warnings, and what they may contradict."""

    files: tuple[PolicyFile, ...]
    plain: Program
    warnings: tuple[Diagnostic, ...]
    levels: tuple[str, ...]
    level: str | None
    foreign: tuple[ForeignRule, ...]

    def program(self, catalog: Catalog) -> Program:
        """The program that derives their conflicts too."""
        return with_conflicts(self.plain, self.foreign, catalog.tables, levels=self.levels)


class Engine:
    """Policies evaluated over tables. Made by `load`."""

    def __init__(
        self,
        snapshot: Snapshot,
        policies: _Policies,
        catalog: Catalog,
        timing: Timing,
        database: Database | None,
    ) -> None:
        self.timing = timing
        self._catalog, self._database = catalog, database
        # Together, so that whoever takes them has policies and tables that belong to each other.
        self._current = policies, snapshot
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
        levels: Sequence[str] = TIERS,
        level: str | None = None,
        foreign: Iterable[ForeignRule] = (),
        progress: Progress | None = None,
    ) -> Engine:
        """Read, check and evaluate.

        `policies` are paths, folders or Policy objects; `data` is a folder of `SOURCE/TABLE.csv|json|ndjson|parquet`,
        or tables by full name; `engine` is "columnar", "duckdb" or "reference"; `memory_limit` is in bytes (default:
        three quarters of the memory), `max_rounds` how long a recursion may make new values (default: 100,000
        rounds), `levels` the tiers that policies may belong to, the top first, `level` the one of this engine, above
        which no policy is but those from above, `foreign` the rules of other engines that may contradict these.
        Raises PolicyError, SourceError or EvaluationError, each with all its findings.
        """
        if engine not in ENGINES:
            raise ValueError(f"no engine `{engine}`: choose one of {', '.join(ENGINES)}")
        tell = progress or _silent
        clock = Clock()
        tell("reading", 0, 0)
        tables, catalog, release = _opened(data)
        checked = _checked(_listed(policies), (), catalog, tuple(levels), level=level, foreign=tuple(foreign))
        program = checked.program(catalog)
        limits = Limits.of(memory_limit, max_rounds)
        answers = _RUNS[engine](program, tables, limits, tell, clock)
        release()
        database = answers if isinstance(answers, Database) else None
        state = answers if database is None else database.snapshot()
        snapshot = Snapshot(program, checked.warnings, catalog, state)
        return cls(snapshot, checked, catalog, clock.timing, database)

    # -- changes ---------------------------------------------------------------------------------

    def apply(
        self,
        changes: Mapping[str, Delta | Replacement] | None = None,
        *,
        policies: Given | Iterable[Given] = (),
        remove: Iterable[str] = (),
    ) -> Changes:
        """Take one batch of changes; returns what came and went in each derived table.

        `changes` are rows of source tables: an insert wins over a delete of the same row; to delete what is not there,
        or insert what is, does nothing. A Replacement says what a table, or a part of it, holds from
        now on. `policies` are added, or replace those of the same names; `remove` names policies that go. Either
        everything is applied, or nothing: raises PolicyError, SourceError or EvaluationError.
        Only the columnar engine takes changes: raises TypeError.
        """
        database = self._columnar()
        with self._writing:
            revised, program = self._revised(self._current, policies, remove)
            return self._apply(database, changes or {}, revised, program)

    def oppose(self, foreign: Iterable[ForeignRule]) -> Changes:
        """Take these rules of other engines, instead of those before, as such that may contradict the policies.

        Their rows are those of source tables. Returns what came and went in each derived table, conflicts among them;
        all or nothing: raises EvaluationError, and KeyError for a table that there is not.
        """
        database = self._columnar()
        with self._writing:
            policies, snapshot = self._current
            revised = replace(policies, foreign=tuple(foreign))
            program = keep_names(revised.program(self._catalog), snapshot.program)
            return self._apply(database, {}, revised, program)

    def _apply(
        self,
        database: Database,
        changes: Mapping[str, Delta | Replacement],
        policies: _Policies,
        program: Program | None,
    ) -> Changes:
        """The next state, published. Whoever calls is the one who writes."""
        found = database.apply(changes, program)
        tables = database.snapshot()
        self._current = policies, Snapshot(tables.program, policies.warnings, self._catalog, tables)
        return found

    def advance(self, clock: str | None = None) -> Changes:
        """Let it be another time (`YYYY-MM-DD HH:MM:SS`, UTC; by default it is now) for rules that ask `now`.

        Returns what came and went in each derived table. Raises EvaluationError.
        """
        database = self._columnar()
        with self._writing:
            found = database.advance(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S") if clock is None else clock)
            policies, before = self._current
            self._current = policies, Snapshot(before.program, before.warnings, self._catalog, database.snapshot())
            return found

    def what_if(
        self,
        changes: Mapping[str, Delta | Replacement] | None = None,
        *,
        policies: Given | Iterable[Given] = (),
        remove: Iterable[str] = (),
    ) -> Changes:
        """What `apply` would return now. Nothing changes, and nobody waits, whoever else asks or applies."""
        return self.trial(changes, policies=policies, remove=remove).changes

    def trial(
        self,
        changes: Mapping[str, Delta | Replacement] | None = None,
        *,
        policies: Given | Iterable[Given] = (),
        remove: Iterable[str] = (),
    ) -> Trial:
        """As `what_if`, with the state that there would be, of which everything can be asked."""
        self._columnar()
        current = self._current
        revised, program = self._revised(current, policies, remove)
        return current[1].trial(changes or {}, program, revised.warnings)

    def attach(self, tables: Mapping[str, TableData]) -> None:
        """Take further source tables, by full name, which policies may read from now on.

        Raises SourceError for a source whose name is a policy's or has a meaning, ValueError for a table that there is.
        """
        database = self._columnar()
        with self._writing:
            known = sorted(tables.keys() & self._catalog.keys())
            if known:
                raise ValueError(f"there is a table `{known[0]}` already")
            catalog = Catalog.of([*self._catalog.tables.values(), *(each.schema for each in tables.values())])
            taken = list(taken_sources(catalog.sources, {file.name for file in self._current[0].files}))
            if taken:
                raise SourceError(taken)
            database.attach(tables)
            self._publish(catalog)

    def detach(self, tables: Iterable[str]) -> None:
        """Forget source tables. Raises PolicyError if a policy reads one of them, KeyError for what there is not."""
        database, gone = self._columnar(), set(tables)
        with self._writing:
            read = self.program.base.keys() | effect_tables(self.program)
            readers = [_still_read(name, self.program) for name in sorted(gone & read)]
            if readers:
                raise PolicyError(readers)
            missing = sorted(gone - self._catalog.keys())
            if missing:
                raise KeyError(missing[0])
            database.detach(gone)
            self._publish(Catalog.of(each for name, each in self._catalog.tables.items() if name not in gone))

    @property
    def values(self) -> int:
        """How many different values the engine keeps, in all; those that no row has any more are kept too."""
        return self._columnar().values

    def renewed(self) -> Engine:
        """The same policies over the same rows, in an engine that keeps no values but theirs.

        An engine that takes changes for months should be renewed when its `values` have grown out of proportion.
        """
        database = self._columnar()
        with self._writing:
            limits = database.limits
            return Engine.load(
                self.policies,
                database.tables(),
                memory_limit=limits.memory,
                max_rounds=limits.rounds,
                levels=self._current[0].levels,
                level=self._current[0].level,
                foreign=self._current[0].foreign,
            )

    def _publish(self, catalog: Catalog) -> None:
        """The same policies over other source tables."""
        assert self._database is not None
        self._catalog = catalog
        policies, before = self._current
        self._current = policies, Snapshot(before.program, before.warnings, catalog, self._database.snapshot())

    def _columnar(self) -> Database:
        if self._database is None:
            raise TypeError("only the columnar engine takes changes")
        return self._database

    def _revised(
        self, current: tuple[_Policies, Snapshot], policies: Given | Iterable[Given], remove: Iterable[str]
    ) -> tuple[_Policies, Program | None]:
        """The policies after a change, and their program; None if they stay as they are."""
        before, snapshot = current
        given, names = _listed(policies), {remove} if isinstance(remove, str) else set(remove)
        if not given and not names:
            return before, None
        known = {file.name: file for file in before.files}
        unknown = sorted(names - known.keys())
        if unknown:
            raise PolicyError([_unknown_policy(name, known) for name in unknown])
        kept = [file for name, file in known.items() if name not in names]
        revised = _checked(given, kept, self._catalog, before.levels, level=before.level, foreign=before.foreign)
        return revised, keep_names(revised.program(self._catalog), snapshot.program)

    # -- questions -------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The latest state, whole; it stays as it is, whatever is applied later."""
        return self._current[1]

    @property
    def program(self) -> Program:
        """The checked policies."""
        return self.snapshot().program

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The texts of the policies."""
        return tuple(
            Policy(file.name, file.source.text, file.source.name, file.from_above) for file in self._current[0].files
        )

    @property
    def levels(self) -> tuple[str, ...]:
        """The tiers that policies may belong to, the top first."""
        return self._current[0].levels

    @property
    def foreign(self) -> tuple[ForeignRule, ...]:
        """The rules of other engines that may contradict the policies."""
        return self._current[0].foreign

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
    given: Iterable[Given],
    kept: Iterable[PolicyFile],
    catalog: Catalog,
    levels: tuple[str, ...],
    *,
    level: str | None,
    foreign: tuple[ForeignRule, ...],
) -> _Policies:
    """The given policies in place of kept ones of the same names, checked.

    Raises PolicyError with everything that is wrong; a file that cannot be read is no wrong policy but a SourceError.
    """
    read, found = load_policies(given)
    files = _replaced(kept, read)
    checked = check(files, catalog, tiers=levels, level=level, syntax=found)
    if any(each.code in UNREADABLE for each in found if has_errors([each])):
        raise SourceError(checked.diagnostics)
    if checked.program is None or has_errors(checked.diagnostics):
        raise PolicyError(checked.diagnostics)
    return _Policies(files, checked.program, checked.diagnostics, levels, level, foreign)


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


def _still_read(table: str, program: Program) -> Diagnostic:
    """The finding for a table that is to go, though policies read it."""
    rules = (*program.rules, *program.effects)
    readers = sorted({rule.policy for rule in rules if table in tables_read(rule) or table == rule.table[:-1]})
    named = ", ".join(f"`{name}`" for name in readers)
    return Diagnostic(
        "CL456", f"table `{table}` is read by {named}", None, "remove or change what reads it first", place=table
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
