"""Rows of ids as rows of values, for whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from congresslite.engine.counting import TableDelta
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.state import State
from congresslite.schema import Changes, Delta, Row, Scalar, TableSchema, Type, as_float


def decode_rows(
    columns: Sequence[Ids], length: int, dictionaries: Iterable[Dictionary], schema: TableSchema | None
) -> list[Row]:
    """Rows of ids as values; a column of floats has floats, though 2.0 is kept as 2."""
    if not columns:
        return [()] * length
    assert schema is not None
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
    changed: dict[str, Callable[[], Delta]] = {}
    for name, parts in visible.items():
        found = [_Part.of(part, deltas[part], before, after) for part in parts if part in deltas]
        if found:
            changed[name] = partial(_decoded, found)
    return Changes(tuple(visible), changed)


@dataclass(frozen=True, slots=True)
class _Part:
    """The changed rows of one table, and what it takes to decode them: not the states, which hold all rows."""

    delta: TableDelta
    came: tuple[Sequence[Dictionary], TableSchema | None]
    gone: tuple[Sequence[Dictionary], TableSchema | None]

    @staticmethod
    def of(name: str, delta: TableDelta, before: State, after: State) -> _Part:
        """The part of a table that the state after the batch may lack, or that before it."""
        return _Part(delta, _means(name, after), _means(name, before))


def _means(name: str, state: State) -> tuple[Sequence[Dictionary], TableSchema | None]:
    relation = state.relations.get(name)
    return () if relation is None else relation.dictionaries, state.prepared.program.tables.get(name)


def _decoded(parts: Sequence[_Part]) -> Delta:
    insert: list[Row] = []
    delete: list[Row] = []
    for part in parts:
        delta = part.delta
        if delta.came_rows:
            insert += decode_rows(delta.came, delta.came_rows, *part.came)
        if delta.gone_rows:
            delete += decode_rows(delta.gone, delta.gone_rows, *part.gone)
    return Delta(insert, delete)
