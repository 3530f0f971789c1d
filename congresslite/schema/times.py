"""Times as people and tools read them: RFC 3339, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """A time in RFC 3339, UTC, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def stamp_or_none(seconds: float | None) -> str | None:
    """A time in RFC 3339, or None."""
    return None if seconds is None else stamp(seconds)
