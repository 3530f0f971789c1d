"""
The figures of an engine at work, from the samples that `live.py` takes.

Batches are held beside what a peer needs who evaluates everything again, since
none keeps its answers current. Samples of all runs are taken together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Any

from congresslite.bench.figures import AtMost, AtMostMore, Figure, TimesAtMost, TimesFaster
from congresslite.bench.measure import Measured

MILLI = 1e3
GIGABYTE = 1e9

# Batches by the name of their samples, with how many times as long a peer needs.
KEPT_CURRENT = {"1 move": 800, "100 moves": 500, "1,000 moves": 150, "100 links": 120}
WHAT_IFS = {
    "what-if, moves": "what-if of 100 moves",
    "what-if, a rule on few": "what-if of a rule: three tables, few rows",
    "what-if, a rule on many": "what-if of a rule: three tables, all machines",
}
CHECKS = {
    "check, a rule on few": ("pre-commit check of a rule: three tables, few rows", AtMost(1000)),
    "check, a rule on many": ("pre-commit check of a rule: three tables, all machines", None),
}
FIRST = {
    "first 100 moves": "first batch of 100 moves",
    "first 100 links": "first batch of 100 links",
    "policy added, first time": "policy added, first time",
}
READING = {
    "reading rows": "reader's longest wait for a count and rows",
    "reading lookup": "reader's longest wait for a lookup",
}


class Samples:
    """The samples of all runs of one engine at work, by name."""

    def __init__(self, measured: Measured) -> None:
        self._runs: tuple[Any, ...] = tuple(told["samples"] for told in measured.told)
        self.peak_bytes = median(told["peak_bytes"] for told in measured.told)

    def all(self, name: str, field: str) -> list[float]:
        """One field of every sample: `cpu_s`, `wall_s`, `read_cpu_s`."""
        return [each[field] for samples in self._runs for each in samples[name]]

    def ms(self, name: str, field: str = "cpu_s") -> float:
        """The median of a field, in milliseconds."""
        return median(self.all(name, field)) * MILLI

    def longest_ms(self, name: str) -> float:
        """The longest by the clock on the wall, in milliseconds; of several runs, the median of each one's longest."""
        longest: list[float] = [max(each["wall_s"] for each in samples[name]) for samples in self._runs]
        return median(longest) * MILLI

    def as_json(self) -> dict[str, dict[str, float]]:
        """How many samples there are of each name, the median of each field, and the longest."""
        document = {}
        for name, samples in self._runs[0].items():
            medians = {field: median(self.all(name, field)) for field in samples[0]}
            document[name] = {
                "samples": len(self.all(name, "wall_s")),
                **medians,
                "longest_s": max(self.all(name, "wall_s")),
            }
        return document


def at_work(group: str, samples: Samples, again_ms: float | None, audit: Measured) -> Iterator[Figure]:
    """All figures of one engine; beside the milliseconds of a full evaluation, and a policy evaluated alone."""
    for name, times in KEPT_CURRENT.items():
        current = beside_again(figure(group, f"{name} kept current", samples, name), again_ms, times)
        yield current
        read = samples.ms(name, "read_cpu_s")
        yield replace(current, name=f"{name}, all changes read", ours=read, wall=None, target=None)
    for name, title in WHAT_IFS.items():
        yield beside_again(figure(group, title, samples, name), again_ms, 20)
    for name, (title, target) in CHECKS.items():
        yield Figure(group, title, "ms", samples.ms(name, "wall_s"), target=target)
    added = figure(group, "policy of three rules added", samples, "policy added")
    alone = audit.timing("evaluate_cpu_s") * MILLI
    yield replace(added, beside="evaluated alone", theirs=alone, target=AtMostMore(10))
    yield figure(group, "policy of three rules removed", samples, "policy removed")
    for name, title in FIRST.items():
        yield figure(group, title, samples, name)
    yield Figure(group, "one violation explained", "ms", samples.ms("explain", "wall_s"), target=AtMost(5))
    yield Figure(group, "one violation explained, longest", "ms", samples.longest_ms("explain"))
    yield Figure(group, "why a row is no violation", "ms", samples.ms("why not", "wall_s"))
    for name, title in READING.items():
        longest, alone = (samples.longest_ms(f"{name} {how}") for how in ("beside a writer", "alone"))
        yield Figure(group, title, "ms", longest, "nobody writing", alone, AtMost(20))
    yield Figure(group, "peak memory, all indexed", "GB", samples.peak_bytes / GIGABYTE, target=AtMost(1.5))


def figure(group: str, title: str, samples: Samples, name: str) -> Figure:
    """What the samples of a name took."""
    return Figure(group, title, "CPU ms", samples.ms(name), wall=samples.ms(name, "wall_s"))


def beside_again(ours: Figure, again_ms: float | None, times: float) -> Figure:
    """The figure beside the milliseconds of evaluating everything again, which should take so many times as long."""
    return replace(ours, beside="DuckDB, all again", theirs=again_ms, target=TimesFaster(times))


def growth(group: str, samples: Samples, small: str, small_samples: Samples) -> Figure:
    """How the cost of a batch grows with the estate: hardly, since it follows the change."""
    here, there = samples.ms("100 moves"), small_samples.ms("100 moves")
    return Figure(group, "100 moves, beside fewer VMs", "CPU ms", here, small, there, TimesAtMost(3))
