"""
Measurements: each a process of its own, those that are compared taken by turns, medians kept.

By turns, because a machine that is busy for a while would otherwise slow down
one side only. Processor time, because it hardly depends on who else computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import median
from typing import Any

from congresslite.bench.child import Ended

Subject = Callable[[], Ended]

# Told what is being done and how far it is: (what, done, total); total is 0 where it is not known.
Tell = Callable[[str, int, int], None]


class BenchError(Exception):
    """A measurement that could not be made, or answers that differ; the text says which."""


@dataclass(frozen=True)
class Measured:
    """Some runs of one command. Times in seconds, memory in bytes; each a median over the runs."""

    runs: tuple[Ended, ...]

    @cached_property
    def told(self) -> tuple[Any, ...]:
        """The JSON document of each run."""
        return tuple(each.json() for each in self.runs)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows each table has; by_turns has seen to it that all runs agree."""
        found: dict[str, int] = self.told[0].get("counts", {})
        return found

    @property
    def wall(self) -> float:
        """The whole process."""
        return median(each.wall_s for each in self.runs)

    @property
    def cpu(self) -> float:
        """The whole process."""
        return median(each.cpu_s for each in self.runs)

    @property
    def peak(self) -> float:
        """The most memory that was resident at once."""
        return median(each.peak_bytes for each in self.runs)

    def timing(self, *names: str) -> float:
        """The sum of times that the command tells of itself: `load_s`, `load_cpu_s`, `evaluate_s`, `evaluate_cpu_s`."""
        sums: list[float] = [sum(told["timing"][name] for name in names) for told in self.told]
        return median(sums)

    def as_json(self) -> dict[str, Any]:
        """The medians, for machines; counts have been compared and may be thousands, and are left out."""
        timing = {name: self.timing(name) for name in self.told[0].get("timing", {})}
        return {"runs": len(self.runs), "wall_s": self.wall, "cpu_s": self.cpu, "peak_bytes": self.peak, **timing}


def by_turns(subjects: Mapping[str, Subject], runs: int, tell: Tell) -> dict[str, Measured]:
    """Run the commands by turns, `runs` times each. Raises BenchError if one fails or two count differently."""
    ended: dict[str, list[Ended]] = {name: [] for name in subjects}
    for number in range(runs):
        for name, subject in subjects.items():
            tell(name, number + 1, runs)
            ended[name].append(_checked(name, subject()))
    compare((name, each.json().get("counts", {})) for name, each_run in ended.items() for each in each_run)
    return {name: Measured(tuple(each)) for name, each in ended.items()}


def compare(answers: Iterable[tuple[str, Mapping[str, Any]]], *, whole: bool = False) -> None:
    """Times are only worth comparing where the answers are the same. Raises BenchError where tables differ.

    Of `whole` answers none has tables that another lacks; peers may leave out some.
    """
    for (one, left), (other, right) in combinations(answers, 2):
        tables = left.keys() | right.keys() if whole else left.keys() & right.keys()
        differing = sorted(table for table in tables if left.get(table) != right.get(table))
        if differing:
            told = ", ".join(f"{table} ({left.get(table)} and {right.get(table)})" for table in differing)
            raise BenchError(f"{one} and {other} disagree on {told}")


def _checked(name: str, ended: Ended) -> Ended:
    if ended.code != 0:
        raise BenchError(f"{name} failed: {reason(ended)}")
    return ended


def reason(ended: Ended) -> str:
    """Why a process failed: what it told, and of a traceback only the exception."""
    told = (ended.stderr or ended.stdout).strip() or f"it ended with {ended.code}"
    return told.splitlines()[-1] if told.startswith("Traceback") else told
