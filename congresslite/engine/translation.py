"""Translations: the ids of one dictionary as those of another, worked out as far as somebody asks, and remembered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]

_MISSING, _UNKNOWN = -1, -2


class Translation:
    """Ids of a source as ids of a target, which had `target_size` ids at the start."""

    def __init__(self, target_size: int) -> None:
        self._ids = np.zeros(0, np.int32)
        self._size = target_size

    def translate(self, ids: Ids, convert: Callable[[Ids], Ids], sizes: tuple[int, int], *, add: bool) -> Ids:
        """The target's ids for ids of the source; -1 for values that it lacks.

        `convert` translates ids that differ, or with `add` makes new ones; `sizes` are how many ids source and target
        have by now.
        """
        if len(self._ids) < sizes[0]:
            grown = np.full(sizes[0] + sizes[0] // 4, _UNKNOWN, np.int32)
            grown[: len(self._ids)] = self._ids
            self._ids = grown
        found = self._ids[ids]
        open_ = found == _UNKNOWN
        if add or self._size < sizes[1]:  # what it lacked it may have by now
            open_ |= found == _MISSING
        if open_.any():
            asked = np.unique(ids[open_])
            self._ids[asked] = convert(asked)
            found = self._ids[ids]
        return found
