"""
The running estate: sources feed the engine, what changes becomes history and notices.

    sources ──pull──▶ intake ──▶ core: engine ──changes──▶ history ──▶ store ──batch──▶ those who watch

Each source pulls in a thread of its own, one change at a time goes through the core, and whoever asks reads the
engine's latest snapshot or the store; nobody who reads waits for anybody who writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from congresslite.live.values import (
    NOT_PULLED,
    NOTHING_NAMED,
    Caller,
    ConflictError,
    Counted,
    Event,
    FeedStatus,
    Health,
    Looked,
    NotYoursError,
    Pushed,
    RefusedCheckError,
    Rows,
    SourceStatus,
    TableInfo,
    Undetermined,
    oldest,
)

if TYPE_CHECKING:
    from congresslite.live.checks import Proposal
    from congresslite.live.estate import LiveEstate
    from congresslite.live.opening import open_estate

__all__ = [
    "NOTHING_NAMED",
    "NOT_PULLED",
    "Caller",
    "ConflictError",
    "Counted",
    "Event",
    "FeedStatus",
    "Health",
    "LiveEstate",
    "Looked",
    "NotYoursError",
    "Proposal",
    "Pushed",
    "RefusedCheckError",
    "Rows",
    "SourceStatus",
    "TableInfo",
    "Undetermined",
    "oldest",
    "open_estate",
]


def __getattr__(name: str) -> object:
    """Import what it takes to run an estate only for whoever does."""
    if name == "LiveEstate":
        from congresslite.live.estate import LiveEstate  # noqa: PLC0415

        return LiveEstate
    if name == "Proposal":
        from congresslite.live.checks import Proposal  # noqa: PLC0415

        return Proposal
    if name == "open_estate":
        from congresslite.live.opening import open_estate  # noqa: PLC0415

        return open_estate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
