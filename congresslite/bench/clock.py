"""
What a step took: processor time of all threads, which is compared, and wall time, which people wait.

Processor time hardly depends on who else computes on the machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds."""

    cpu_s: float
    wall_s: float

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s)


class Clock:
    """Counts from when it is made, or last read."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def lap(self) -> Taken:
        """What was taken since the lap before."""
        # The processor's clock is the finer account of a short step: nothing stands between it and the step.
        cpu, wall = time.process_time(), time.perf_counter()
        taken = Taken(cpu - self._cpu, wall - self._wall)
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return taken


def timing(load: Taken, evaluate: Taken) -> dict[str, float]:
    """What `congresslite check -o json` tells as `timing`, for a peer."""
    return {
        "load_s": load.wall_s,
        "load_cpu_s": load.cpu_s,
        "evaluate_s": evaluate.wall_s,
        "evaluate_cpu_s": evaluate.cpu_s,
    }
