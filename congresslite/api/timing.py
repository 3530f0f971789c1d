"""How long a load takes: reading and evaluating apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of wall clock and of processor time (all threads) for reading and for evaluating."""

    load_s: float = 0.0
    load_cpu_s: float = 0.0
    evaluate_s: float = 0.0
    evaluate_cpu_s: float = 0.0


class Clock:
    """Measures the two parts of a load."""

    def __init__(self) -> None:
        self._started = self._now()
        self.timing = Timing()

    def loaded(self) -> None:
        """Note that everything has been read."""
        wall, cpu = self._since(self._started)
        self.timing = replace(self.timing, load_s=wall, load_cpu_s=cpu)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Measure the evaluation."""
        started = self._now()
        yield
        wall, cpu = self._since(started)
        self.timing = replace(self.timing, evaluate_s=wall, evaluate_cpu_s=cpu)

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def _since(self, start: tuple[float, float]) -> tuple[float, float]:
        wall, cpu = self._now()
        return wall - start[0], cpu - start[1]
