"""Tables, their rows, queries, and questions about single rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from congresslite.live import Health, Rows, TableInfo
from congresslite.schema import Choice, Column, Range
from congresslite.schema.times import stamp_or_none
from congresslite.server.schemas.common import Scalar, Stale, Strict, Time

Offset = Annotated[int, Field(ge=0, le=2**40)]


class TableSummary(Strict):
    """A table. `source` is the source or the policy that it belongs to; `rows` is null where nothing was pulled yet.

    It is null for a tenant, too, who sees its own rows only.
    """

    name: str
    source: str
    derived: bool
    description: str
    rows: int | None
    as_of: Time | None
    health: Health

    @classmethod
    def of(cls, info: TableInfo) -> TableSummary:
        """A table as it is listed."""
        return cls(**_common(info))


class ColumnOut(Strict):
    """A column. `references` is the column of another table that holds its values; `domain` says which they can be."""

    name: str
    type: str
    references: str | None
    domain: list[Scalar] | dict[Literal["low", "high"], float | int | None] | None
    declared: bool
    description: str

    @classmethod
    def of(cls, column: Column) -> ColumnOut:
        """A column as it is sent."""
        domain: list[Scalar] | dict[Literal["low", "high"], float | int | None] | None = None
        match column.domain:
            case Choice(values):
                domain = list(values)
            case Range(low, high):
                domain = {"low": low, "high": high}
        reference = column.references
        return cls(
            name=column.name,
            type=column.type.value,
            references=None if reference is None else f"{reference.table}.{reference.column}",
            domain=domain,
            declared=column.declared,
            description=column.description,
        )


class Table(TableSummary):
    """A table with its columns and its key."""

    columns: list[ColumnOut]
    key: list[str]

    @classmethod
    def of(cls, info: TableInfo) -> Table:
        """A table with its schema."""
        columns = [ColumnOut.of(column) for column in info.schema.columns]
        return cls(**_common(info), columns=columns, key=list(info.schema.key))


def _common(info: TableInfo) -> dict[str, Any]:
    return {
        "name": info.schema.name,
        "source": info.schema.name.partition(":")[0],
        "derived": info.derived,
        "description": info.schema.description,
        "rows": info.rows,
        "as_of": stamp_or_none(info.as_of),
        "health": info.health,
    }


class TableList(Strict):
    """Tables by name."""

    items: list[TableSummary]
    next: None


class RowsQuery(Strict):
    """Which rows. Any other parameter is a column, and says how its value reads."""

    offset: Offset = 0
    limit: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="At most 1000 (default 100) as JSON, 1000000 (default 100000) as CSV."
    )
    format: Literal["json", "csv"] | None = Field(
        default=None, description="As the header `Accept` asks, if not given."
    )


class RowsPage(Strict):
    """Rows, the values in the order of the columns; `next` is the offset of those that follow."""

    table: str
    columns: list[str]
    items: list[list[Scalar]]
    next: int | None
    total: int
    as_of: Time | None
    health: Health


class QueryIn(Strict):
    """The body of a rule: its answers are the values of its variables."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class Answers(Strict):
    """The rows of a query, under the names of its variables; `total` counts those that were left off too."""

    columns: list[str]
    items: list[list[Scalar]]
    next: None
    total: int
    undetermined: list[Stale]
    as_of: Time | None

    @classmethod
    def of(cls, rows: Rows, undetermined: list[Stale], as_of: float | None) -> Answers:
        """Answers as they are sent."""
        return cls(
            columns=list(rows.columns),
            items=[list(row) for row in rows.rows],
            next=None,
            total=rows.total,
            undetermined=undetermined,
            as_of=stamp_or_none(as_of),
        )


class AtomIn(Strict):
    """One row of a table, written as an atom: `nfv:error("vm1", "host7")`."""

    atom: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


class Explanation(Strict):
    """Why a row is there, or why it is not; null if it is the other way round."""

    explanation: dict[str, Any] | None
    undetermined: list[Stale]
    as_of: Time | None
