"""What the reference engine answers, behind the same methods as the columnar engine's database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from congresslite.engine.reference.process import ReferenceProcess
from congresslite.language.program import CheckedRule, Program, Stratum
from congresslite.schema import ColumnValues, Row, TableData, TableSchema, Type, as_float, canonical, row_identity

# The reference engine is for small estates: what takes longer has no verdict.
TIMEOUT_S = 60.0


class ReferenceAnswers:
    """The tables of a program, evaluated by pyDatalog."""

    def __init__(
        self, program: Program, tables: Mapping[str, TableData], *, clock: str, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._program = program
        self._sources = tables
        self._timeout_s = timeout_s
        self._clock = clock
        self._base = {name: base_rows(tables[name]) for name in program.base}
        self._derived: Mapping[str, list[Row]] = {}

    def evaluate(self) -> None:
        """Derive every table. Raises EvaluationError if there is no verdict in time."""
        self._derived = self._run(self._program, self._base)

    def count(self, table: str) -> int:
        """How many rows a table has; for `error` and `warning`, rows of each rule. Raises KeyError."""
        return len(self.rows(table))

    def rows(self, table: str) -> list[Row]:
        """The rows of a table. Raises KeyError if there is none of that name."""
        return [row for part in self._program.answers.get(table, (table,)) for row in self._part(part)]

    def query(self, rules: Sequence[CheckedRule], tables: Mapping[str, TableSchema]) -> list[Row]:
        """The rows that the last of these rules derives, evaluated together with the program."""
        asked = list(dict.fromkeys(rule.table for rule in rules))
        read = {literal.table for rule in rules for literal in rule.body if hasattr(literal, "table")}
        schemas = {name: each for name, each in tables.items() if name not in self._program.tables}
        for rule in rules:
            schemas.setdefault(rule.table, TableSchema(rule.table, ()))
        new = {name: self._sources[name] for name in read - self._program.tables.keys() - schemas.keys()}
        program = replace(
            self._program,
            rules=(*self._program.rules, *rules),
            tables={**self._program.tables, **schemas},
            base={**self._program.base, **{name: each.schema for name, each in new.items()}},
            strata=(*self._program.strata, *(Stratum((name,), False) for name in asked)),
        )
        base = {**{name: base_rows(each) for name, each in new.items()}, **self._base}
        return self._run(program, base)[rules[-1].table]

    def skipped(self) -> Mapping[str, int]:
        """Nothing: the reference engine does not count what it skips."""
        return {}

    def _run(self, program: Program, base: Mapping[str, Sequence[Row]]) -> Mapping[str, list[Row]]:
        with ReferenceProcess() as process:
            return process.evaluate(program, base, timeout_s=self._timeout_s, clock=self._clock)

    def _part(self, name: str) -> list[Row]:
        if name in self._derived:
            return _typed(self._derived[name], self._program.tables[name])
        return self._base[name] if name in self._base else base_rows(self._sources[name])


def base_rows(data: TableData) -> list[Row]:
    """The rows of a base table, each once."""
    names = [column.name for column in data.schema.columns]
    columns = data.columns(names)
    values = [_values(columns[name]) for name in names]
    rows = zip(*values, strict=True) if values else [()] * data.num_rows
    distinct = {row_identity(row): row for row in rows}
    return list(distinct.values())


def _values(column: ColumnValues) -> list[object]:
    return [canonical(value) for value in (column if isinstance(column, list) else column.to_pylist())]


def _typed(rows: Sequence[Row], schema: TableSchema) -> list[Row]:
    """The rows with floats where the column has floats, though 2.0 is kept as 2."""
    floats = {place for place, column in enumerate(schema.columns) if column.type is Type.FLOAT}
    if not floats:
        return list(rows)
    return [tuple(as_float(v) if place in floats else v for place, v in enumerate(row)) for row in rows]
