"""
Pushed rows whose definition is another than when they came: read by the names of their columns.

The rule to keep: what was acknowledged changes in no other way than the
definition did, and never goes without a word. A column that is new is null, one
that went is left out, keys are made anew; rows that do not fit are an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.live.cache import Written
from congresslite.live.intake import check_keys
from congresslite.schema import ColumnsTable, Replacement, Scalar, TableSchema, row_identity
from congresslite.sources import columns as typed

# Keys with their rows as JSON; None for a row that went.
Entries = Sequence[tuple[str, str | None]]
Row = Mapping[str, Scalar]


def key_columns(schema: TableSchema) -> tuple[str, ...]:
    """The columns that name a row: its declared key, or else all of them."""
    return schema.key or tuple(column.name for column in schema.columns)


def fits(schema: TableSchema, written: Written, entries: Entries) -> bool:
    """Whether a base and what changed since are of this schema."""
    if not written.like(schema):
        return False
    return written.rows.schema.key == schema.key if written.keyed else keyed(schema, entries)


def keyed(schema: TableSchema, entries: Entries) -> bool:
    """Whether the keys of entries are those of this schema, as far as their rows tell."""
    return _keyed_by(key_columns(schema), entries)


def refitted(schema: TableSchema, written: Written | None, entries: Entries) -> ColumnsTable:
    """The rows of a base (None: none) with what changed since, under a schema that is another by now.

    Raises SourceError (CL575) if they do not fit it.
    """
    rows = list(_held(schema, written, entries))
    values = {}
    for column in schema.columns:
        try:
            values[column.name] = typed.column([row.get(column.name) for row in rows], column.type)
        except typed.MisfitError as misfit:
            raise SourceError(unfit(schema.name, f"column `{column.name}`: {misfit.message}")) from None
    table = ColumnsTable(schema, len(rows), values)
    try:
        check_keys({schema.name: Replacement(table)})
    except SourceError as error:
        raise SourceError([unfit(schema.name, each.message) for each in error.diagnostics]) from None
    return table


def _held(schema: TableSchema, written: Written | None, entries: Entries) -> Iterator[Row]:
    """The rows as they were pushed, by column."""
    if written is None:
        yield from (json.loads(row) for _, row in entries if row is not None)
        return
    held = _listed(written)
    if not entries:
        yield from held
        return
    names = _former_key(schema, written, entries)
    rows = {row_identity([row[name] for name in names]): row for row in held}
    for key, row in entries:
        if row is None:
            rows.pop(row_identity(json.loads(key)), None)
        else:
            rows[row_identity(json.loads(key))] = json.loads(row)
    yield from rows.values()


def _listed(written: Written) -> list[Row]:
    names = [column.name for column in written.rows.schema.columns]
    columns = written.rows.columns(names).values()
    lists = [each if isinstance(each, list) else each.to_pylist() for each in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def _former_key(schema: TableSchema, written: Written, entries: Entries) -> tuple[str, ...]:
    """The columns whose values stand in the keys of entries. Raises SourceError if nobody can tell."""
    if written.keyed:
        return key_columns(written.rows.schema)
    every = tuple(column.name for column in written.rows.schema.columns)
    for names in (key_columns(schema), every):
        if set(names) <= set(every) and _keyed_by(names, entries):
            return names
    raise SourceError(unfit(schema.name, "what their key was is not written down"))


def _keyed_by(names: Sequence[str], entries: Entries) -> bool:
    """Whether the keys of entries are the values of these columns, as far as their rows tell."""
    for key, row in entries:
        values = json.loads(key)
        if len(values) != len(names):
            return False
        if row is not None:
            held = json.loads(row)
            if row_identity(values) != row_identity([held.get(name) for name in names]):
                return False
    return True


def lost(table: str, path: str) -> Diagnostic:
    """The finding for a base that is not there, or damaged."""
    return Diagnostic(
        "CL575",
        f"the pushed rows of `{table}` cannot be read: their base is lost or damaged",
        None,
        f"restore the file from a backup; {_let_go(table)}",
        place=path,
    )


def unfit(table: str, why: str) -> Diagnostic:
    """The finding for rows that do not fit their table's definition."""
    return Diagnostic(
        "CL575",
        f"the pushed rows of `{table}` do not fit its definition, which is another than when they came: {why}",
        None,
        f"bring back the definition as it was, and correct the rows first; {_let_go(table)}",
        place=table,
    )


def _let_go(table: str) -> str:
    return f"or let them go: `unfit_rows: drop` in the settings of source `{table.partition(':')[0]}`"
