"""
Parts: relations and changes of any size, cut so that each part fits into a message.

Rows are never copied: a part has lists of the rows that it was given. The size of a part is told by its texts, which
is what can be long; a row that is larger than a part is in one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from congresslite.schema import Delta, Row, row_identity

SIZE = 500_000  # characters of a part
_OF_OTHERS = 8  # characters of a value that is no text

K = TypeVar("K")


def cut(relations: Mapping[str, Iterable[Row]], size: int = SIZE) -> list[dict[str, list[Row]]]:
    """Rows by relation, in parts; at least one. A relation without rows is in none."""
    return _cut(relations.items(), size)


def joined(parts: Iterable[Mapping[str, Sequence[Row]]]) -> dict[str, list[Row]]:
    """The relations that were cut."""
    return _joined(part.items() for part in parts)


def cut_changes(changes: Mapping[str, Delta], size: int = SIZE) -> list[dict[str, Delta]]:
    """What comes and goes, in parts; at least one. A relation that does not change is in none."""
    return [_changes(part) for part in _cut(_directed(changes), size)]


def joined_changes(parts: Iterable[Mapping[str, Delta]]) -> dict[str, Delta]:
    """The changes that were cut."""
    return _changes(_joined(_directed(part) for part in parts))


def merged(following: Iterable[Mapping[str, Delta]]) -> dict[str, Delta]:
    """Changes that follow each other as one, net: what comes and goes again is not in it."""
    came: dict[str, dict[tuple[object, ...], Row]] = {}
    went: dict[str, dict[tuple[object, ...], Row]] = {}
    for changes in following:
        for name, delta in changes.items():
            coming, going = came.setdefault(name, {}), went.setdefault(name, {})
            for rows, these, those in ((delta.delete, going, coming), (delta.insert, coming, going)):
                for row in rows:
                    key = row_identity(row)
                    if those.pop(key, None) is None:
                        these[key] = row
    net = {name: Delta(tuple(came[name].values()), tuple(went[name].values())) for name in came}
    return {name: delta for name, delta in net.items() if delta}


def count(changes: Mapping[str, Delta]) -> int:
    """How many rows come and go."""
    return sum(len(delta.insert) + len(delta.delete) for delta in changes.values())


def _cut(relations: Iterable[tuple[K, Iterable[Row]]], size: int) -> list[dict[K, list[Row]]]:
    parts: list[dict[K, list[Row]]] = [{}]
    left = size
    for name, rows in relations:
        for row in rows:
            cost = sum(len(value) if isinstance(value, str) else _OF_OTHERS for value in row)
            if cost > left and parts[-1]:
                parts.append({})
                left = size
            parts[-1].setdefault(name, []).append(row)
            left -= cost
    return parts


def _joined(parts: Iterable[Iterable[tuple[K, Sequence[Row]]]]) -> dict[K, list[Row]]:
    whole: dict[K, list[Row]] = {}
    for part in parts:
        for name, rows in part:
            whole.setdefault(name, []).extend(rows)
    return whole


def _directed(changes: Mapping[str, Delta]) -> Iterator[tuple[tuple[str, bool], Sequence[Row]]]:
    for name, delta in changes.items():
        yield (name, False), delta.delete
        yield (name, True), delta.insert


def _changes(part: Mapping[tuple[str, bool], Sequence[Row]]) -> dict[str, Delta]:
    names = dict.fromkeys(name for name, _ in part)
    return {name: Delta(part.get((name, True), ()), part.get((name, False), ())) for name in names}
