"""What the overview adds up: open violations by severity, by policy and by point of presence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from congresslite.live import Counted
from congresslite.server.console.filters import WORST_FIRST

MOST = 12  # groups that are listed; the others are told as a number


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar, in percent of the longest bar's length."""

    severity: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Group:
    """The open violations that have something in common. `name` is None where it is not known."""

    name: str | None
    mode: str
    open: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups with the most open violations, and how many more groups there are with how many of them."""

    shown: tuple[Group, ...]
    others: int
    others_open: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All open violations, added up."""

    open: int
    waived: int
    severities: tuple[tuple[str, int], ...]
    policies: Groups
    sites: Groups


def summary(counted: Iterable[Counted]) -> Summary:
    """The sums that the overview shows."""
    rows = list(counted)
    severities: Counter[str] = Counter()
    for row in rows:
        severities[row.severity] += row.open
    return Summary(
        open=severities.total(),
        waived=sum(row.waived for row in rows),
        severities=tuple((severity, severities[severity]) for severity in WORST_FIRST),
        policies=_groups(rows, lambda row: row.policy),
        sites=_groups(rows, lambda row: row.site),
    )


def _groups(rows: Iterable[Counted], name_of: Callable[[Counted], str | None]) -> Groups:
    """Groups by name, those with the most open violations first, equal ones by name."""
    by_name: dict[str | None, Counter[str]] = {}
    modes: dict[str | None, str] = {}
    for row in rows:
        name = name_of(row)
        by_name.setdefault(name, Counter())[row.severity] += row.open
        modes[name] = row.mode
    ordered = sorted(
        ((name, counts) for name, counts in by_name.items() if counts.total()),
        key=lambda each: (-each[1].total(), each[0] is None, each[0] or ""),
    )
    longest = ordered[0][1].total() if ordered else 1
    shown = [Group(name, modes[name], counts.total(), _bar(counts, longest)) for name, counts in ordered[:MOST]]
    rest = ordered[MOST:]
    return Groups(tuple(shown), len(rest), sum(counts.total() for _, counts in rest))


def _bar(counts: Counter[str], longest: int) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    start = 0.0
    for severity in WORST_FIRST:
        if count := counts[severity]:
            width = 100 * count / longest
            segments.append(Segment(severity, count, round(start, 3), round(width, 3)))
            start += width
    return tuple(segments)
