"""
Owners: the way from an object to the tenant that it belongs to.

Each table names at most one column that leads to its owner; the column's
reference leads to a table, which may have an owner in turn: a port belongs to
a server, the server to a project. Nobody is told of an object whose owner is
not known, so a path that ends early or goes in a circle simply ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from congresslite.schema import Reference, TableSchema


@dataclass(frozen=True, slots=True)
class OwnerStep:
    """From a row of `table`, its `column` holds the value of `to`."""

    table: str
    column: str
    to: Reference


def owner_path(table: str, schemas: Mapping[str, TableSchema], owners: Mapping[str, str]) -> tuple[OwnerStep, ...]:
    """The steps from a table to the last owner that is known; none for a table that has no owner.

    `owners` gives the owner column of each table that has one, by full name.
    """
    steps: list[OwnerStep] = []
    seen = {table}
    while (column := owners.get(table)) is not None and table in schemas:
        schema = schemas[table]
        position = schema.position(column)
        to = None if position is None else schema.columns[position].references
        if to is None:
            break
        steps.append(OwnerStep(table, column, to))
        if to.table in seen:
            break
        table = to.table
        seen.add(table)
    return tuple(steps)
