"""Tombstones: which rows of a relation went away. A value, of which later ones share the larger part."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.index import Places

Mask = NDArray[np.bool_]

# The last entry of the list: no row has this number, so that a search always ends at an entry.
_END = np.int64(2**62)
# So many dead rows are listed, or one for so many rows there are, before all are entered into flags, which are copied.
_LISTED, _PER_ROWS = 1024, 1024
# For so many questions at once, flags are made at any rate.
_BULK = 1 << 14


def _none() -> NDArray[np.int64]:
    return np.full(1, _END)


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Dead rows: a flag for each of the older ones, and a sorted list of the latest."""

    count: int = 0
    _flags: Mask | None = None
    _listed: NDArray[np.int64] = field(default_factory=_none)

    def with_dead(self, places: Places) -> Tombstones:
        """These rows dead too; none of them may be dead already."""
        listed = np.concatenate((self._listed, places))
        count = self.count + len(places)
        listed.sort(kind="stable")
        known = 0 if self._flags is None else len(self._flags)
        if len(listed) <= max(_LISTED, known // _PER_ROWS):
            return Tombstones(count, self._flags, listed)
        return Tombstones(count, self._entered(listed[:-1]))

    def _entered(self, listed: NDArray[np.int64]) -> Mask:
        """The flags with listed rows entered."""
        size = max(int(listed.max()) + 1, 0 if self._flags is None else len(self._flags))
        flags = np.zeros(size, bool)
        if self._flags is not None:
            flags[: len(self._flags)] = self._flags
        flags[listed] = True
        return flags

    def dead(self, places: Places) -> Mask | None:
        """Which of these rows are dead; None if none is."""
        if not self.count or not len(places):
            return None
        dead: Mask | None = None
        if len(self._listed) > 1 and len(places) > _BULK:
            return Tombstones(self.count, self._entered(self._listed[:-1])).dead(places)
        if len(self._listed) > 1:
            dead = self._listed[self._listed.searchsorted(places)] == places
        if self._flags is not None:
            if int(places.max()) < len(self._flags):
                flagged = self._flags[places]
            else:
                flagged = self._flags[np.minimum(places, len(self._flags) - 1)] & (places < len(self._flags))
            dead = flagged if dead is None else dead | flagged
        return dead if dead is not None and dead.any() else None

    def alive(self, size: int) -> Places | None:
        """The living among the first `size` rows; None if all live."""
        if not self.count:
            return None
        living = np.ones(size, bool)
        if self._flags is not None:
            living[: len(self._flags)] = ~self._flags[:size]
        living[self._listed[: self._listed.searchsorted(size)]] = False
        return np.flatnonzero(living)
