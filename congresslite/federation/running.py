"""
Running: a node with a thread and its places on the buses.

The rule to keep: whoever brings something (a bus, the engine that has changed) puts it down and goes on; too much of it
is thrown away, for whoever misses a message will ask for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from congresslite.config.models import TierSettings
from congresslite.federation.asking import Body
from congresslite.federation.bus import Bus, open_bus
from congresslite.federation.host import Host
from congresslite.federation.node import Node
from congresslite.federation.questions import Questions

log = structlog.get_logger("congresslite.tiers")

TICK = 1.0  # seconds
LARGEST = 512 * 2**20  # bytes of messages that wait


class Inbox:
    """Messages that wait for the node, between threads."""

    def __init__(self, largest: int = LARGEST) -> None:
        self.lost = 0
        self._waiting: deque[bytes] = deque()
        self._largest, self._size, self._woken = largest, 0, False
        self._changed = threading.Condition()

    def put(self, body: bytes) -> None:
        """Let a message wait, if there is room for it. Never blocks."""
        with self._changed:
            if self._size + len(body) > self._largest:
                self.lost += 1
                return
            self._waiting.append(body)
            self._size += len(body)
            self._changed.notify()

    def wake(self) -> None:
        """Let whoever waits look what there is to do."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def take(self, timeout: float) -> bytes | None:
        """The next message; None after so many seconds, or when it was woken."""
        with self._changed:
            if not self._waiting and not self._woken:
                self._changed.wait(timeout)
            self._woken = False
            if not self._waiting:
                return None
            body = self._waiting.popleft()
            self._size -= len(body)
            return body


class Running:
    """A node at work. `start` and `stop` it once."""

    def __init__(self, tier: TierSettings, host: Host) -> None:
        self.tier = tier
        self._inbox = Inbox()
        self._buses: dict[str, Bus] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"node {tier.name}", daemon=True)
        epoch = time.time_ns() // 1_000_000
        self.node = Node(tier, host, self._send, self._answer, epoch=epoch, wake=self._inbox.wake)
        self.questions = Questions(self.node)

    def start(self) -> None:
        """Take the places on the buses, and begin. Raises SourceError for an address that is none."""
        tier = self.tier
        urls = {child: tier.bus.get_secret_value() for child in tier.children}
        if tier.parent is not None:
            urls[tier.parent.name] = tier.parent.bus.get_secret_value()
        opened: dict[str, Bus] = {}
        for peer, url in urls.items():
            if url not in opened:
                opened[url] = open_bus(url, tier.name, self._inbox.put)
            self._buses[peer] = opened[url]
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and leave the buses."""
        self._stop.set()
        self._inbox.wake()
        if self._thread.is_alive():
            self._thread.join(5.0)
        self.node.close()
        for bus in set(self._buses.values()):
            bus.close()

    def faults(self) -> dict[str, str]:
        """Why nothing comes from or goes to neighbours at the moment, by their names."""
        return {peer: bus.fault for peer, bus in self._buses.items() if bus.fault is not None}

    @property
    def lost(self) -> int:
        """How many messages were thrown away, since too many waited."""
        return self._inbox.lost + sum(bus.lost for bus in set(self._buses.values()))

    def _send(self, peer: str, body: bytes) -> None:
        bus = self._buses.get(peer)
        if bus is not None:
            bus.send(peer, body)

    def _answer(self, peer: str, what: str, body: Body) -> Mapping[str, Any]:
        return self.questions.answer(peer, what, body)

    def _run(self) -> None:
        self._guarded(self.node.begin)
        ticked = time.monotonic()
        while not self._stop.is_set():
            body = self._inbox.take(max(0.0, ticked + TICK - time.monotonic()))
            self._guarded(self.node.settle if body is None else partial(self.node.receive, body))
            if time.monotonic() >= ticked + TICK:
                ticked = time.monotonic()
                self._guarded(self.node.tick)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do something; what goes wrong is logged, and the thread goes on."""
        try:
            work()
        except Exception:
            log.exception("the node failed at something; it goes on", engine=self.tier.name)
