"""
Snapshots: everything that can be asked, of one complete state.

A snapshot never changes, whatever is applied to the engine it came from. Take
one where several questions must have answers that fit each other; it costs
nothing, and what it holds is freed with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from congresslite.diagnostics import Diagnostic, PolicyError, Severity, Source
from congresslite.engine import Snapshot as Tables
from congresslite.engine.explanation.lookup import Pattern
from congresslite.engine.explanation.proofs import Proof, WhyNot
from congresslite.language.parser import parse_query
from congresslite.language.program import Program, visible_tables
from congresslite.language.query import check_query
from congresslite.policy.violations import Answers, Violation, violations
from congresslite.schema import Catalog, Changes, Delta, Row, TableSchema


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

    def violations(self) -> Iterator[Violation]:
        """Every row of every `error` and `warning` rule, by policy and rule in the order of the files."""
        return violations(self.program, self._answers)

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

    def skipped(self) -> Mapping[str, int]:
        """For each rule (its place), how many bindings were skipped for a null or a wrong type."""
        return self._answers.skipped()

    def explain(self, table: str, row: Row, *, limit: int | None = 20, whole: bool = False) -> Proof | None:
        """A proof of least height that a row is in a table; None if it is not. Raises KeyError.

        Of an aggregate's bindings, at most `limit` are told. Rows of sources are told with the columns that rules look
        at, and such as were read for another reason; with `whole`, all their columns are read if they have not been.
        Only of the columnar engine: raises TypeError.
        """
        from congresslite.engine.explanation import explain  # noqa: PLC0415 - nothing that a check needs

        return explain(self._columnar().lookup(), table, row, limit=limit, whole=whole)

    def why_not(self, table: str, row: Pattern, *, whole: bool = False) -> WhyNot | None:
        """For each rule that could have derived a row, how far it got; None if the row is there. Raises KeyError.

        Columns of the row may be left open by `ANY`. Rows of sources are told as `explain` tells them. Only of the
        columnar engine: raises TypeError.
        """
        from congresslite.engine.explanation import why_not  # noqa: PLC0415 - nothing that a check needs

        return why_not(self._columnar().lookup(), table, row, whole=whole)

    def what_if(self, changes: Mapping[str, Delta], program: Program | None) -> Changes:
        """What would follow from a batch, of rows and perhaps with another program. Raises as `Engine.apply` does."""
        return self._columnar().what_if(changes, program)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Warnings about the policies alone."""
        return self._warnings

    def _columnar(self) -> Tables:
        if not isinstance(self._answers, Tables):
            raise TypeError("only the columnar engine explains its answers")
        return self._answers


def has_errors(findings: tuple[Diagnostic, ...] | list[Diagnostic]) -> bool:
    """Whether a finding is an error."""
    return any(each.severity is Severity.ERROR for each in findings)
