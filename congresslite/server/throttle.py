"""
Failed sign-ins by address: after too many, an address waits.

Few addresses are remembered, the latest ones: what is kept must not grow with
the number of those who try.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_FAILURES = 20
WINDOW = 60.0
_REMEMBERED = 4096


class Throttle:
    """Counts failures within a window that begins with the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, address: str) -> int:
        """How many seconds an address has to wait; 0 if it may try."""
        with self._lock:
            began, count = self._failures.get(_network(address), (0.0, 0))
            left = began + WINDOW - self._clock()
        return int(left) + 1 if count >= MOST_FAILURES and left > 0 else 0

    def failed(self, address: str) -> None:
        """Remember a failure."""
        network, now = _network(address), self._clock()
        with self._lock:
            began, count = self._failures.pop(network, (now, 0))
            self._failures[network] = (began, count + 1) if now - began < WINDOW else (now, 1)
            if len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)


def _network(address: str) -> str:
    """Whoever has one IPv6 address has the other 2^64 of its network too."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
