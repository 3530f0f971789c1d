"""Rows of ids as rows of values, for whoever asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from congresslite.engine.counting import TableDelta
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.state import State
from congresslite.schema import Changes, Delta, Row, Scalar, TableSchema, Type, as_float


def decode_rows(
    columns: Sequence[Ids], length: int, dictionaries: Iterable[Dictionary], schema: TableSchema
) -> list[Row]:
    """Rows of ids as values; a column of floats has floats, though 2.0 is kept as 2."""
    if not columns:
        return [()] * length
    decoded: list[list[Scalar]] = []
    for dictionary, ids, column in zip(dictionaries, columns, schema.columns, strict=True):
        values = dictionary.decode(ids)
        if column.type is Type.FLOAT:
            values = list(map(as_float, values))
        decoded.append(values)
    return list(zip(*decoded, strict=True))


def told(before: State, after: State, deltas: Mapping[str, TableDelta]) -> Changes:
    """The changes of derived tables under the names that users know."""
    visible = after.prepared.visible
    if before.prepared is not after.prepared:
        old = before.prepared.visible
        both = old.keys() | visible.keys()
        visible = {name: tuple(dict.fromkeys((*old.get(name, ()), *visible.get(name, ())))) for name in sorted(both)}
    changed = {}
    for name, parts in visible.items():
        found = [(part, deltas[part]) for part in parts if part in deltas]
        if found:
            changed[name] = partial(_decoded_delta, found, before, after)
    return Changes(tuple(visible), changed)


def _decoded_delta(parts: Sequence[tuple[str, TableDelta]], before: State, after: State) -> Delta:
    insert: list[Row] = []
    delete: list[Row] = []
    for name, delta in parts:
        if delta.came_rows:
            insert += _decoded(name, delta.came, delta.came_rows, after)
        if delta.gone_rows:
            delete += _decoded(name, delta.gone, delta.gone_rows, before)
    return Delta(insert, delete)


def _decoded(name: str, columns: Sequence[Ids], length: int, state: State) -> list[Row]:
    return decode_rows(columns, length, state.relations[name].dictionaries, state.prepared.program.tables[name])
