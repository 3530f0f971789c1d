"""
Sinks: where the derivations of a table's rules end up, as its rows.

What has been gathered is counted together now and then, so that a sink holds
no more than the result needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from congresslite.engine.counting import Bag, Weights, consolidated, united
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.frames import WEIGHT, Frame
from congresslite.engine.keys import counted_rows
from congresslite.engine.limits import Limits
from congresslite.engine.relation import Relation
from congresslite.engine.vectors import encode, plain
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


def weights_of(frame: Frame) -> Weights:
    """How often each binding counts: the weights of a delta, else 1."""
    vector = frame.vectors.get(WEIGHT)
    return np.ones(frame.length, np.int64) if vector is None else plain(vector)


class CountSink:
    """Gathers rows over given dictionaries, with how often each occurs."""

    def __init__(self, dictionaries: Sequence[Dictionary], limits: Limits) -> None:
        self._dictionaries = dictionaries
        self._limits = limits
        self._counted: Bag | None = None
        self._pending: list[Part] = []
        self._rows = 0
        self._texts = text_bytes(dictionaries)

    def start(self, facts: Bag) -> None:
        """Take rows that no rule derives."""
        if facts.length:
            self._pending.append((facts.columns, facts.length))
            self._rows += facts.length

    def add(self, rule: CheckedRule, columns: list[Ids], length: int) -> None:
        """Take rows, repeated ones included. Raises EvaluationError if they are more than memory holds."""
        if not length:
            return
        self._pending.append((columns, length))
        self._rows += length
        texts = text_bytes(self._dictionaries)
        self._limits.hold(rule, self._size(length))
        self._limits.hold_texts(rule, texts - self._texts)
        self._texts = texts
        if self._rows > _PENDING:
            held = self._rows + (0 if self._counted is None else self._counted.length)
            self._limits.held -= self._size(held - self.bag().length)

    def bag(self) -> Bag:
        """All rows, each once, with its count."""
        if self._pending or self._counted is None:
            columns, length = gathered(self._pending, len(self._dictionaries))
            bags = [Bag(*counted_rows(columns, length, self._dictionaries))] if length else []
            if self._counted is not None:
                bags.append(self._counted)
            self._counted = united(bags, len(self._dictionaries))
            if len(bags) > 1:
                self._counted = consolidated(self._counted, self._dictionaries)
            self._pending, self._rows = [], 0
        return self._counted

    def relation(self, name: str, owner: object, *, distinct: bool) -> Relation:
        """The rows as a relation; `distinct` says that none of them repeats, so that nothing needs to be counted."""
        if distinct and self._counted is None:
            columns, length = gathered(self._pending, len(self._dictionaries))
            return Relation(name, self._dictionaries, columns, length, distinct=True, owner=owner)
        bag = self.bag()
        once = bool((bag.weights == 1).all())
        extras = [] if once else [bag.weights.astype(np.int32)]
        return Relation(name, self._dictionaries, bag.columns, bag.length, extras=extras, distinct=True, owner=owner)

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
