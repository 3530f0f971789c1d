"""
Dialects: what DuckDB and PostgreSQL say differently, and nothing else.

Both get the same functions under the same names (`int_add`, `value_less`,
`builtin_len` …) before the first statement. In DuckDB those on `VALUE`s call
the language's own definitions, in Python; in PostgreSQL they are written in
SQL and PL/pgSQL, and a builtin that cannot be said exactly there is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from congresslite.language.syntax import AggregateFunction
from congresslite.plan.sql.kinds import Kind

# Builtins that the printer says by itself, in every dialect.
PRINTED = frozenset({"lt", "lteq", "gt", "gteq", "equal", "plus", "minus", "mul"})


class Dialect(Protocol):
    """What a printer must know of a database."""

    @property
    def title(self) -> str:
        """The name of the database."""

    @property
    def create(self) -> str:
        """What begins the statement that makes a table."""

    @property
    def collation(self) -> str:
        """What follows a text that is ordered, so that it is by code point."""

    @property
    def fence(self) -> str:
        """What keeps a subquery as it is, where the database would repeat its expressions."""

    def type(self, kind: Kind) -> str:
        """The type of a column of this kind."""

    def same(self, left: str, right: str, left_value: str, right_value: str) -> str:
        """That two terms, each of which may be null, are the same; also given as `VALUE`s."""

    def float_literal(self, number: float) -> str:
        """A float that equals no integer, as a `VALUE`."""

    def settled(self, value: str) -> str:
        """A `VALUE` from outside as this database itself writes it."""

    def holds(self, text: str) -> bool:
        """Whether the database can hold a text."""

    def says(self, builtin: str, inputs: Collection[Kind]) -> bool:
        """Whether there is a function for a builtin with inputs of these kinds."""

    def rows(self, call: str, alias: str, kinds: Collection[Kind]) -> tuple[str, list[str]]:
        """A builtin that gives rows, as a source of a SELECT, and its columns."""

    def known(self, call: str) -> str:
        """That a builtin that gives rows is made for its inputs."""

    def fold(self, function: AggregateFunction, value: str) -> str:
        """`sum`, `avg`, `min` or `max` of a column of `VALUE`s; NULL where a group has no row."""


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)


@dataclass(frozen=True, slots=True)
class DuckDb:
    """DuckDB, with the functions of `congresslite.engine.sql.functions`."""

    title: str = "DuckDB"
    create: str = "CREATE TABLE"
    collation: str = ""
    fence: str = ""
    types: Mapping[Kind, str] = field(
        default_factory=lambda: {Kind.INT: "BIGINT", Kind.TEXT: "VARCHAR", Kind.BOOL: "BOOLEAN", Kind.VALUE: "VARCHAR"}
    )

    def type(self, kind: Kind) -> str:  # noqa: D102
        return self.types[kind]

    def same(self, left: str, right: str, left_value: str, right_value: str) -> str:  # noqa: D102
        return f"{left} IS NOT DISTINCT FROM {right}"

    def float_literal(self, number: float) -> str:  # noqa: D102
        return f"'f{number!r}'"

    def settled(self, value: str) -> str:  # noqa: D102
        # DuckDB writes floats as Python does.
        return value

    def holds(self, text: str) -> bool:  # noqa: D102
        return _is_unicode(text)

    def says(self, builtin: str, inputs: Collection[Kind]) -> bool:  # noqa: D102
        return True

    def rows(self, call: str, alias: str, kinds: Collection[Kind]) -> tuple[str, list[str]]:  # noqa: D102
        narrow = {Kind.INT: "value_int({})", Kind.TEXT: "value_text({})", Kind.BOOL: "value_bool({})"}
        columns = [narrow.get(kind, "{}").format(f"{alias}.row[{place}]") for place, kind in enumerate(kinds, start=1)]
        return f"unnest({call}) AS {alias}(row)", columns

    def known(self, call: str) -> str:  # noqa: D102
        return f"{call} IS NOT NULL"

    def fold(self, function: AggregateFunction, value: str) -> str:  # noqa: D102
        return f"value_fold_{function}(list({value}))"


# What a builtin's function needs to be exact in PostgreSQL: any input, or an integer.
_SAID = frozenset(
    {"max", "precedes", "div", "concat", "len", "startswith", "endswith", "contains", "split", "now"}
    | {"pack_time", "pack_date", "pack_datetime"}
)
_SAID_OF_INTEGERS = frozenset({"int", "float"})


@dataclass(frozen=True, slots=True)
class PostgreSql:
    """PostgreSQL, with the functions of `congresslite.plan.sql.functions`."""

    title: str = "PostgreSQL"
    # What is derived can be derived again, so it needs no journal.
    create: str = "CREATE UNLOGGED TABLE"
    collation: str = ' COLLATE "C"'
    fence: str = "OFFSET 0"
    types: Mapping[Kind, str] = field(
        default_factory=lambda: {Kind.INT: "bigint", Kind.TEXT: "text", Kind.BOOL: "boolean", Kind.VALUE: "text"}
    )

    def type(self, kind: Kind) -> str:  # noqa: D102
        return self.types[kind]

    def same(self, left: str, right: str, left_value: str, right_value: str) -> str:  # noqa: D102
        # IS NOT DISTINCT FROM joins by nested loops only.
        return f"{left_value} = {right_value}"

    def float_literal(self, number: float) -> str:  # noqa: D102
        return f"float_value('{number!r}'::float8)"

    def settled(self, value: str) -> str:  # noqa: D102
        return f"value_settled({value})"

    def holds(self, text: str) -> bool:  # noqa: D102
        return "\0" not in text and _is_unicode(text)

    def says(self, builtin: str, inputs: Collection[Kind]) -> bool:  # noqa: D102
        return builtin in _SAID or (builtin in _SAID_OF_INTEGERS and set(inputs) == {Kind.INT})

    def rows(self, call: str, alias: str, kinds: Collection[Kind]) -> tuple[str, list[str]]:  # noqa: D102
        columns = [f"c{place}" for place in range(1, len(kinds) + 1)]
        return f"{call} AS {alias}({', '.join(columns)})", [f"{alias}.{column}" for column in columns]

    def known(self, call: str) -> str:  # noqa: D102
        return call.replace("(", "_known(", 1)

    def fold(self, function: AggregateFunction, value: str) -> str:  # noqa: D102
        match function:
            case "sum":
                return f"value_sum(sum(value_exact({value})), bool_or(left({value}, 1) = 'f'))"
            case "avg":
                return f"value_average(sum(value_exact({value})), count(value_exact({value})))"
            case _:
                return (
                    f"value_extreme(count(*) FILTER (WHERE {value} <> 'n'), "
                    f"{function}(value_decimal({value})), count(value_decimal({value})), "
                    f"{function}(value_text({value}){self.collation}), count(value_text({value})))"
                )


DUCKDB = DuckDb()
POSTGRESQL = PostgreSql()
