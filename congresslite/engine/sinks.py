"""
Sinks: where the bindings of a table's rules end up, as its rows.

A set keeps each row once; a fold keeps groups. Both compact what they have
gathered now and then, so that they hold no more than the result needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.frames import Frame
from congresslite.engine.keys import KeySet
from congresslite.engine.limits import Limits
from congresslite.engine.relation import Relation
from congresslite.engine.vectors import encode
from congresslite.language.program import CheckedRule, Const, Var

# Columns and how many rows they have, which a table without columns could not tell.
Part = tuple[list[Ids], int]

# Rows gathered before repetitions are removed from them.
_PENDING = 1 << 22


def head_columns(terms: Sequence[Var | Const], frame: Frame, dictionaries: Sequence[Dictionary]) -> list[Ids]:
    """The columns of a head for these bindings, in the dictionaries of its table."""
    columns = []
    for term, dictionary in zip(terms, dictionaries, strict=True):
        if isinstance(term, Const):
            columns.append(np.full(frame.length, dictionary.add(term.value), np.int32))
        else:
            columns.append(encode(frame.vectors[term.name], dictionary))
    return columns


class SetSink:
    """Gathers the rows of a table, each once."""

    def __init__(self, dictionaries: Sequence[Dictionary], limits: Limits, facts: Part | None = None) -> None:
        self._dictionaries = dictionaries
        self._limits = limits
        self._kept: list[Part] = []
        self._pending: list[Part] = [] if facts is None else [facts]
        self._keys: KeySet | None = None
        self._texts = text_bytes(dictionaries)

    def add(self, rule: CheckedRule, columns: list[Ids], length: int) -> None:
        """Take rows, repeated ones included. Raises EvaluationError if they are more than memory holds."""
        self._pending.append((columns, length))
        texts = text_bytes(self._dictionaries)
        self._limits.hold(rule, self._size(length) + texts - self._texts)
        self._texts = texts
        if sum(count for _, count in self._pending) > _PENDING:
            self._flush()

    def relation(self, name: str, *, distinct: bool) -> Relation:
        """The table's rows; `distinct` says that none of them repeats, so that nothing needs to be removed."""
        if distinct and self._keys is None:
            self._kept, self._pending = self._pending, []
        else:
            self._flush()
        columns, length = gathered(self._kept, len(self._dictionaries))
        relation = Relation(name, self._dictionaries, columns, length)
        relation.distinct = True
        return relation

    def _flush(self) -> None:
        """Keep what is new of the pending rows."""
        columns, length = gathered(self._pending, len(self._dictionaries))
        if self._keys is None:
            self._keys = KeySet(self._dictionaries)
        fresh, count = self._keys.add(columns, length)
        self._kept.append((fresh, count))
        self._pending = []
        self._limits.held -= self._size(length - count)

    def _size(self, length: int) -> int:
        return length * 4 * max(1, len(self._dictionaries))


def text_bytes(dictionaries: Sequence[Dictionary]) -> int:
    """What the computed texts of these dictionaries take."""
    return sum(each.text_bytes for each in {id(each): each for each in dictionaries}.values())


def gathered(parts: Sequence[Part], width: int) -> Part:
    """The rows of all parts."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return [np.zeros(0, np.int32) for _ in range(width)], 0
    columns = [np.concatenate([columns[place] for columns, _ in parts]) for place in range(width)]
    return columns, sum(length for _, length in parts)
