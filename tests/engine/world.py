"""
What an engine is to know, told without one: policies, the rows of base tables, and the answers that follow.

A world is a value. `after` gives the world that a batch leads to, `answers` what
the naive evaluator says of it, and `told` holds the changes that an engine
reports against the answers before and after. Rows are kept by `identity`, so that
`true` is not 1 and 1.0 is. Rows of `error` and `warning` count once for each
rule that gives them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from congresslite import Delta, Policy
from congresslite.diagnostics import Diagnostic, Source
from congresslite.language.check import check_sources
from congresslite.language.program import Program
from congresslite.schema import Catalog, Row, RowsTable, Scalar, TableSchema, canonical, identity
from tests.engine.naive import evaluate_naively

CLOCK = "2026-03-01 08:30:00"

Key = tuple[Hashable, ...]
Rows = Counter[Key]  # how often each row stands in a table as users see it
Answers = Mapping[str, Mapping[str, frozenset[Key]]]  # table, rule ("" where all rules share the table), rows


class Readable(Protocol):
    """An engine or one of its snapshots."""

    def tables(self) -> tuple[str, ...]:
        """The names of all derived tables."""

    def count(self, table: str) -> int:
        """How many rows a table has."""

    def rows(self, table: str) -> list[Row]:
        """The rows of a table."""


@dataclass(frozen=True)
class Step:
    """One batch: rows that come and go, policies that are added or replaced, and names of those that are removed."""

    changes: Mapping[str, Delta] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    remove: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = [f"  {name}: +{list(each.insert)} -{list(each.delete)}" for name, each in self.changes.items()]
        texts = [f"  policy {each.name}:\n{each.text}" for each in self.policies]
        return "\n".join(["step", *rows, *texts, *(f"  without {name}" for name in self.remove)])


@dataclass(frozen=True)
class World:
    """Policies by name, schemas of all base tables, and the set of rows of each of them."""

    policies: Mapping[str, Policy]
    schemas: Mapping[str, TableSchema]
    rows: Mapping[str, frozenset[Key]]

    @staticmethod
    def of(policies: Iterable[Policy], tables: Mapping[TableSchema, Iterable[Row]]) -> World:
        """A world of these policies and tables."""
        return World(
            {each.name: each for each in policies},
            {schema.name: schema for schema in tables},
            {schema.name: frozenset(map(key, rows)) for schema, rows in tables.items()},
        )

    def after(self, step: Step) -> World:
        """The world after a batch: an insert wins over a delete; policies are removed before others come."""
        rows = dict(self.rows)
        for name, delta in step.changes.items():
            rows[name] = (rows[name] - set(map(key, delta.delete))) | set(map(key, delta.insert))
        kept = {name: each for name, each in self.policies.items() if name not in step.remove}
        return replace(self, policies=kept | {each.name: each for each in step.policies}, rows=rows)

    def data(self, times: int = 1) -> dict[str, RowsTable]:
        """The base tables as `Engine.load` takes them, each row so many times."""
        return {name: RowsTable(self.schemas[name], rows * times) for name, rows in self.plain_rows().items()}

    def plain_rows(self) -> dict[str, list[Row]]:
        """The rows of the base tables as Python scalars."""
        return {name: [plain(row) for row in rows] for name, rows in self.rows.items()}

    @cached_property
    def program(self) -> Program | None:
        """The checked program, or None for policies that do not pass the checks."""
        return self._checked[0]

    @cached_property
    def _checked(self) -> tuple[Program | None, tuple[Diagnostic, ...]]:
        sources = [Source(f"{each.name}.dl", each.text) for each in self.policies.values()]
        found = check_sources(sources, Catalog.of(self.schemas.values()))
        return found.program, found.diagnostics

    @cached_property
    def answers(self) -> Answers:
        """What the naive evaluator derives, by the names of tables that users know and by rule."""
        program, findings = self._checked
        assert program is not None, findings
        tables = {name: frozenset(rows) for name, rows in evaluate_naively(program, self.plain_rows(), CLOCK).items()}
        found: dict[str, dict[str, frozenset[Key]]] = {
            name: {"": rows} for name, rows in tables.items() if not set(name) & {"#", "/"}
        }
        for name, parts in program.answers.items():
            identities = {rule.table: rule.identity for rule in program.rules}
            found[name] = {f"{identities.get(part)}": tables[part] for part in parts}
            assert len(found[name]) == len(parts), "two rules share an identity"
        return found


def key(row: Row) -> Key:
    """A row that equals another exactly if they are one row of the language."""
    return tuple(identity(canonical(value)) for value in row)


def plain(row: Key) -> Row:
    """The row of a key."""
    return tuple(_scalar(value) for value in row)


def _scalar(value: object) -> Scalar:
    value = value[0] if isinstance(value, tuple) else value
    assert value is None or isinstance(value, bool | int | float | str)
    return value


def united(answers: Answers) -> dict[str, Rows]:
    """The rows of each table as users see them: those of all its rules, one after the other."""
    return {name: Counter(row for rows in parts.values() for row in rows) for name, parts in answers.items()}


def observed(engine: Readable) -> dict[str, Rows]:
    """The rows of each derived table that an engine gives; asserts that the counts are right."""
    found = {name: Counter(map(key, engine.rows(name))) for name in engine.tables()}
    assert {name: engine.count(name) for name in found} == {name: rows.total() for name, rows in found.items()}
    return found


def base_rows(engine: Readable, names: Iterable[str]) -> dict[str, frozenset[Key]]:
    """The rows of base tables that an engine gives; asserts that none repeats and that the counts are right."""
    found = {}
    for name in names:
        rows = engine.rows(name)
        found[name] = frozenset(map(key, rows))
        assert len(found[name]) == len(rows) == engine.count(name), name
    return found


def counted(rows: Sequence[Row]) -> Rows:
    """Rows of a change, each with how often it stands there."""
    return Counter(map(key, rows))


def told(changes: Mapping[str, Delta], before: Answers, after: Answers) -> None:
    """Hold reported changes against the answers before and after them; asserts that they are exact and net.

    There is an entry for each table that is or was there. A row that moves from one violation rule to another may be
    told as both or as neither; nothing else may stand on both sides.
    """
    assert set(changes) == set(before) | set(after)
    for name, delta in changes.items():
        old, new = before.get(name, {}), after.get(name, {})
        came = Counter(row for rule, rows in new.items() for row in rows - old.get(rule, frozenset()))
        went = Counter(row for rule, rows in old.items() for row in rows - new.get(rule, frozenset()))
        inserted, deleted = counted(delta.insert), counted(delta.delete)
        assert inserted <= came, (name, inserted - came, "came in vain")
        assert deleted <= went, (name, deleted - went, "went in vain")
        assert inserted + went == deleted + came, (name, "came", came, "not", inserted, "went", went, "not", deleted)


def same(one: Mapping[str, Delta], other: Mapping[str, Delta]) -> bool:
    """Whether two reports tell the same changes, rows in any order."""
    return {name: (counted(each.insert), counted(each.delete)) for name, each in one.items()} == {
        name: (counted(each.insert), counted(each.delete)) for name, each in other.items()
    }
