"""
The theory of a program: what holds of its tables on every legal state.

Keys, references, domains and declared types are kept by the rows of sources and by facts. A table that rules derive
keeps none of them, whatever its declaration says, since nobody holds derived rows against it; it is known by its
rules instead: a row is there exactly if one of them derives it, or a fact states it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from congresslite.language.program import CheckedRule, Const, Fold, Program, Var
from congresslite.language.syntax import AggregateFunction
from congresslite.policy.implication.renaming import Definition, plain
from congresslite.policy.implication.values import NUMBER, ORDERED, End, Known
from congresslite.schema import Choice, Column, Range, TableSchema, Type, canonical, identity

# A table with more rules and facts than this is not taken apart.
MAX_ALTERNATIVES = 8

_FOLDED: Mapping[AggregateFunction, Known] = {
    "count": Known(NUMBER, whole=True),
    "count_distinct": Known(NUMBER, whole=True),
    "sum": Known(NUMBER),
    "avg": Known(NUMBER),
    "min": Known(ORDERED),
    "max": Known(ORDERED),
}


@dataclass(frozen=True, slots=True)
class Refers:
    """The column at `place` names, if it is not null, a value of the column `there` of `table`, which has `arity`."""

    place: int
    table: str
    there: int
    arity: int


class Theory:
    """What a program says of its tables; looked up when somebody asks."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._definitions: dict[str, Sequence[Definition]] = {}
        self._columns: dict[str, tuple[Known, ...]] = {}
        self._refers: dict[str, tuple[Refers, ...]] = {}

    @cached_property
    def rules(self) -> Mapping[str, Sequence[CheckedRule]]:
        """The rules of each derived table."""
        found: defaultdict[str, list[CheckedRule]] = defaultdict(list)
        for rule in self.program.rules:
            found[rule.table].append(rule)
        return found

    @cached_property
    def _recursive(self) -> frozenset[str]:
        return frozenset(table for each in self.program.strata if each.recursive for table in each.tables)

    def kept(self, table: str) -> TableSchema | None:
        """The schema of a table whose rows keep what it declares."""
        if table in self.rules:
            return None
        return self.program.base.get(table) or self.program.tables.get(table)

    def key(self, table: str) -> tuple[int, ...]:
        """The places of the columns that tell rows of a table apart; none where that is not known."""
        schema = self.kept(table)
        if schema is not None:
            return tuple(place for place, column in enumerate(schema.columns) if column.name in schema.key)
        folds = self._folds(table)
        return () if folds is None else tuple(place for place, term in enumerate(folds) if not isinstance(term, Fold))

    def columns(self, table: str, arity: int) -> tuple[Known, ...]:
        """What is known of the values in each column of a table."""
        if table not in self._columns:
            self._columns[table] = self._known_columns(table, arity)
        return self._columns[table]

    def refers(self, table: str) -> tuple[Refers, ...]:
        """The references that the rows of a table keep."""
        if table not in self._refers:
            schema = self.kept(table)
            columns = () if schema is None else schema.columns
            found = (self._reference(place, column) for place, column in enumerate(columns))
            self._refers[table] = tuple(each for each in found if each is not None)
        return self._refers[table]

    def definitions(self, table: str) -> Sequence[Definition]:
        """All ways to come by a row of a table; none where they are too many, recursive, or folded."""
        if table not in self._definitions:
            self._definitions[table] = self._defined(table)
        return self._definitions[table]

    def _known_columns(self, table: str, arity: int) -> tuple[Known, ...]:
        schema, folds = self.kept(table), self._folds(table)
        if schema is not None:
            return tuple(map(_of_column, schema.columns))
        if folds is not None:
            return tuple(_FOLDED[term.function] if isinstance(term, Fold) else Known() for term in folds)
        return (Known(),) * arity

    def _folds(self, table: str) -> tuple[Var | Const | Fold, ...] | None:
        """The head of the one rule of a table, if it has aggregates."""
        rules = self.rules.get(table, ()) if table in self.program.tables else ()
        if len(rules) == 1 and rules[0].aggregates and not self.program.facts.get(table):
            return rules[0].head
        return None

    def _reference(self, place: int, column: Column) -> Refers | None:
        target = None if column.references is None else self.kept(column.references.table)
        if target is None or column.references is None:
            return None
        there = target.position(column.references.column)
        return None if there is None else Refers(place, target.name, there, target.arity)

    def _defined(self, table: str) -> Sequence[Definition]:
        if table not in self.program.tables or table in self._recursive:
            return ()
        rules, facts = self.rules.get(table, ()), self.program.facts.get(table, ())
        if len(rules) + len(facts) > MAX_ALTERNATIVES or any(rule.aggregates for rule in rules):
            return ()
        found = [Definition(plain_head(rule), plain(rule.body)) for rule in rules]
        return [*found, *(Definition(tuple(map(Const, row)), ()) for row in facts)]


def plain_head(rule: CheckedRule) -> tuple[Var | Const, ...]:
    """The terms of a head that are no aggregates."""
    return tuple(term for term in rule.head if not isinstance(term, Fold))


def _of_column(column: Column) -> Known:
    """What a column declares of its values; a type that is only read off the data may change with them."""
    known = Known.of_type(column.type) if column.declared else Known()
    match column.domain:
        case Choice(values):
            return known.among((None, *(identity(canonical(value)) for value in values)))
        case Range(low, high):
            ends = (None if each is None else End(each) for each in (low, high))
            return known.of(Known.of_type(Type.FLOAT).kinds).between(*ends)
        case None:
            return known
