"""Connections: the time until a port takes one."""

from __future__ import annotations

import asyncio
import time

from congresslite.sources.probes.measurement import Measurement, seconds
from congresslite.sources.probes.settings import TcpProbe


async def measure(probe: TcpProbe) -> Measurement:
    """Connect, and hang up at once. Raises OSError if that does not succeed."""
    begin = time.perf_counter()
    _, writer = await asyncio.open_connection(probe.address, probe.port)
    took = time.perf_counter() - begin
    writer.transport.abort()
    return Measurement(seconds(took))
