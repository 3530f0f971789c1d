"""
The host: what enforcement needs of the engine that it belongs to, and of the lease under which it may act.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol

from congresslite.analysis.belonging import Belonging
from congresslite.api import Snapshot


class Lease(Protocol):
    """The right to act, which one engine has at a time. Safe for any thread."""

    @property
    def epoch(self) -> int:
        """The number of the lease under which this engine acts; one that takes over has a higher one."""

    def held(self) -> bool:
        """Whether this engine may act at this very moment; it may be so again later, if nobody has taken over."""

    def over(self, epoch: int) -> bool:
        """Whether the engine of an earlier lease is certain to do nothing any more."""


class Host(Lease, Protocol):
    """The running estate, as enforcement sees it. Safe for any thread."""

    def snapshot(self) -> Snapshot:
        """The engine's latest state."""

    @property
    def belonging(self) -> Belonging:
        """What objects belong to."""

    def stale(self, tables: Set[str]) -> str | None:
        """Why some of these source tables may not be believed at the moment; None if all are current."""


class Alone:
    """The lease of an engine that shares its state with no other: when it starts, none before it is running."""

    @property
    def epoch(self) -> int:
        """There is but one."""
        return 0

    def held(self) -> bool:
        """It always may."""
        return True

    def over(self, epoch: int) -> bool:
        """The store's lock was free."""
        return True
