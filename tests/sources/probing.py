"""What the tests of probes share: to run one probe, and to wait for what is to come."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pydantic import TypeAdapter

from congresslite.sources.probes.measurement import Measurement
from congresslite.sources.probes.prober import Prober
from congresslite.sources.probes.settings import Probe, SnmpProbe

PROBE: TypeAdapter[Probe] = TypeAdapter(Probe)
PATIENCE = 30  # seconds, for what should take a moment


def probe(**settings: Any) -> Probe:
    """A probe of `web1`; it has all the time that a test has."""
    return PROBE.validate_python({"object": "web1", "metric": "m", "timeout": PATIENCE, **settings})


def measured(scripts: Path | None = None, **settings: Any) -> Measurement:
    """What one run of a probe finds."""
    asked = probe(**settings)
    prober = Prober(scripts, snmp=isinstance(asked, SnmpProbe))

    async def once() -> Measurement:
        try:
            return await prober.measure(asked)
        finally:
            prober.close()

    return asyncio.run(once())


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.01)


def missing(component: str) -> NoReturn:
    """Skip a test for want of a component; where everything has to be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{component} is needed")
    pytest.skip(f"{component} is not here")
