"""
Refusals: what was not taken, from whom and why, counted and told once.

The rule to keep: nobody can fill a log or a memory by sending rubbish. Of each kind of refusal the first is logged, and
then the 10th, the 100th, …; kinds beyond a bound are counted together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

log = structlog.get_logger("congresslite.tiers")

MOST = 200  # kinds that are told apart


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of refusal. Times are those of `time.time()`."""

    code: str
    peer: str  # who it claims to be from, as far as that can be told
    what: str
    count: int
    first: float
    last: float


class Refusals:
    """What one engine refused. One thread writes; any may read."""

    def __init__(self, engine: str, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._clock = engine, clock
        self._known: dict[tuple[str, str, str], Refusal] = {}

    def tell(self, code: str, peer: str, what: str) -> None:
        """Note a refusal."""
        now = self._clock()
        key = (code, peer, what)
        if key not in self._known and len(self._known) >= MOST:
            key = (code, "", "others of this kind")
        known = self._known.get(key, Refusal(*key, 0, now, now))
        made = self._known[key] = replace(known, count=known.count + 1, last=now)
        if str(made.count).strip("0") == "1":
            log.warning("refused", engine=self._engine, code=code, peer=key[1], what=key[2], count=made.count)

    def all(self) -> tuple[Refusal, ...]:
        """Every kind, the latest first."""
        return tuple(sorted(self._known.values(), key=lambda each: -each.last))

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(each.count for each in tuple(self._known.values()))
