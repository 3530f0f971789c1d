"""
Batches of rows: what really comes to a base table and goes from it.

A source says what it saw; the table knows what it holds. An insert wins over a
delete of the same row, to insert what is there or delete what is not does
nothing, and what remains is net: each row stands for a real change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.engine.counting import TableDelta
from congresslite.engine.dictionary import INT, NULL, STR, Dictionary, Ids
from congresslite.engine.index import Places
from congresslite.engine.keys import group_rows, grouped
from congresslite.engine.relation import Mask, Relation
from congresslite.schema import (
    INT_MAX,
    INT_MIN,
    ColumnValues,
    Delta,
    Replacement,
    Row,
    Scalar,
    TableSchema,
    Type,
    canonical,
)


def changed_rows(relation: Relation, schema: TableSchema, delta: Delta, owner: object) -> tuple[Relation, TableDelta]:
    """The relation with a batch of rows, and what really came and went; all columns must have been read.

    Rows that repeat in a relation that may have such go, too. Raises SourceError for rows that do not fit the table,
    naming the first in each column.
    """
    ids = _encoded(relation, schema, delta)
    wanted = np.zeros(len(delta.insert) + len(delta.delete), bool)
    wanted[: len(delta.insert)] = True
    columns, wanted = _named(relation, ids, wanted)
    places = relation.find(columns, len(wanted))
    new = wanted & (places < 0)
    lost = places[~wanted & (places >= 0)]
    if not relation.distinct:
        lost = np.union1d(_all_of(relation, lost), _repeats(relation))
    came, count = [column[new] for column in columns], int(new.sum())
    gone = [relation.column(at)[lost] for at in range(len(relation.dictionaries))]
    replaced = relation.distinct and count == len(lost) == len(delta.insert) == len(delta.delete)
    found = TableDelta(came, count, gone, len(lost), _same(ids, count) if replaced else None)
    if not found:
        relation.distinct = True  # it has been looked at
        return relation, found
    result = relation.changed(lost, came, count, owner)
    result.distinct = True
    return result, found


def replaced_rows(
    relation: Relation, schema: TableSchema, replacement: Replacement, owner: object
) -> tuple[Relation, TableDelta]:
    """The relation with other rows, and what really came and went; all columns must have been read.

    Raises SourceError for rows of another schema.
    """
    names = [column.name for column in schema.columns]
    if replacement.rows.schema != schema:
        raise SourceError(_other_schema(schema, replacement.rows.schema))
    values = replacement.rows.columns(names)
    length = replacement.rows.num_rows
    ids = _encoded_columns(relation, [values[name] for name in names])
    columns, _ = _named(relation, ids, np.ones(length, bool))
    length = len(columns[0]) if columns else min(length, 1)
    places = relation.find(columns, length)
    kept = np.zeros(relation.size, bool)
    held = places[places >= 0]
    # Of a row that is repeated any copy may have been found; which of them stays is said below.
    kept[held if relation.distinct else _all_of(relation, held)] = True
    scope = _scope(relation, schema, replacement)
    lost = scope[~kept[scope]]
    if not relation.distinct:
        lost = np.union1d(lost, _repeats(relation))
    new = places < 0
    came, count = [column[new] for column in columns], int(new.sum())
    gone = [relation.column(at)[lost] for at in range(len(names))]
    found = TableDelta(came, count, gone, len(lost))
    result = relation.changed(lost, came, count, owner) if found else relation
    result.distinct = True
    return result, found


def _scope(relation: Relation, schema: TableSchema, replacement: Replacement) -> Places:
    """The places of the rows that are replaced, unless they are named anew."""
    living = relation.living()
    scope = np.arange(relation.size) if living is None else living
    if replacement.column is None:
        return scope
    position = schema.position(replacement.column)
    assert position is not None, f"{schema.name} has no column {replacement.column}"
    ids = [relation.dictionaries[position].find(canonical(key)) for key in replacement.keys]
    wanted = np.array(sorted(each for each in ids if each >= 0), np.int32)
    if not relation.distinct:
        return scope[np.isin(relation.column(position)[scope], wanted)]
    return relation.matches((position,), [wanted], len(wanted))[1]


def _encoded_columns(relation: Relation, columns: Sequence[ColumnValues]) -> list[Ids]:
    """The ids of whole columns; those of one dictionary in one pass."""
    gathered: dict[int, list[int]] = {}
    for at, dictionary in enumerate(relation.dictionaries):
        gathered.setdefault(id(dictionary), []).append(at)
    ids: dict[int, Ids] = {}
    for places in gathered.values():
        found = relation.dictionaries[places[0]].encode_columns([columns[at] for at in places])
        ids.update(zip(places, found, strict=True))
    return [ids[at] for at in range(len(columns))]


def _other_schema(schema: TableSchema, given: TableSchema) -> Diagnostic:
    def columns(each: TableSchema) -> Mapping[str, Type]:
        return {column.name: column.type for column in each.columns}

    told = ", ".join(f"`{name}: {type_}`" for name, type_ in columns(schema).items())
    message = f"the rows that are to replace those of `{schema.name}` have other columns than it has"
    return Diagnostic("CL444", message, None, f"its columns are {told}", place=schema.name)


def _same(ids: Sequence[Ids], count: int) -> frozenset[int]:
    """The columns in which each of the first `count` rows is as the row that is so many rows after it."""
    return frozenset(at for at, column in enumerate(ids) if bool((column[:count] == column[count:]).all()))


def _named(relation: Relation, ids: list[Ids], wanted: Mask) -> tuple[list[Ids], Mask]:
    """Every row that a batch names, once, and whether it is to be there afterwards, as one that names it wants."""
    known = np.ones(len(wanted), bool)
    for column in ids:
        known &= column >= 0
    if not known.all():  # to delete a row with a value that nobody has seen does nothing
        ids, wanted = [column[known] for column in ids], wanted[known]
    if len(wanted) < 2:
        return ids, wanted
    order, starts = grouped(ids, len(wanted), relation.dictionaries)
    first = order[starts]
    return [column[first] for column in ids], np.logical_or.reduceat(wanted[order], starts)


def _encoded(relation: Relation, schema: TableSchema, delta: Delta) -> list[Ids]:
    """The rows of a batch as ids, those inserted first; -1 for values of deleted rows that have none.

    Raises SourceError for rows that do not fit.
    """
    rows, inserted = [*delta.insert, *delta.delete], len(delta.insert)
    if set(map(len, rows)) - {schema.arity}:
        raise SourceError(_wrong_width(schema, rows, inserted))
    columns = list(zip(*rows, strict=True)) if rows else [()] * schema.arity
    ids: list[Ids] = []
    findings: list[Diagnostic] = []
    for at, (dictionary, values) in enumerate(zip(relation.dictionaries, columns, strict=True)):
        encoded = _column(dictionary, values, inserted, schema.columns[at].type)
        if encoded is None:
            findings.append(_misfit(schema, at, values, inserted))
        else:
            ids.append(encoded)
    if findings:
        raise SourceError(findings)
    return ids


def _column(dictionary: Dictionary, values: Sequence[Scalar], inserted: int, type_: Type) -> Ids | None:
    """The ids of a column's values, new ones for those inserted; None if one of them does not fit the type."""
    if type_ is Type.BOOL or (type_ is not Type.STR and not set(map(type, values)) <= _WHOLE):
        fit = all(_fits(value, type_) for value in values)
        return dictionary.encode_many(values, inserted) if fit else None
    if 0 < 2 * inserted == len(values) and values[:inserted] == values[inserted:]:
        # Rows that come in place of others have most values in common with them.
        half = _column(dictionary, values[:inserted], inserted, type_)
        return None if half is None else np.concatenate((half, half))
    # What the dictionary knows need not be looked at: its kind tells whether it fits.
    try:
        ids = dictionary.known(values)
    except TypeError:  # a list or an object
        return None
    if not all(_fits(values[at], type_) for at in (ids < 0).nonzero()[0].tolist()):
        return None
    ids = dictionary.completed(ids, values, inserted)
    kinds, fitting = dictionary.kinds[ids], STR if type_ is Type.STR else INT
    return ids if ((kinds == fitting) | (kinds == NULL) | (ids < 0)).all() else None


def _all_of(relation: Relation, places: Places) -> Places:
    """All rows that are equal to those at these places."""
    columns = [relation.column(at)[places] for at in range(len(relation.dictionaries))]
    if not columns or not len(places):
        living = relation.living()
        return places if not len(places) else np.arange(relation.size) if living is None else living
    return relation.matches(range(len(columns)), columns, len(places))[1]


def _repeats(relation: Relation) -> Places:
    """All rows but the first of those that are equal."""
    living = relation.living()
    order, starts = group_rows(relation.columns(), relation.rows)
    first = np.zeros(relation.rows, bool)
    first[order[starts]] = True
    repeats = np.flatnonzero(~first)
    return repeats if living is None else living[repeats]


# What needs no look at each value, in a column of numbers or of anything.
_WHOLE = frozenset({int, type(None)})
_TAKES: dict[Type, frozenset[type]] = {
    Type.ANY: frozenset({str, int, float, bool, type(None)}),
    Type.STR: frozenset({str, type(None)}),
    Type.INT: frozenset({int, float, type(None)}),
    Type.FLOAT: frozenset({int, float, type(None)}),
    Type.BOOL: frozenset({bool, type(None)}),
}


def _is_text(value: str) -> bool:
    """Whether a text can be written as UTF-8: half a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong_width(schema: TableSchema, rows: Sequence[Row], inserted: int) -> Diagnostic:
    """The finding for the first row that has too few or too many values."""
    at = next(at for at, row in enumerate(rows) if len(row) != schema.arity)
    columns = ", ".join(f"`{column.name}`" for column in schema.columns)
    message = (
        f"row {_numbered(at, inserted)} has {len(rows[at])} values, but `{schema.name}` has {schema.arity} columns"
    )
    return Diagnostic("CL441", message, None, f"give a value for each of {columns}", place=schema.name)


def _misfit(schema: TableSchema, at: int, values: Sequence[Scalar], inserted: int) -> Diagnostic:
    """The finding for the first value that does not fit a column."""
    column = schema.columns[at]
    number = next(number for number, value in enumerate(values) if not _fits(value, column.type))
    message = (
        f"row {_numbered(number, inserted)}: `{values[number]!a}` does not fit the column `{column.name}` of "
        f"`{schema.name}`, which takes {_NAMES[column.type]}"
    )
    return Diagnostic("CL442", message, None, "correct the row, or the declared type", place=schema.name)


def _numbered(at: int, inserted: int) -> str:
    return f"{at} of those inserted" if at < inserted else f"{at - inserted} of those deleted"


_NAMES = {
    Type.ANY: "numbers of 64 bits, texts, booleans and null",
    Type.STR: "texts",
    Type.INT: "integers of 64 bits",
    Type.FLOAT: "numbers",
    Type.BOOL: "booleans",
}


def _fits(value: Scalar, type_: Type) -> bool:
    if type(value) not in _TAKES[type_]:
        return False
    if isinstance(value, float):
        return math.isfinite(value) and (type_ is not Type.INT or isinstance(canonical(value), int))
    if isinstance(value, str):
        return _is_text(value)
    return not isinstance(value, int) or INT_MIN <= value <= INT_MAX
