"""
Overlays: a state that somebody tries things out on, and nobody else sees.

An overlay starts as a snapshot of an engine and goes its own way, one batch of rows after the other. It knows by which
rows it differs from where it started, so that it can say whether it has been in a state before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Literal

from congresslite.api import Delta, Snapshot, Trial
from congresslite.schema import Row, row_identity

_Known = tuple[str, tuple[Hashable, ...]]


class Overlay:
    """A state that goes its own way. `start` is where it began, `now` where it is."""

    def __init__(self, start: Snapshot) -> None:
        self.start = self.now = start
        self._rows: dict[_Known, tuple[Literal["came", "went"], Row]] = {}

    def apply(self, changes: Mapping[str, Delta]) -> Trial:
        """Take a batch of rows; an insert wins over a delete of the same row."""
        trial = self.now.trial(changes)
        for table in changes:
            found = trial.changes.part(table)
            for row in found.delete:
                self._note(table, row, "went")
            for row in found.insert:
                self._note(table, row, "came")
        self.now = trial.after
        return trial

    def _note(self, table: str, row: Row, what: Literal["came", "went"]) -> None:
        known = table, row_identity(row)
        if known in self._rows:
            del self._rows[known]  # the other way round, since only what really changes is told
        else:
            self._rows[known] = what, row

    def state(self) -> Hashable:
        """Something that is equal for equal states of one overlay."""
        return frozenset((known, what) for known, (what, _) in self._rows.items())

    def changes(self) -> Mapping[str, Delta]:
        """The rows by which the state differs from the one at the start."""
        came: defaultdict[str, list[Row]] = defaultdict(list)
        went: defaultdict[str, list[Row]] = defaultdict(list)
        for (table, _), (what, row) in self._rows.items():
            (came if what == "came" else went)[table].append(row)
        return {table: Delta(came[table], went[table]) for table in sorted(came.keys() | went.keys())}

    def whole(self) -> Trial:
        """Everything that has been done as one change of the state at the start."""
        return self.start.trial(self.changes())
