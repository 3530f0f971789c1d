"""
The workbench: one policy, checked once, run over the tables of each of its tests.

What a test may name is held against the policy here: base tables and tables of
facts in `given`, derived tables in `expect` and `absent`. Rows are compared by
column name, so that rules of different arity need no order.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.diagnostics import CongressliteError, Diagnostic, Severity
from congresslite.engine import evaluate
from congresslite.language.check import check
from congresslite.language.printing import value_text
from congresslite.language.program import Program
from congresslite.language.syntax import PolicyFile
from congresslite.policy.coverage import RuleCoverage, Traced, trace
from congresslite.policy.fixtures import fixture_catalog, given_rows, unknown_columns, unknown_table
from congresslite.policy.testfiles import Case, WrittenRow, WrittenTable
from congresslite.schema import Catalog, Row, RowsTable, Scalar, TableSchema, identity, order_key

Cells = Mapping[str, Scalar]
_Key = frozenset[tuple[str, Hashable]]

# What `now` gives in a test that does not say: always the same, or tests would pass by the calendar.
CLOCK = "2026-01-01 00:00:00"


@dataclass(frozen=True, slots=True)
class Difference:
    """How a table differs from what a test says: rows that it lacks, and rows that it should not have."""

    table: str
    missing: tuple[Cells, ...]
    unexpected: tuple[Cells, ...]

    def lines(self) -> Iterator[str]:
        """The difference as text, `-` for what is missing and `+` for what is unexpected."""
        for mark, rows in (("-", self.missing), ("+", self.unexpected)):
            for row in rows:
                yield f"{mark} {self.table}({', '.join(f'{name}={value_text(value)}' for name, value in row.items())})"


def prepare(
    file: PolicyFile, cases: Sequence[Case], definitions: Catalog
) -> tuple[Workbench | None, tuple[Diagnostic, ...]]:
    """Check a policy over the tables that its tests give; None, and the findings, if it cannot be run."""
    catalog = fixture_catalog(file, cases, definitions)
    checked = check((file,), catalog)
    bench = None if checked.program is None else Workbench(file.name, checked.program, catalog)
    return bench, checked.diagnostics


class Workbench:
    """Runs tests of one policy and remembers which rules fired."""

    def __init__(self, policy: str, program: Program, catalog: Catalog) -> None:
        self.policy = policy
        self._catalog = catalog
        self._traced: Traced = trace(program)
        self._fired: set[str] = set()

    @property
    def program(self) -> Program:
        """The policy's program, with a table for each rule."""
        return self._traced.program

    def run(self, case: Case) -> tuple[Difference, ...]:
        """The differences between what a test says and what the policy derives; none if it passes.

        Raises CongressliteError for a test that does not fit the policy, and whatever stops the evaluation.
        """
        findings: list[Diagnostic] = []
        program, tables = self._given(case, findings)
        for written in (*case.expect, *case.absent):
            findings.extend(self._misfits(written, exact=written in case.expect))
        if any(finding.severity is Severity.ERROR for finding in findings):
            raise CongressliteError(findings)
        answers = evaluate(program, tables, clock=case.now or CLOCK)
        self._fired.update(table for _, table in self._traced.rules if answers.count(table))
        derived = {
            written.name: [(schema, row) for schema in self._parts(written.name) for row in answers.rows(schema.name)]
            for written in (*case.expect, *case.absent)
        }
        exact = (_compare(written, derived[written.name]) for written in case.expect)
        absent = (_forbid(written, derived[written.name]) for written in case.absent)
        return tuple(found for found in (*exact, *absent) if found.missing or found.unexpected)

    def coverage(self) -> tuple[RuleCoverage, ...]:
        """Each rule of the policy, and whether a test that was run made it fire."""
        return tuple(
            RuleCoverage(rule.policy, rule.identity, rule.span, table in self._fired)
            for rule, table in self._traced.rules
        )

    def _given(self, case: Case, findings: list[Diagnostic]) -> tuple[Program, dict[str, RowsTable]]:
        """The tables of a test, and the program with the facts that it replaces."""
        rows: dict[str, list[Row]] = {}
        facts: dict[str, tuple[Row, ...]] = {}
        own = {name for name in self.program.tables if self._is_facts(name)}
        for written in case.given:
            name = self._full(written.name)
            if name in own:
                facts[name] = tuple(given_rows(written, self.program.tables[name], findings))
            elif (schema := self._catalog.get(name)) is not None:
                rows[name] = given_rows(written, schema, findings)
            else:
                findings.append(unknown_table(written, [*self._catalog, *own]))
        tables = {name: RowsTable(schema, rows.get(name, ())) for name, schema in self.program.base.items()}
        return replace(self.program, facts={**self.program.facts, **facts}), tables

    def _is_facts(self, name: str) -> bool:
        """Whether a table holds facts of the policy only, so that a test may give others."""
        return not any(rule.table == name for rule in self.program.rules)

    def _full(self, name: str) -> str:
        """The full name of a table that a test names."""
        own = f"{self.policy}:{name}"
        return own if own in self.program.tables or own in self.program.answers else name

    def _parts(self, name: str) -> tuple[TableSchema, ...]:
        """The derived tables that a name stands for: several for `error` and `warning`, maybe none of them."""
        full = self._full(name)
        if full in self.program.answers:
            return tuple(self.program.tables[part] for part in self.program.answers[full])
        schema = self.program.tables.get(full)
        return () if schema is None else (schema,)

    def _misfits(self, written: WrittenTable, *, exact: bool) -> Iterator[Diagnostic]:
        """What does not fit the policy in the rows that a test expects or forbids."""
        parts = self._parts(written.name)
        if not parts:
            if written.name not in ("error", "warning") or written.rows:
                names = [name.partition(":")[2] for name in (*self.program.tables, *self.program.answers)]
                yield unknown_table(written, (name for name in names if not set(name) & set("#~/")))
            return
        for row in written.rows:
            if not any(_fits(row, schema, exact=exact) for schema in parts):
                yield _misfit(row, written.name, parts)


def _fits(row: WrittenRow, schema: TableSchema, *, exact: bool) -> bool:
    """Whether a row names the columns of a table: all of them, or some."""
    names = {column.name for column in schema.columns}
    return row.cells.keys() == names if exact else row.cells.keys() <= names


def _misfit(row: WrittenRow, name: str, parts: Sequence[TableSchema]) -> Diagnostic:
    """The finding for a row whose columns are those of no rule."""
    if len(parts) == 1:
        renamed = replace(parts[0], name=name)
        unknown = next(unknown_columns(row, renamed), None)
        if unknown is not None:
            return unknown
    shapes = sorted({f"({', '.join(column.name for column in schema.columns)})" for schema in parts})
    message = f"a row of `{name}` has the columns {' or '.join(shapes)}, not ({', '.join(row.cells)})"
    return Diagnostic("CL463", message, row.span, "name every column, with null where it is null")


def _compare(written: WrittenTable, derived: Sequence[tuple[TableSchema, Row]]) -> Difference:
    """What `expect` says of a table: these rows and no others."""
    expected = {_key(row.cells): row.cells for row in written.rows}
    actual = {_key(cells): cells for cells in map(_cells, derived)}
    missing = [cells for key, cells in expected.items() if key not in actual]
    unexpected = [cells for key, cells in actual.items() if key not in expected]
    return Difference(written.name, _sorted(missing), _sorted(unexpected))


def _forbid(written: WrittenTable, derived: Sequence[tuple[TableSchema, Row]]) -> Difference:
    """What `absent` says of a table: no row that agrees with one of these, in the columns that it names."""
    patterns = [_key(row.cells) for row in written.rows]
    cells = [each for each in map(_cells, derived) if any(pattern <= _key(each) for pattern in patterns)]
    return Difference(written.name, (), _sorted(cells))


def _cells(derived: tuple[TableSchema, Row]) -> Cells:
    schema, row = derived
    return {column.name: value for column, value in zip(schema.columns, row, strict=True)}


def _key(cells: Cells) -> _Key:
    return frozenset((name, identity(value)) for name, value in cells.items())


def _sorted(rows: Sequence[Cells]) -> tuple[Cells, ...]:
    return tuple(sorted(rows, key=lambda row: [(name, order_key(value)) for name, value in row.items()]))
