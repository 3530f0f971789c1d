"""
The database: the tables of a program, and their one writer.

One thread at a time makes the next state; whoever reads has a snapshot, which
never changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from congresslite.diagnostics import Diagnostic
from congresslite.engine.base import BaseTables
from congresslite.engine.counting import TableDelta
from congresslite.engine.decode import told
from congresslite.engine.differing import Differing
from congresslite.engine.limits import Limits
from congresslite.engine.prepared import Prepared
from congresslite.engine.snapshot import Snapshot
from congresslite.engine.state import State
from congresslite.engine.transition import Progress, first_state, later_state, next_state, read_base
from congresslite.language.program import CheckedRule, Program
from congresslite.schema import Changes, Delta, Replacement, Row, RowsTable, TableData, TableSchema


class Database:
    """The tables of a program as relations, and the one writer of them."""

    def __init__(self, program: Program, tables: Mapping[str, TableData], limits: Limits) -> None:
        self.limits = limits
        self._base = BaseTables(tables)
        self._owner = object()
        self._state = State(Prepared(program), {}, {}, Counter(), 0)

    @property
    def program(self) -> Program:
        """The program whose tables these are now."""
        return self._state.prepared.program

    # -- loading ---------------------------------------------------------------------------------

    def load(self) -> None:
        """Read what the rules need of the base tables. Raises SourceError for what cannot be read."""
        read_base(self._state.prepared, self._base, self._state.relations, self._owner)

    def evaluate(self, progress: Progress | None = None) -> None:
        """Derive every table. Raises EvaluationError at a limit, naming the rule."""
        state = self._state
        self._state = first_state(state.prepared, state.relations, self.limits, self._owner, progress)

    @property
    def values(self) -> int:
        """How many values are numbered, those of rows that went included."""
        known = {
            id(each): each.size for relation in self._state.relations.copy().values() for each in relation.dictionaries
        }
        return sum(known.values())

    def tables(self) -> dict[str, TableData]:
        """The base tables as they are now."""
        snapshot, held = self.snapshot(), self._state.relations
        return {
            name: RowsTable(self._base.schema(name), snapshot.rows(name)) if name in held else self._base.data(name)
            for name in self._base
        }

    def attach(self, tables: Mapping[str, TableData]) -> None:
        """Take further base tables, which no rule reads yet."""
        self._base.attach(tables)

    def detach(self, tables: Iterable[str]) -> None:
        """Forget base tables that no rule reads."""
        state, names = self._state, set(tables)
        assert not names & state.prepared.program.base.keys(), "rules read a table that is to go"
        kept = {name: each for name, each in state.relations.copy().items() if name not in names}
        self._state = replace(state, relations=kept)
        self._base.detach(names)

    def constraint_violations(self) -> tuple[Diagnostic, ...]:
        """See `Snapshot.constraint_violations`."""
        return self.snapshot().constraint_violations()

    # -- answers ---------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """All tables as they are now."""
        return Snapshot(self._state, self._base, self.limits)

    def count(self, table: str) -> int:
        """See `Snapshot.count`."""
        return self.snapshot().count(table)

    def rows(self, table: str) -> list[Row]:
        """See `Snapshot.rows`."""
        return self.snapshot().rows(table)

    def query(self, rules: Sequence[CheckedRule], tables: Mapping[str, TableSchema]) -> list[Row]:
        """See `Snapshot.query`."""
        return self.snapshot().query(rules, tables)

    def skipped(self) -> Mapping[str, int]:
        """See `Snapshot.skipped`."""
        return self.snapshot().skipped()

    def advance(self, clock: str) -> Changes:
        """Let it be another time for `now`; returns what came and went. Raises EvaluationError at a limit."""
        limits, state = replace(self.limits, clock=clock), self._state
        self._state, deltas = later_state(state, limits, owner=self._owner)
        self.limits = limits
        return self._told(state, deltas)

    # -- changes ---------------------------------------------------------------------------------

    def apply(self, changes: Mapping[str, Delta | Replacement], program: Program | None = None) -> Changes:
        """Change rows of base tables and, if one is given, the program; returns what came and went in derived tables.

        All or nothing; one call at a time. Raises SourceError for rows that do not fit, EvaluationError at a limit.
        """
        state = self._state
        self._state, deltas = next_state(state, self._base, changes, program, self.limits, owner=self._owner)
        return self._told(state, deltas)

    def _told(self, before: State, deltas: Mapping[str, TableDelta]) -> Changes:
        after = self._state
        same = before.prepared is after.prepared
        differing = Differing(before, after, deltas, self._base, self.limits).rows if same else None
        return told(before, after, deltas, self._base, differing)
