"""
Folds: aggregates over groups of bindings.

Bindings are gathered as distinct combinations of group and folded values, with
how often each occurred, so that memory follows the combinations. Integers are
summed as arrays as long as no sum can overflow; all else is folded by
`aggregates`, value by value, as every back end must.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.dictionary import INT, NULL, Dictionary, Ids
from congresslite.engine.keys import group_rows
from congresslite.engine.limits import Limits
from congresslite.language.aggregates import fold
from congresslite.language.program import CheckedRule, Fold
from congresslite.language.syntax import AggregateFunction

Weights = NDArray[np.int64]

# Bindings gathered before those that agree are counted together.
_PENDING = 1 << 22


class FoldSink:
    """Gathers the bindings of one aggregating rule: the columns of its groups, then of its folded variables."""

    def __init__(
        self, rule: CheckedRule, groups: Sequence[Dictionary], values: Sequence[Dictionary], limits: Limits
    ) -> None:
        self._rule, self._limits = rule, limits
        self._groups, self._values = list(groups), list(values)
        self._parts: list[tuple[list[Ids], Weights]] = []
        self._pending = 0

    def add(self, columns: list[Ids], length: int) -> None:
        """Take bindings, each to be counted."""
        self._parts.append((columns, np.ones(length, np.int64)))
        self._pending += length
        if self._pending > _PENDING:
            self._compact()

    def _compact(self) -> None:
        columns, weights = self._gathered()
        order, starts = group_rows(columns, len(weights))
        first = order[starts]
        self._parts = [([column[first] for column in columns], np.add.reduceat(weights[order], starts))]
        self._pending = 0
        self._limits.check_bindings(self._rule, len(first), len(columns) + 2)

    def _gathered(self) -> tuple[list[Ids], Weights]:
        width = len(self._groups) + len(self._values)
        if not self._parts:
            return [np.zeros(0, np.int32) for _ in range(width)], np.zeros(0, np.int64)
        columns = [np.concatenate([part[0][place] for part in self._parts]) for place in range(width)]
        return columns, np.concatenate([part[1] for part in self._parts])

    def columns(self, results: Sequence[Dictionary]) -> tuple[list[Ids], int]:
        """The columns of the table: each head term's, in the order of the head; `results` are its dictionaries."""
        columns, weights = self._gathered()
        if not len(weights):
            return [np.zeros(0, np.int32) for _ in results], 0
        width = len(self._groups)
        order, starts = group_rows(columns[:width], len(weights))
        folded: list[tuple[Ids, NDArray[np.bool_]]] = []
        terms = self._rule.head
        places = [place for place, term in enumerate(terms) if isinstance(term, Fold)]
        for offset, place in enumerate(places):
            term = terms[place]
            assert isinstance(term, Fold)
            group = _Groups(columns[width + offset][order], weights[order], starts, self._values[offset])
            ids, known, skipped = group.fold(term.function, results[place])
            self._limits.skip(self._rule, skipped)
            folded.append((ids, known))
        kept = np.logical_and.reduce([known for _, known in folded])
        grouped = iter([column[order[starts]][kept] for column in columns[:width]])
        values = iter([ids[kept] for ids, _ in folded])
        result = [next(values) if isinstance(term, Fold) else next(grouped) for term in terms]
        return result, int(kept.sum())


class _Groups:
    """The values of one folded variable in the order of groups, with their weights."""

    def __init__(self, ids: Ids, weights: Weights, starts: NDArray[np.int64], dictionary: Dictionary) -> None:
        self._ids, self._weights, self._starts, self._dictionary = ids, weights, starts, dictionary

    def fold(self, function: AggregateFunction, result: Dictionary) -> tuple[Ids, NDArray[np.bool_], int]:
        """For each group the id of its value in `result` and whether it has one; and how many values were skipped."""
        kinds = self._dictionary.kinds[self._ids]
        known = kinds != NULL
        counts = np.add.reduceat(np.where(known, self._weights, 0), self._starts)
        present = counts > 0
        if function == "count":
            return result.encode_integers(counts), present, 0
        integers = bool((kinds[known] == INT).all())
        values = self._integers(function, known) if integers else None
        if values is None:
            return self._one_by_one(function, result)
        ids = np.zeros(len(values), np.int32)
        if function == "avg":
            # Python divides integers exactly and rounds once.
            pairs = zip(values[present].tolist(), counts[present].tolist(), strict=True)
            ids[present] = result.encode(total / times for total, times in pairs)
        else:
            ids[present] = result.encode_integers(values[present])
        return ids, present, 0

    def _integers(self, function: AggregateFunction, known: NDArray[np.bool_]) -> NDArray[np.int64] | None:
        values = self._dictionary.payloads[self._ids]
        match function:
            case "sum" | "avg":
                largest = max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))
                if largest * int(self._weights.sum()) >= 2**62:
                    return None
                return np.add.reduceat(np.where(known, values * self._weights, 0), self._starts)
            case "min":
                reduced = np.minimum.reduceat(np.where(known, values, np.iinfo(np.int64).max), self._starts)
            case "max":
                reduced = np.maximum.reduceat(np.where(known, values, np.iinfo(np.int64).min), self._starts)
            case _:
                return None
        return reduced

    def _one_by_one(self, function: AggregateFunction, result: Dictionary) -> tuple[Ids, NDArray[np.bool_], int]:
        ends = np.append(self._starts[1:], len(self._ids))
        ids = np.zeros(len(self._starts), np.int32)
        present = np.zeros(len(self._starts), bool)
        skipped = 0
        values = self._dictionary.decode(self._ids)
        weights = self._weights.tolist()
        counts_once = function in ("min", "max", "count_distinct")
        for group, (start, end) in enumerate(zip(self._starts.tolist(), ends.tolist(), strict=True)):
            chosen = values[start:end]
            if not counts_once:
                chosen = [v for v, times in zip(chosen, weights[start:end], strict=True) for _ in range(times)]
            folded = fold(function, chosen)
            skipped += folded.skipped
            if folded.value is not None:
                ids[group], present[group] = result.add(folded.value), True
        return ids, present, skipped
