"""
Intake: what must hold of a pull before its rows are taken.

A pull is taken whole or not at all. Rows that share a key, a table that is
suddenly empty, a column that has lost all of its values: each is a sign that
the source, or its definition, is not what it was, and then what is held stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import pyarrow.compute as pc

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import ColumnValues, Replacement, TableData, TableSchema, identity
from congresslite.sources.driver import Part, Pull

# The code of a pull that is held back.
HELD_BACK = "CL573"


class HeldBackError(SourceError):
    """A pull that would empty a table: an operator is to say whether that is true."""


def replacements(pull: Pull, source: str) -> dict[str, Replacement]:
    """What a pull changes, by the full names of tables."""
    changes = {}
    for short, rows in pull.items():
        whole = Replacement(rows) if not isinstance(rows, Part) else Replacement(rows.rows, rows.column, rows.keys)
        changes[f"{source}:{short}"] = whole
    return changes


def check_keys(changes: Mapping[str, Replacement]) -> None:
    """Refuse rows that share a key. Raises SourceError (CL431)."""
    findings = [finding for change in changes.values() if (finding := _broken_key(change.rows)) is not None]
    if findings:
        raise SourceError(findings)


def check_empty(changes: Mapping[str, Replacement], held: Mapping[str, int], least: int) -> None:
    """Hold back a pull that leaves a table without rows which held `least` or more (0: never). Raises HeldBackError."""
    emptied = [
        _emptied(name, held[name])
        for name, change in changes.items()
        if change.column is None and least and held.get(name, 0) >= least and change.rows.num_rows == 0
    ]
    if emptied:
        raise HeldBackError(emptied)


def check_columns(changes: Mapping[str, Replacement], full: Mapping[str, Collection[str]]) -> None:
    """Refuse a pull in which a column that always had a value (`full`, by table) has none at all any more (CL572)."""
    findings = [
        _vanished(name, column)
        for name, change in changes.items()
        if change.rows.num_rows > 1
        for column in sorted(full.get(name, ()))
        if _all_null(change.rows.columns([column])[column])
    ]
    if findings:
        raise SourceError(findings)


def full_columns(rows: TableData) -> frozenset[str]:
    """The columns that have a value in every row of a table of more than one row."""
    if rows.num_rows < 2:
        return frozenset()
    names = [column.name for column in rows.schema.columns]
    return frozenset(name for name, values in rows.columns(names).items() if not _any_null(values))


def _any_null(values: ColumnValues) -> bool:
    return any(value is None for value in values) if isinstance(values, list) else values.null_count > 0


def _all_null(values: ColumnValues) -> bool:
    if isinstance(values, list):
        return all(value is None for value in values)
    return bool(values.null_count == len(values))


def _broken_key(rows: TableData) -> Diagnostic | None:
    schema = rows.schema
    if not schema.key or rows.num_rows < 2:
        return None
    keys = rows.columns(schema.key)
    if _distinct(keys.values()) == rows.num_rows:
        return None
    # The same row may come twice (from the border of two pages, say), but not two rows of one key.
    every = rows.columns([column.name for column in schema.columns])
    if _distinct(keys.values()) == _distinct(every.values()):
        return None
    return _shared(schema, _repeated(list(keys.values())))


def _distinct(columns: Iterable[ColumnValues]) -> int:
    """How many different rows these columns make."""
    columns = list(columns)
    if len(columns) == 1 and not isinstance(columns[0], list):
        return len(pc.unique(columns[0]))
    return len(set(_rows(columns)))


def _rows(columns: Iterable[ColumnValues]) -> Iterable[tuple[object, ...]]:
    lists = [each if isinstance(each, list) else each.to_pylist() for each in columns]
    return zip(*(map(identity, each) for each in lists), strict=True)


def _repeated(columns: list[ColumnValues]) -> tuple[object, ...]:
    seen: set[tuple[object, ...]] = set()
    for row in _rows(columns):
        if row in seen:
            return row
        seen.add(row)
    raise AssertionError("no key repeats")


def _shared(schema: TableSchema, key: tuple[object, ...]) -> Diagnostic:
    named = ", ".join(f"`{column}` {value!a}" for column, value in zip(schema.key, key, strict=True))
    return Diagnostic(
        "CL431",
        f"several rows of `{schema.name}` have the key {named}",
        None,
        "a key names one row; correct the source or its definition",
        place=schema.name,
    )


def _emptied(name: str, held: int) -> Diagnostic:
    return Diagnostic(
        HELD_BACK,
        f"`{name}` held {held:,} rows, and the last pull brought none; what was held is kept",
        None,
        "if they are really gone: `congresslite source refresh SOURCE --accept-empty`; `hold_back: 0` never holds back",
        place=name,
    )


def _vanished(name: str, column: str) -> Diagnostic:
    return Diagnostic(
        "CL572",
        f"column `{column}` of `{name}` had a value in every row, and now has none: the source's replies have changed",
        None,
        f"correct the path of `{column}` in the source's definition; if there are no such values any more in truth: "
        "`congresslite source refresh SOURCE --accept-empty`",
        place=name,
    )
