"""
Figures and the targets that they are held against.

A missed target is told, never raised: figures depend on the machine and on what
else it does, and a test that fails by the clock teaches people to ignore tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Target(Protocol):
    """What should be."""

    def words(self, unit: str) -> str:
        """The target as people write it."""

    def met(self, ours: float, theirs: float | None) -> bool | None:
        """Whether it is met; None where that cannot be said, because a peer is missing."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """Ours is at most so much, whatever a peer needs."""

    limit: float

    def words(self, unit: str) -> str:
        """The target as people write it."""
        return f"≤ {self.limit:g} {unit.removeprefix('CPU ')}"

    def met(self, ours: float, theirs: float | None) -> bool:
        """Whether it is met."""
        del theirs
        return ours <= self.limit


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Ours is at least so much, whatever a peer does."""

    limit: float

    def words(self, unit: str) -> str:
        """The target as people write it."""
        return f"≥ {self.limit:,g} {unit}".rstrip()

    def met(self, ours: float, theirs: float | None) -> bool:
        """Whether it is met."""
        del theirs
        return ours >= self.limit


@dataclass(frozen=True, slots=True)
class TimesAtMost:
    """Ours is at most so many times theirs."""

    limit: float

    def words(self, unit: str) -> str:
        """The target as people write it."""
        del unit
        return f"≤ {self.limit:g} ×"

    def met(self, ours: float, theirs: float | None) -> bool | None:
        """Whether it is met."""
        return None if theirs is None else ours <= self.limit * theirs


@dataclass(frozen=True, slots=True)
class TimesFaster:
    """Theirs is at least so many times ours."""

    limit: float

    def words(self, unit: str) -> str:
        """The target as people write it."""
        del unit
        return f"≤ 1/{self.limit:g} ×"

    def met(self, ours: float, theirs: float | None) -> bool | None:
        """Whether it is met."""
        return None if theirs is None else self.limit * ours <= theirs


@dataclass(frozen=True, slots=True)
class AtMostMore:
    """Ours exceeds theirs by at most so much."""

    limit: float

    def words(self, unit: str) -> str:
        """The target as people write it."""
        return f"≤ + {self.limit:g} {unit.removeprefix('CPU ')}"

    def met(self, ours: float, theirs: float | None) -> bool | None:
        """Whether it is met."""
        return None if theirs is None else ours - theirs <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: what was measured of which group, perhaps what it is held beside, and what should be.

    All in `unit`. Where `ours` is processor time, `wall` is the same by the clock on the wall.
    """

    group: str
    name: str
    unit: str
    ours: float
    beside: str | None = None
    theirs: float | None = None
    target: Target | None = None
    wall: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to theirs."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def wanted(self) -> str:
        """The target in words."""
        return "" if self.target is None else self.target.words(self.unit)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one, or without what it is held against."""
        return None if self.target is None else self.target.met(self.ours, self.theirs)

    def as_json(self) -> dict[str, Any]:
        """The figure for machines."""
        return {
            "group": self.group,
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "wall": self.wall,
            "beside": self.beside,
            "theirs": self.theirs,
            "ratio": self.ratio,
            "target": self.wanted or None,
            "met": self.met,
        }
