"""Rows of ids as rows of values, for whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from congresslite.engine.base import BaseTables
from congresslite.engine.counting import TableDelta
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.keys import grouped
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


def told(
    before: State,
    after: State,
    deltas: Mapping[str, TableDelta],
    base: BaseTables,
    differing: Callable[[Any], list[Row]] | None = None,
) -> Changes:
    """The changes of derived tables under the names that users know; of base tables and of single rules as parts."""
    visible = after.prepared.visible
    if before.prepared is not after.prepared:
        old = before.prepared.visible
        both = old.keys() | visible.keys()
        visible = {name: tuple(dict.fromkeys((*old.get(name, ()), *visible.get(name, ())))) for name in sorted(both)}
    changed: dict[str, Callable[[], Delta]] = {}
    single: dict[str, Callable[[], Delta]] = {}
    for name, parts in visible.items():
        found = {part: _Part.of(part, deltas[part], before, after) for part in parts if part in deltas}
        if found:
            changed[name] = partial(_decoded, list(found.values()))
            single.update((part, partial(_decoded, [each])) for part, each in found.items())
    for name, delta in deltas.items():
        if name in base:
            single[name] = partial(_decoded, [_of_base(name, delta, before, after, base.schema(name))])
        elif name not in single and "#" in name:
            single[name] = partial(_decoded, [_Part.of(name, delta, before, after)])
    sizes = {name: (delta.came_rows, delta.gone_rows) for name, delta in deltas.items()}
    return Changes(tuple(visible), changed, single, sizes, differing)


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


def _of_base(name: str, delta: TableDelta, before: State, after: State, schema: TableSchema) -> _Part:
    """What came and went in a base table, as a set: of rows that were repeated, one may have stayed."""
    relation = after.relations[name]
    if delta.gone_rows and not before.relations[name].distinct:
        gone = relation.find(delta.gone, delta.gone_rows) < 0
        order, starts = grouped(delta.gone, delta.gone_rows, relation.dictionaries)
        first = np.zeros(delta.gone_rows, bool)
        first[order[starts]] = True
        left = gone & first
        delta = TableDelta(delta.came, delta.came_rows, [column[left] for column in delta.gone], int(left.sum()))
    means = relation.dictionaries, schema
    return _Part(delta, means, means)


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
