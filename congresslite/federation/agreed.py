"""
Agreed tables: what engines publish to each other, and as what it is known to the engine above.

    child: inv:services(service, …) ──▶ parent: CHILD:services(service, …), tiers:services(pop, service, …)

`CHILD:TABLE` has the rows of a child and of all engines below it; `tiers:TABLE` those of all children, each with the
engine that it comes from. The rows of modal rules are such a table too, `tiers:commands`, which every engine knows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from congresslite.config.models import TierSettings
from congresslite.schema import INT_MAX, INT_MIN, Column, Row, Scalar, TableSchema, Type, canonical

UNION = "tiers"  # the source of the tables that unite those of all children
POP = "pop"  # the column with the engine that a row comes from
COMMANDS = "commands"
ALL_COMMANDS = f"{UNION}:{COMMANDS}"
TERMS = 12  # of an action, at most, for its commands to be known above

_FITTING: Mapping[Type, tuple[type, ...]] = {
    Type.ANY: (str, int, float, bool),
    Type.STR: (str,),
    Type.INT: (int,),
    Type.FLOAT: (int, float),
    Type.BOOL: (bool,),
}


@dataclass(frozen=True, slots=True)
class Agreed:
    """A table that engines have agreed on."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    owner: str | None = None

    @property
    def union(self) -> str:
        """The table with the rows of all children."""
        return f"{UNION}:{self.name}"

    @property
    def shape(self) -> str:
        """Its columns as JSON: equal where engines have agreed on the same."""
        return json.dumps([[column.name, column.type.value] for column in self.columns])

    def of_child(self, child: str) -> TableSchema:
        """The schema of a child's table. Without a key: several engines below may have rows of one key."""
        return TableSchema(f"{child}:{self.name}", self.columns)

    def of_all(self) -> TableSchema:
        """The schema of the table with the rows of all children."""
        return TableSchema(self.union, (Column(POP, Type.STR), *self.columns), (POP, *self.key) if self.key else ())

    def fits(self, row: Row) -> bool:
        """Whether a row has values for just these columns."""
        return len(row) == len(self.columns) and all(
            value is None or _fits(value, column.type) for value, column in zip(row, self.columns, strict=True)
        )

    def misfit(self, schema: TableSchema) -> str | None:
        """Why a table cannot be published as this one; None if it can."""
        if schema.arity != len(self.columns):
            return f"`{schema.name}` has {schema.arity} columns, and `{self.name}` has {len(self.columns)}"
        names = {column.name for column in self.columns}
        for own, column in zip(schema.columns, self.columns, strict=True):
            # They are taken by their places; what has the name of another one would be taken for that.
            if own.name != column.name and own.name in names:
                return f"`{own.name}` of `{schema.name}` stands where `{column.name}` of `{self.name}` should"
            if Type.ANY not in (own.type, column.type) and not set(_FITTING[own.type]) <= set(_FITTING[column.type]):
                return f"`{own.name}` of `{schema.name}` is `{own.type}`, and should be `{column.type}`"
        return None


def agreed_tables(tier: TierSettings) -> dict[str, Agreed]:
    """The tables that an engine knows, by name."""
    found = {
        name: Agreed(
            name, tuple(Column(column, Type(type_)) for column, type_ in each.columns.items()), each.key, each.owner
        )
        for name, each in tier.tables.items()
    }
    terms = tuple(Column(f"t{place}") for place in range(1, TERMS + 1))
    leading = (Column("policy", Type.STR), Column("rule", Type.STR), Column("said", Type.STR))
    return {**found, COMMANDS: Agreed(COMMANDS, (*leading, *terms))}


def _fits(value: Scalar, type_: Type) -> bool:
    if type_ is Type.INT and type(value) is float:
        return math.isfinite(value) and isinstance(canonical(value), int)
    if type(value) not in _FITTING[type_]:
        return False
    if isinstance(value, str):
        return _is_text(value)
    return not isinstance(value, int) or INT_MIN <= value <= INT_MAX


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
