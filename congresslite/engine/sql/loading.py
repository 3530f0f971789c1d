"""
Loading: base tables and facts into the database, as far as rules read them.

A table goes there as it came, and becomes what rules read by one statement:
native columns stay, others become texts that say what they are. A table of
which all columns are read is a set then; of any other the rows may repeat,
which no rule notices that counts none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from congresslite.engine.sql.connection import Connection
from congresslite.language.program import Const, Match, NoMatch
from congresslite.plan import Conjunction, RulePlan
from congresslite.plan.sql import Layout
from congresslite.plan.sql.kinds import Kind, Term, kind_of
from congresslite.plan.sql.layout import HOLDS
from congresslite.plan.sql.select import Select
from congresslite.plan.sql.terms import Terms
from congresslite.plan.variables import used_variables
from congresslite.schema import ColumnValues, Row, Scalar, TableData, TableSchema, Type, canonical

_STAGED = '"given rows"'


class Loader:
    """Brings tables into one database."""

    def __init__(self, connection: Connection, layout: Layout) -> None:
        self._connection, self._layout = connection, layout
        self._terms = Terms(connection.dialect)
        self._loaded: dict[str, frozenset[int]] = {}

    def require(self, tables: Mapping[str, TableData], needs: Mapping[str, Iterable[int]]) -> None:
        """Load what is needed of these tables and not there yet. Raises SourceError or EvaluationError."""
        for name, positions in needs.items():
            wanted = frozenset(positions)
            loaded = self._loaded.get(name)
            if loaded is None or not wanted <= loaded:
                self._load(tables[name], wanted | (loaded or frozenset()))

    def _load(self, data: TableData, positions: frozenset[int]) -> None:
        schema = data.schema
        if schema.name in self._loaded:
            self._connection.execute(f"DROP TABLE {self._layout[schema.name].name}")
        names = [column.name for place, column in enumerate(schema.columns) if place in positions]
        values = data.columns(names)
        columns = {schema.position(name) or 0: values[name] for name in names}
        self.fill(schema, columns, data.num_rows)
        self._loaded[schema.name] = positions

    def facts(self, schema: TableSchema, rows: Sequence[Row]) -> None:
        """Load the facts of a policy as a table."""
        columns: dict[int, ColumnValues] = {}
        for place, column in enumerate(schema.columns):
            given: list[Scalar] = [row[place] for row in rows]
            type_ = _ARROW.get(column.type)
            columns[place] = given if type_ is None else pa.chunked_array([pa.array(map(self._checked, given), type_)])
        self.fill(schema, columns, len(rows))

    def fill(self, schema: TableSchema, columns: Mapping[int, ColumnValues], num_rows: int) -> None:
        """Make a table of columns at their places; all of them make it a set."""
        nullable = [place in columns and _has_null(columns[place]) for place in range(schema.arity)]
        table = self._layout.add(schema, nullable)
        raw = {f"c{place}": self._prepared(values) for place, values in columns.items()}
        self._connection.stage(_STAGED, raw, num_rows)
        made: list[tuple[Term, str]] = []
        for place in sorted(columns):
            stored = table.columns[place]
            made.append((self._kept(f"g.c{place}", columns[place], stored.kind), stored.name))
        if not made:
            made.append((Term("g.holds", Kind.BOOL), HOLDS))
        select = Select(tuple(made), (f"{_STAGED} AS g",), distinct=len(columns) == schema.arity)
        self._connection.execute(f"{self._connection.dialect.create} {table.name} AS\n{select.text}")
        self._connection.execute(f"DROP TABLE {_STAGED}")
        self._connection.settle(table.name)

    def _prepared(self, values: ColumnValues) -> ColumnValues:
        """A column that the database can take: a list becomes texts that stand for its values."""
        if not isinstance(values, list):
            return values
        return [self._terms.value_text(canonical(value)) for value in values]

    def _checked(self, value: Scalar) -> Scalar:
        """A value that the database can hold. Raises EvaluationError for any other."""
        if isinstance(value, str):
            self._terms.text(value)
        return value

    def _kept(self, sql: str, values: ColumnValues, kind: Kind) -> Term:
        """A staged column as rules read it."""
        if isinstance(values, list):
            return Term(self._connection.dialect.settled(sql), Kind.VALUE)
        nullable = values.null_count > 0
        if pa.types.is_null(values.type):
            return self._terms.stored(self._terms.constant(None), kind)
        if pa.types.is_floating(values.type):
            made = f"float_value({sql})"
            return Term(f"coalesce({made}, 'n')" if nullable else made, Kind.VALUE)
        native = kind_of(_type_of(values.type))
        return self._terms.stored(Term(sql, native, nullable), kind)


def needs(conjunctions: Iterable[tuple[RulePlan, Conjunction]], base: Mapping[str, TableSchema]) -> dict[str, set[int]]:
    """The columns of base tables that conjunctions read; of a table whose rows are counted, all of them."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for plan, conjunction in conjunctions:
        used = used_variables(conjunction, everything=False)
        literals: list[Match | NoMatch] = [*conjunction.scans, *conjunction.absent]
        for literal in literals:
            if literal.table not in base:
                continue
            every = plan.rule.aggregates and isinstance(literal, Match)
            found[literal.table].update(
                place
                for place, term in enumerate(literal.terms)
                if every or isinstance(term, Const) or term.name in used
            )
    return dict(found)


_ARROW = {Type.STR: pa.string(), Type.INT: pa.int64(), Type.BOOL: pa.bool_()}


def _type_of(type_: pa.DataType) -> Type:
    if pa.types.is_boolean(type_):
        return Type.BOOL
    return Type.INT if pa.types.is_integer(type_) else Type.STR


def _has_null(values: ColumnValues) -> bool:
    return None in values if isinstance(values, list) else values.null_count > 0
