"""
Hysteresis: when the state of a condition turns.

A state turns *true* after so many measurements in a row that hold, and *false*
after so many that do not, so that one lost packet raises no alarm and one
answer ends none. Where nothing could be told, it is *unknown* at once, for
whatever was known before may have ended meanwhile; counting begins anew then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from congresslite.sources.probes.measurement import Measurement
from congresslite.sources.probes.settings import Threshold

State = Literal["true", "false", "unknown"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a condition stands: its state, and how many measurements in a row said `verdict`.

    `alarm_at` is when the alarm was last raised; None unless the state is true.
    """

    state: State
    since: float
    alarm_at: float | None = None
    verdict: State = "unknown"
    in_a_row: int = 0


def verdict(measurement: Measurement, threshold: Threshold) -> State:
    """What one measurement says of a condition."""
    if not measurement.ran:
        return "unknown"
    if threshold.above is None and threshold.below is None:
        return "false" if measurement.ok else "true"
    if measurement.value is None:
        return "unknown"
    over = threshold.above is not None and measurement.value > threshold.above
    under = threshold.below is not None and measurement.value < threshold.below
    return "true" if over or under else "false"


def after(standing: Standing, said: State, at: float, threshold: Threshold) -> Standing:
    """Where a condition stands after one more measurement."""
    in_a_row = standing.in_a_row + 1 if said == standing.verdict else 1
    standing = replace(standing, verdict=said, in_a_row=in_a_row)
    needed = {"true": threshold.true_after, "false": threshold.false_after, "unknown": 1}[said]
    if said != standing.state and in_a_row >= needed:
        return replace(standing, state=said, since=at, alarm_at=at if said == "true" else None)
    if said == standing.state == "true" and threshold.continuous:
        return replace(standing, alarm_at=at)
    return standing
