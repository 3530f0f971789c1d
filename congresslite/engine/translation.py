"""Translations: the ids of one dictionary as those of another, worked out as far as somebody asks, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from congresslite.engine.dictionary import Dictionary

_MISSING, _UNKNOWN = -1, -2


class Translation:
    """Ids of one dictionary as ids of another, as far as they were asked for."""

    def __init__(self, target: Dictionary) -> None:
        self._target = target
        self._ids = np.zeros(0, np.int32)
        self._size = target.size

    def translate(self, source: Dictionary, ids: NDArray[np.int32], *, add: bool) -> NDArray[np.int32]:
        """The target's ids for ids of the source; -1 for values that it lacks, unless they are to be added."""
        if len(self._ids) < source.size:
            grown = np.full(source.size + source.size // 4, _UNKNOWN, np.int32)
            grown[: len(self._ids)] = self._ids
            self._ids = grown
        found = self._ids[ids]
        open_ = found == _UNKNOWN
        if add or self._size < self._target.size:  # what it lacked it may have by now
            open_ |= found == _MISSING
        if open_.any():
            asked = np.unique(ids[open_])
            convert = self._target.add if add else self._target.find
            self._ids[asked] = np.fromiter(map(convert, source.decode(asked)), np.int32, len(asked))
            found = self._ids[ids]
        return found
