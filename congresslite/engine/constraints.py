"""
Constraints: rows of the sources that break what their schema declares.

Keys, foreign keys and domains are checked on ids, for the columns that rules
read, so that a check costs little. What is found is told, and the rows count as
they are: the estate is what it is, and a policy must see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from congresslite.diagnostics import Diagnostic, Severity
from congresslite.engine.keys import group_rows
from congresslite.engine.relation import Relation
from congresslite.language.resolution.domains import admits
from congresslite.schema import Column, Scalar, TableSchema

# Examples that a finding names; how many there are in all is told too.
_EXAMPLES = 3


def broken_constraints(schemas: Mapping[str, TableSchema], relations: Mapping[str, Relation]) -> Iterator[Diagnostic]:
    """A warning for each constraint that rows break, with how many they are and the first of them."""
    for name, schema in sorted(schemas.items()):
        relation = relations.get(name)
        if relation is None:
            continue
        yield from _broken_key(schema, relation)
        for position, column in enumerate(schema.columns):
            if relation.has(position):
                yield from _broken_domain(schema, relation, position, column)
                yield from _broken_reference(schema, relation, position, schemas, relations)


def _broken_key(schema: TableSchema, relation: Relation) -> Iterator[Diagnostic]:
    positions = [position for name in schema.key if (position := schema.position(name)) is not None]
    if not positions or not all(relation.has(position) for position in positions):
        return
    if len(positions) == 1 and relation.unique(positions[0]):
        return
    columns = [relation.values(position) for position in positions]
    order, starts = group_rows(columns, relation.rows)
    repeated = np.flatnonzero(np.diff(starts, append=relation.rows) > 1)
    if len(repeated):
        rows = order[starts[repeated[:_EXAMPLES]]]
        dictionaries = [relation.dictionaries[position] for position in positions]
        parts = [each.decode(column[rows]) for each, column in zip(dictionaries, columns, strict=True)]
        values = [", ".join(map(str, value)) for value in zip(*parts, strict=True)]
        key = ", ".join(schema.key)
        message = f"{len(repeated):,} values of the key `{key}` of `{schema.name}` stand in several rows"
        yield _finding("CL431", schema, message, values, "a key names one row; correct the source or its definition")


def _broken_domain(schema: TableSchema, relation: Relation, position: int, column: Column) -> Iterator[Diagnostic]:
    if column.domain is None:
        return
    dictionary = relation.dictionaries[position]
    present = np.unique(relation.values(position))
    values = dictionary.decode(present)
    outside = [value for value in values if value is not None and not admits(column.domain, value)]
    if outside:
        message = f"{len(outside):,} values of `{schema.name}.{column.name}` lie outside its domain"
        yield _finding("CL432", schema, message, outside[:_EXAMPLES], "correct the source, or widen the domain")


def _broken_reference(
    schema: TableSchema,
    relation: Relation,
    position: int,
    schemas: Mapping[str, TableSchema],
    relations: Mapping[str, Relation],
) -> Iterator[Diagnostic]:
    reference = schema.columns[position].references
    # A question may have read a column of a table that no rule reads.
    target = None if reference is None or reference.table not in schemas else relations.get(reference.table)
    if reference is None or target is None:
        return
    place = schemas[reference.table].position(reference.column)
    if place is None or not target.has(place) or target.dictionaries[place] is not relation.dictionaries[position]:
        return
    dictionary = relation.dictionaries[position]
    known = np.zeros(dictionary.size, bool)
    known[0] = True  # null refers to nothing
    known[target.values(place)] = True
    column = relation.values(position)
    dangling = np.unique(column[~known[column]])
    if len(dangling):
        name = schema.columns[position].name
        message = (
            f"{len(dangling):,} values of `{schema.name}.{name}` are not in `{reference.table}.{reference.column}`"
        )
        values = dictionary.decode(dangling[:_EXAMPLES])
        yield _finding("CL433", schema, message, values, "was one source read later than the other?")


def _finding(code: str, schema: TableSchema, message: str, values: Sequence[Scalar], hint: str) -> Diagnostic:
    examples = ", ".join(f"`{value}`" for value in values)
    return Diagnostic(code, f"{message}, such as {examples}", None, hint, Severity.WARNING, schema.name)
