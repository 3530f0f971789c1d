"""
The schedule: measures each probe again and again, all in one thread.

Probes wait for the network nearly all of their time, so one event loop runs
hundreds of them. After the first time they are spread over their turns, so
that they do not all start at once and measure each other. What is late is not
made up for: a probe that missed its time is measured at its next one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from congresslite.sources.probes.measurement import Measurement
from congresslite.sources.probes.prober import Prober
from congresslite.sources.probes.settings import Probe

_log = logging.getLogger(__name__)

Tell = Callable[[Probe, Measurement], None]


class Schedule:
    """A thread that measures probes, at most `at_once` at a time, and tells what they found."""

    def __init__(self, probes: Sequence[Probe], prober: Prober, tell: Tell, at_once: int) -> None:
        self._probes = probes
        self._prober = prober
        self._tell = tell
        self._at_once = at_once
        self._fault: str | None = None
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._work = self._loop.create_task(self._all())
        self._thread = threading.Thread(target=self._run, name="probes", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether probes are being measured."""
        return self._fault is None and self._thread.is_alive()

    @property
    def fault(self) -> str | None:
        """Why nothing is measured any more; None while all is well."""
        return self._fault

    def close(self) -> None:
        """Stop: measurements that are under way are broken off, and their scripts killed."""
        self._closing = True
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._work.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._work)
        except asyncio.CancelledError:
            self._fault = "the probes were stopped"
        except Exception as error:
            self._fault = f"the probes have ended: {type(error).__name__}"
            _log.exception("probes have ended")
        finally:
            self._loop.close()

    async def _all(self) -> None:
        places = asyncio.Semaphore(self._at_once)
        try:
            async with asyncio.TaskGroup() as group:
                for number, probe in enumerate(self._probes, start=1):
                    share = number / len(self._probes)
                    group.create_task(self._repeat(probe, places, share))
        finally:
            self._prober.close()

    async def _repeat(self, probe: Probe, places: asyncio.Semaphore, share: float) -> None:
        """Measure a probe at once, then after `share` of its turn, then at each turn."""
        clock = asyncio.get_running_loop().time
        due = clock() + share * probe.every
        while True:
            async with places:
                measurement = await self._prober.measure(probe)
            # Not every library lets a cancellation pass.
            if self._closing:
                return
            self._tell(probe, measurement)
            due += max(0, math.ceil((clock() - due) / probe.every)) * probe.every  # what was missed
            await asyncio.sleep(due - clock())
            due += probe.every
