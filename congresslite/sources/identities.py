"""
Identities: which column of each table of a reply holds the id of the object that a row is of.

With them, the rows of one object can take the place of those that are held of
it, in all tables of the reply at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.sources.declared import Declaration
from congresslite.sources.mapping import TableMapping


def identity_columns(declarations: Mapping[str, Declaration], mappings: Mapping[str, TableMapping]) -> dict[str, str]:
    """For the tables of one reply, the column with the id of the object that a row is of, the object's own table first.

    The object's own table is the first one whose rows are the elements of a list and have one column as their key. A
    row of another table is of the object that its first step comes by, so its column both refers to that key and
    stands at that step.
    """
    own = next((name for name in mappings if _is_own(declarations[name], mappings[name])), None)
    if own is None:
        return {}
    (key,) = declarations[own].key
    found = {own: key}
    for name, mapping in mappings.items():
        start = f"{mapping.steps[0].name}."
        paths = {each.name: each.path for each in mapping.columns}
        for column in declarations[name].columns.values():
            to = column.references
            refers = to is not None and to.table.partition(":")[2] == own and to.column == key
            if name != own and refers and paths[column.name].startswith(start):
                found.setdefault(name, column.name)
    return found


def _is_own(declaration: Declaration, mapping: TableMapping) -> bool:
    return not mapping.steps[0].name and len(declaration.key) == 1
