"""
Snapshots: everything that can be asked, of one complete state.

A snapshot never changes, whatever is applied to the engine it came from. Take
one where several questions must have answers that fit each other; it costs
nothing, and what it holds is freed with it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from congresslite.diagnostics import Diagnostic, PolicyError, Severity, Source
from congresslite.engine import Snapshot as Tables
from congresslite.engine.explanation.lookup import Anything, Pattern
from congresslite.engine.explanation.proofs import Proof, WhyNot
from congresslite.engine.following import Hop
from congresslite.language.parser import parse_query
from congresslite.language.program import CheckedRule, Program, visible_tables
from congresslite.language.query import check_query
from congresslite.policy.conflicts.told import Command, Conflict, commands, conflicts, conflicts_of, side_tables
from congresslite.policy.violations import Answers, Violation, told, violations
from congresslite.schema import Catalog, Changes, Delta, Replacement, Row, Scalar, TableSchema

# From values of a column (a table, its key column) to what stands in another column, and so on.
Way = Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, under the names of its variables in order of appearance."""

    columns: tuple[str, ...]
    rows: list[Row]


class Snapshot:
    """The tables of a program at one moment."""

    def __init__(self, program: Program, warnings: tuple[Diagnostic, ...], catalog: Catalog, answers: Answers) -> None:
        self.program = program
        self._warnings, self._catalog, self._answers = warnings, catalog, answers

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings about the policies, and about rows that break what is declared of their tables."""
        found = self._answers.constraint_violations() if isinstance(self._answers, Tables) else ()
        return (*self._warnings, *found)

    def tables(self) -> tuple[str, ...]:
        """The names of all derived tables, as users know them (`nfv:error`, not its parts), sorted."""
        return tuple(visible_tables(self.program))

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

    def select(
        self, table: str, where: Mapping[str, Scalar] | None = None, *, offset: int = 0, limit: int = 100
    ) -> tuple[list[Row], int]:
        """`limit` rows from `offset` on of those with these values in these columns, and how many there are of them.

        Their order is that in which the table holds them, which a change may change. Raises KeyError for a table or a
        column that there is not, TypeError for another engine than the columnar.
        """
        schema = self.schema(table)
        positions = {}
        for name, value in (where or {}).items():
            position = schema.position(name)
            if position is None:
                raise KeyError(name)
            positions[position] = value
        return self._columnar().select(table, positions, offset, limit)

    def matching(self, table: str, columns: Sequence[str], keys: Sequence[Row]) -> list[list[Row]]:
        """For each key, values of these columns, the rows of a table that have it. Raises KeyError."""
        schema = self.schema(table)
        places = {name: schema.position(name) for name in columns}
        missing = [name for name, place in places.items() if place is None]
        if missing:
            raise KeyError(missing[0])
        if not columns:  # a table without columns has one row, or none
            return [self.rows(table) for _ in keys]
        order = sorted(range(len(columns)), key=lambda at: places[columns[at]] or 0)
        ascending = [tuple(key[at] for at in order) for key in keys]
        return self._columnar().matching(table, [places[columns[at]] or 0 for at in order], ascending)

    def follow(self, values: Sequence[Scalar], way: Way) -> list[Scalar]:
        """What each value leads to along a way; None for what leads nowhere. Raises KeyError, TypeError.

        Where several rows have a value, the least of what stands beside it counts, by its text.
        """
        return self._columnar().follow(values, self._hops(way))

    def counted(self, columns: Iterable[tuple[str, int]], way: Way) -> dict[Scalar, int]:
        """How many rows lead to each value (None: nowhere) along a way that starts in columns of tables.

        A column is named by its table (`nfv:error#3`) and its place. Raises KeyError, TypeError.
        """
        return self._columnar().counted(columns, self._hops(way))

    def _hops(self, way: Way) -> list[Hop]:
        hops = []
        for table, key, column in way:
            places = [self.schema(table).position(name) for name in (key, column)]
            if places[0] is None or places[1] is None:
                raise KeyError(f"{table}({key}, {column})")
            hops.append(Hop(table, places[0], places[1]))
        return hops

    def violations(self) -> Iterator[Violation]:
        """Every row of every `error` and `warning` rule, by policy and rule in the order of the files."""
        return violations(self.program, self._answers)

    def violations_of(self, rule: CheckedRule, rows: Sequence[Row], *, together: bool = False) -> Iterator[Violation]:
        """The violations that these rows of an `error` or `warning` rule are, in the order of the rows.

        Each message is asked for by itself; `together`, for many rows, by one question for all that the rule has.
        """
        policy = next(each for each in self.program.policies if each.name == rule.policy)
        lookup = None if together else self._columnar().lookup()
        return told(rule, rows, self.program, policy, self._answers, lookup=lookup)

    def conflicts(self) -> Iterator[Conflict]:
        """Every row of every rule that joins two which contradict each other, by kind and pair of rules."""
        return conflicts(self.program, self._answers)

    def conflicts_of(self, rule: CheckedRule, rows: Sequence[Row]) -> Iterator[Conflict]:
        """The conflicts that these rows of a rule in `program.contradictions` are, in the order of the rows."""
        return conflicts_of(rule, rows, self.program, self._answers)

    def commands(self, actions: Collection[str] | None = None) -> Iterator[Command]:
        """Every action that is commanded now, or just these (`nova:stop`), and whether it would be run."""
        return commands(self.program, self._answers, actions)

    def explain_sides(self, conflict: Conflict, *, limit: int | None = 20) -> tuple[Proof | None, Proof | None]:
        """Why each side of a conflict of this snapshot holds, by the rule that it is about.

        None for a rule of another engine, where it is explained, and for a conflict that is not here. Of an
        aggregate's bindings, at most `limit` are told. Only of the columnar engine: raises TypeError.
        """
        first, second = (
            None if table is None else self.explain(table, told.row, limit=limit)
            for table, told in zip(side_tables(conflict, self.program), conflict.sides, strict=True)
        )
        return first, second

    def query(self, text: str) -> Answer:
        """The bindings of a body, or the rows of an atom. Raises PolicyError for a query that is not right."""
        source = Source("query", text)
        body, found = parse_query(source)
        if body is None or has_errors(found):
            raise PolicyError(found)
        asked = check_query(body, source, self.program, self._catalog)
        if not asked.rules:
            raise PolicyError(asked.diagnostics)
        return Answer(asked.columns, self._answers.query(asked.rules, asked.tables))

    def derive(self, rules: Sequence[CheckedRule], tables: Mapping[str, TableSchema]) -> list[Row]:
        """The rows that the last of these rules derives; each may read what those before it do.

        They are no part of the program. `tables` are the schemas of what they derive, where types are to be kept.
        """
        return self._answers.query(rules, tables)

    def skipped(self) -> Mapping[str, int]:
        """For each rule (its place), how many bindings were skipped for a null or a wrong type."""
        return self._answers.skipped()

    def explain(self, table: str, row: Row, *, limit: int | None = 20, whole: bool = False) -> Proof | None:
        """A proof of least height that a row is in a table; None if it is not. Raises KeyError.

        Of an aggregate's bindings, at most `limit` are told. Rows of sources are told with the columns that rules look
        at, and such as were read for another reason; with `whole`, all their columns are read if they have not been.
        Only of the columnar engine: raises TypeError.
        """
        from congresslite.engine.explanation import Proof, explain  # noqa: PLC0415 - nothing that a check needs

        if self._is_unread(table):
            there = self._has(table, row)
            columns = tuple(column.name for column in self.schema(table).columns)
            return Proof(table, tuple(row), columns, 0, "source") if there else None
        return explain(self._columnar().lookup(), table, row, limit=limit, whole=whole)

    def why_not(self, table: str, row: Pattern, *, whole: bool = False) -> WhyNot | None:
        """For each rule that could have derived a row, how far it got; None if the row is there. Raises KeyError.

        Columns of the row may be left open by `ANY`. Rows of sources are told as `explain` tells them. Only of the
        columnar engine: raises TypeError.
        """
        from congresslite.engine.explanation import WhyNot, why_not  # noqa: PLC0415 - nothing that a check needs

        if self._is_unread(table):
            columns = tuple(column.name for column in self.schema(table).columns)
            note = "its rows come from a source; no rule derives them"
            return None if self._has(table, row) else WhyNot(table, tuple(row), columns, note=note)
        return why_not(self._columnar().lookup(), table, row, whole=whole)

    def _is_unread(self, table: str) -> bool:
        """Whether a table is a source's, and no rule reads it."""
        known = (self.program.base, self.program.tables, self.program.answers)
        return table in self._catalog and not any(table in each for each in known)

    def _has(self, table: str, row: Pattern) -> bool:
        """Whether such a row is in a table of a source; columns may be left open."""
        columns = [column.name for column in self.schema(table).columns]
        fixed = {name: each for name, each in zip(columns, row, strict=False) if not isinstance(each, Anything)}
        return len(columns) == len(row) and self.select(table, fixed, limit=0)[1] > 0

    def trial(
        self,
        changes: Mapping[str, Delta | Replacement],
        program: Program | None = None,
        warnings: tuple[Diagnostic, ...] | None = None,
    ) -> Trial:
        """What would follow from a batch, of rows and perhaps with another program. Raises as `Engine.apply` does."""
        started = time.perf_counter()
        found, after = self._columnar().trial(changes, program)
        taken = time.perf_counter() - started
        told = self._warnings if warnings is None else warnings
        return Trial(found, self, Snapshot(after.program, told, self._catalog, after), taken)

    @property
    def catalog(self) -> Catalog:
        """The tables of the sources."""
        return self._catalog

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Warnings about the policies alone."""
        return self._warnings

    def _columnar(self) -> Tables:
        if not isinstance(self._answers, Tables):
            raise TypeError("only the columnar engine explains its answers")
        return self._answers


@dataclass(frozen=True, slots=True)
class Trial:
    """What would follow from a change: what came and went, the state before it and the one that there would be.

    `evaluate_s` is how many seconds the evaluation of what changed has taken.
    """

    changes: Changes
    before: Snapshot
    after: Snapshot
    evaluate_s: float = 0.0


def has_errors(findings: tuple[Diagnostic, ...] | list[Diagnostic]) -> bool:
    """Whether a finding is an error."""
    return any(each.severity is Severity.ERROR for each in findings)
