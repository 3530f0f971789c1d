"""
Drivers: what reads a kind of source, and what it promises to whoever runs it.

The rule to keep: a pull brings all rows of all tables of its feed, or it raises
a SourceError that names the place, the cause and the mend. Half a page, a reply
that was cut short or one of an unknown shape is an error, never fewer rows. A
driver keeps no rows, knows no schedule and retries only what is safe to ask
again; what was pulled is compared with what is held by somebody else.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import TableData, TableSchema


@dataclass(frozen=True, slots=True)
class Feed:
    """Tables (by their short names) that one pull brings together, because one reply or one file holds them.

    They are `mapped` if their values stand at the ends of a definition's paths into a reply: a path that leads nowhere
    any more gives null in every row, which is not null in truth.
    """

    name: str
    tables: tuple[str, ...]
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """All rows of a table that have one of `keys` in `column`; the table's other rows stay as they are."""

    column: str
    keys: frozenset[str]
    rows: TableData


# What a pull brought: whole tables, or parts of them, by short name.
Pull = Mapping[str, TableData | Part]


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which a pull must be done; every wait within it is bounded by what is left."""

    at: float  # of time.monotonic()

    @staticmethod
    def after(seconds: float) -> Deadline:
        """The deadline so many seconds from now."""
        return Deadline(time.monotonic() + seconds)

    def left(self, most: float = float("inf")) -> float:
        """The seconds that are left, at most `most`. Raises SourceError (CL474) once there are none."""
        remaining = self.at - time.monotonic()
        if remaining <= 0:
            raise SourceError(Diagnostic("CL474", "the pull took longer than its deadline", hint="raise `deadline`"))
        return min(remaining, most)


class Wake(Protocol):
    """How a driver says that something changed at the source; cheap, and safe from any thread."""

    def __call__(self, feed: str, keys: Collection[str] | None = None) -> None:
        """Pull a feed soon: only the objects with these keys, or (None) all of it."""


class Watch(Protocol):
    """Something that listens for changes, in a thread of its own."""

    @property
    def fault(self) -> str | None:
        """Why it hears nothing at the moment; None while all is well. Polling goes on whatever it says."""

    def close(self) -> None:
        """Stop listening; returns when the thread has ended."""


class Driver(Protocol):
    """Reads one source. One thread at a time calls `pull` and `pull_some`."""

    @property
    def schemas(self) -> Mapping[str, TableSchema]:
        """The tables that the source has, by short name; the schemas carry full names."""

    @property
    def owners(self) -> Mapping[str, str]:
        """For each table that says so (by short name), the column that leads to its owner."""

    @property
    def feeds(self) -> Sequence[Feed]:
        """What can be pulled; each table that can be pulled is in one feed."""

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        """All rows of a feed's tables. Raises SourceError."""

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> Pull | None:
        """The rows of these objects alone, gone ones without rows; None if this feed can only be pulled whole."""

    def watch(self, wake: Wake) -> Watch | None:
        """Begin to listen for changes; None if the source does not tell of any."""

    def close(self) -> None:
        """Give back connections and files."""
