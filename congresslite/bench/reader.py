"""
A reader beside the writer: a thread that takes snapshots and reads them, again and again, and notes how long each took.

It does not pause, as no polite reader would: the longest read is the longest
that anybody can be made to wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import cycle

from congresslite.api import Engine

# By turns: a count with all rows of a small table, and a lookup in a large one.
SMALL_TABLE = "nfv:anti_affinity"
COUNTED = "nfv:error"
LOOKUPS = tuple(f'inv:vm(id=vm, host="host{number}")' for number in range(5))


class Reader(threading.Thread):
    """Reads until it is stopped; `waits` has the seconds of wall clock of each read, `error` why it stopped early."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(name="reader", daemon=True)
        self.waits: dict[str, list[float]] = {"rows": [], "lookup": []}
        self.error: Exception | None = None
        self._engine = engine
        self._stopped = threading.Event()

    @property
    def turns(self) -> int:
        """How often both kinds have been read."""
        return min(map(len, self.waits.values()))

    def run(self) -> None:
        """Read, and read again."""
        for kind, lookup in _turns():
            if self._stopped.is_set():
                return
            started = time.perf_counter()
            try:
                self._read(lookup)
            except Exception as error:  # told by `stop`, in the thread that can tell it
                self.error = error
                return
            self.waits[kind].append(time.perf_counter() - started)

    def stop(self) -> dict[str, list[float]]:
        """End reading and give the waits. Raises what kept the reader from reading."""
        self._stopped.set()
        self.join()
        if self.error is not None:
            raise self.error
        return self.waits

    def _read(self, lookup: str | None) -> None:
        snapshot = self._engine.snapshot()
        if lookup is not None:
            snapshot.query(lookup)
            return
        snapshot.count(COUNTED)
        snapshot.rows(SMALL_TABLE)


def _turns() -> Iterator[tuple[str, str | None]]:
    for lookup in cycle(LOOKUPS):
        yield "rows", None
        yield "lookup", lookup
