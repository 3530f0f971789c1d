"""Rows that come and go: what is told to an engine, and what it tells in return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from congresslite.schema.data import TableData
from congresslite.schema.values import Row, Scalar


@dataclass(frozen=True, slots=True)
class Delta:
    """Rows that come and rows that go."""

    insert: Sequence[Row] = ()
    delete: Sequence[Row] = ()

    def __bool__(self) -> bool:
        return bool(self.insert or self.delete)


@dataclass(frozen=True, slots=True)
class Replacement:
    """Rows that take the place of all rows of a table; with a `column`, of those that have one of `keys` in it.

    The rows must be of the table's schema.
    """

    rows: TableData
    column: str | None = None
    keys: frozenset[Scalar] = frozenset()


class Changes(Mapping[str, Delta]):
    """What came and went in each table; a table that did not change has an empty Delta.

    Rows are decoded when somebody looks at them: most of what follows from a batch is read by nobody.
    """

    def __init__(
        self,
        tables: Sequence[str],
        changed: Mapping[str, Callable[[], Delta]],
        parts: Mapping[str, Callable[[], Delta]] | None = None,
        sizes: Mapping[str, tuple[int, int]] | None = None,
        differing: Callable[[Any], list[Row]] | None = None,
    ) -> None:
        self._tables = dict.fromkeys(tables)
        self._parts, self._sizes = parts or {}, sizes or {}
        self._differing = differing
        self._pending = dict(changed)
        self._known: dict[str, Delta] = {}

    def changed(self) -> tuple[str, ...]:
        """The names of the tables that did change."""
        return tuple(name for name in self._tables if name in self._pending)

    def size(self, table: str) -> tuple[int, int]:
        """How many rows really came and went in a table, one of a source too."""
        return self._sizes.get(table, (0, 0))

    def differing(self, rule: Any) -> list[Row]:
        """The rows of which a rule that is no part of the program has more or fewer derivations than before, each once.

        It must have no aggregates. Raises TypeError after `settle`, and of a batch that changed policies.
        """
        if self._differing is None:
            raise TypeError("the states before and after the change are not kept")
        return self._differing(rule)

    def settle(self) -> None:
        """Keep the states before and after the change no longer: only what is told of it counts from now on."""
        self._differing = None

    def part(self, table: str) -> Delta:
        """What came and went in a table of a source, or in that of a single rule: `nfv:error#2`."""
        make = self._parts.get(table)
        return Delta() if make is None else make()

    def __getitem__(self, table: str) -> Delta:
        if table not in self._tables:
            raise KeyError(table)
        known = self._known.get(table)
        if known is None:
            make = self._pending.get(table)
            known = self._known[table] = Delta() if make is None else make()
            if make is not None:
                self._pending[table] = lambda: known
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}: {self[name]}" for name in self.changed())
        return f"Changes({shown})"
