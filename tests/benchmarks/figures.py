"""
Figures and the targets that they are held against.

A missed target is told, never raised: figures depend on the machine and on what
else it does, and a test that fails by the clock teaches people to ignore tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: ours, perhaps a peer's, and what should be."""

    name: str
    unit: str
    ours: float
    peer: str | None = None
    theirs: float | None = None
    at_most: float | None = None  # ours
    times_at_most: float | None = None  # ours to theirs
    times_faster: float | None = None  # theirs to ours, at least

    @property
    def ratio(self) -> float | None:
        """Ours to theirs."""
        return None if self.theirs is None else self.ours / self.theirs

    @property
    def target(self) -> str:
        """What should be, in words."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g} {self.unit}"
        if self.times_at_most is not None:
            return f"≤ {self.times_at_most:g} ×"
        return f"≤ 1/{self.times_faster:g} ×" if self.times_faster is not None else ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.at_most is not None:
            return self.ours <= self.at_most
        limit = self.times_at_most if self.times_faster is None else 1 / self.times_faster
        return None if limit is None or self.ratio is None else self.ratio <= limit

    def as_json(self) -> dict[str, Any]:
        """The figure for machines."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer,
            "theirs": self.theirs,
            "ratio": self.ratio,
            "target": self.target or None,
            "met": self.met,
        }


_NUMBERS = {"ours", "theirs", "ours to theirs", "target"}


def as_table(figures: Iterable[Figure]) -> Table:
    """The figures for people."""
    table = Table(box=None, pad_edge=False)
    for title in ("", "unit", "ours", "beside", "theirs", "ours to theirs", "target", "met"):
        table.add_column(title, justify="right" if title in _NUMBERS else "left", no_wrap=True)
    for each in figures:
        table.add_row(
            each.name,
            each.unit,
            _number(each.ours),
            each.peer or "",
            _number(each.theirs),
            _ratio(each.ratio),
            each.target,
            {True: "yes", False: "NO", None: ""}[each.met],
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f} ×" if value >= 0.01 else f"1/{1 / value:.0f} ×"
