"""The reader beside the writer."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest

from congresslite.bench.reader import Reader


class Snapshots:
    """An engine as far as a reader looks at it; `enough` is set when it has been read some times."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.enough = Event()
        self._fault = fault
        self._queries = 0

    def snapshot(self) -> Any:
        """Itself."""
        if self._fault is not None:
            raise self._fault
        return self

    def count(self, table: str) -> int:
        """No rows."""
        return 0

    def rows(self, table: str) -> list[Any]:
        """No rows."""
        return []

    def query(self, text: str) -> None:
        """No answer."""
        self._queries += 1
        if self._queries == 3:
            self.enough.set()


def test_waits() -> None:
    """Each read is noted, the two kinds by turns, until the reader is stopped."""
    engine: Any = Snapshots()
    reader = Reader(engine)
    reader.start()
    assert engine.enough.wait(60)
    waits = reader.stop()
    assert len(waits["lookup"]) == reader.turns >= 2
    assert 0 <= len(waits["rows"]) - len(waits["lookup"]) <= 1


def test_faults_are_not_lost() -> None:
    """What keeps a reader from reading is raised where it is stopped."""
    engine: Any = Snapshots(KeyError("nfv:error"))
    reader = Reader(engine)
    reader.start()
    with pytest.raises(KeyError, match="nfv:error"):
        reader.stop()
