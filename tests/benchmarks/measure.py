"""
Measurements: each a process of its own, those that are compared taken by turns, medians kept.

By turns, because a machine that is busy for a while would otherwise slow down
one side only. Processor time, because it hardly depends on who else computes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.benchmarks.child import Ended, congresslite, run

HERE = Path(__file__).parent
Subject = Callable[[], Ended]


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over some runs of one command. Times in seconds; `load` and `evaluate` as the command tells them."""

    wall: float
    cpu: float
    peak: float  # bytes
    load: float
    evaluate: float
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def answers(self) -> float:
        """From files to all answers."""
        return self.load + self.evaluate


def by_turns(subjects: Mapping[str, Subject], runs: int, tell: Callable[[str], None]) -> dict[str, Measured]:
    """Run the commands by turns, `runs` times each. Raises RuntimeError if one fails or two count differently."""
    ended: dict[str, list[Ended]] = {name: [] for name in subjects}
    for number in range(1, runs + 1):
        for name, subject in subjects.items():
            tell(f"{name}, {number} of {runs}")
            ended[name].append(subject())
    measured = {name: _medians(name, each) for name, each in ended.items()}
    _compare(measured)
    return measured


def ours(policy: Path, folder: Path) -> Subject:
    """`congresslite check` of a policy over a folder."""
    return lambda: congresslite("check", policy, "--data", folder, "-o", "json", "--counts", "--exit-zero")


def duckdb(questions: str, folder: Path) -> Subject:
    """DuckDB's answers to the same questions."""
    return lambda: run([sys.executable, HERE / "duckdb_peer.py", questions, folder])


def pydatalog(folder: Path) -> Subject:
    """The answers of pyDatalog to the same questions; takes minutes."""
    return lambda: run([sys.executable, HERE / "pydatalog_peer.py", folder])


def _medians(name: str, runs: list[Ended]) -> Measured:
    for each in runs:
        if each.code != 0:
            raise RuntimeError(f"{name} failed:\n{each.stderr or each.stdout}")
    told = [each.json() for each in runs]
    return Measured(
        wall=median(each.wall_s for each in runs),
        cpu=median(each.cpu_s for each in runs),
        peak=median(each.peak_bytes for each in runs),
        load=median(each["timing"]["load_cpu_s"] for each in told),
        evaluate=median(each["timing"]["evaluate_cpu_s"] for each in told),
        counts=told[0].get("counts", {}),
    )


def _compare(measured: Mapping[str, Measured]) -> None:
    """Times are only worth comparing where the answers are the same."""
    first, *others = measured
    for other in others:
        one, two = measured[first].counts, measured[other].counts
        differing = sorted(table for table in one.keys() & two.keys() if one[table] != two[table])
        if differing:
            raise RuntimeError(f"{first} and {other} disagree on {', '.join(differing)}")
