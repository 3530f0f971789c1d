"""
The shape of a table that lies in a file: the columns it has, and what is declared of them.

A source definition says which columns a table has, and in which order; one that
a file lacks is known, and reading it is an error, so that a rule over it can
never silently find nothing. A `_schema.yaml` only adds to what the file has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.schema import Column, TableSchema, Type
from congresslite.sources.declared import Declaration


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a table; the types of those that are not declared are still unknown."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    description: str

    @staticmethod
    def of(
        name: str, path: Path, found: Sequence[str], declaration: Declaration | None, *, sparse: bool = False
    ) -> Shape:
        """The shape of a table whose file has these columns. Raises SourceError if it lacks what is declared.

        In a `sparse` file (JSON) a column that no row has is a column of nulls.
        """
        if declaration is None:
            return Shape(name, tuple(Column(each, declared=False) for each in found), (), "")
        declared = declaration.columns
        lacking = [each for each in (*declared, *declaration.key) if each not in found]
        if lacking and not declaration.whole and not sparse:
            short = name.partition(":")[2]
            hints = {each: near_or_listed(each, found, "the file has") for each in lacking}
            raise SourceError(
                Diagnostic(
                    "CL418", f"`{each}` is declared for table `{short}`, but `{path}` has no such column",
                    place=declaration.place, hint=hints[each],
                )
                for each in dict.fromkeys(lacking)
            )  # fmt: skip
        order = [*declared, *found] if declaration.whole or sparse else found
        columns = tuple(declared.get(each, Column(each, declared=False)) for each in dict.fromkeys(order))
        return Shape(name, columns, declaration.key, declaration.description)

    def schema(self, types: Mapping[str, Type]) -> TableSchema:
        """The schema, once the types of the columns that nobody declared are read off the data."""
        columns = tuple(
            column if column.declared else replace(column, type=types.get(column.name, Type.ANY))
            for column in self.columns
        )
        return TableSchema(self.name, columns, self.key, self.description)


def absent_column(column: str, table: str, path: Path, found: Sequence[str]) -> Diagnostic:
    """The finding for a column that the definition has and the file has not."""
    hint = near_or_listed(column, found, "it has")
    return Diagnostic("CL418", f"`{path}` has no column `{column}` of table `{table}`", place=str(path), hint=hint)


def unreadable(path: Path, error: OSError) -> Diagnostic:
    """The finding for a file that the system does not let us read."""
    reason = (error.strerror or str(error)).lower()
    return Diagnostic("CL402", f"`{path}` cannot be read: {reason}", place=str(path))
