"""
A place on a bus, by kombu: one thread hears, another one sends, each with a connection of its own.

Both connect again and again, whatever went wrong; a thread that ended would never tell.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Consumer

from congresslite.federation.lines import TICK, Line, line_to
from congresslite.federation.outbox import Outbox
from congresslite.sources.brokers import pause

__all__ = ["EngineBus", "line_to"]

log = structlog.get_logger("congresslite.tiers")

BEAT = 1.0  # seconds between two looks at the heartbeats of a connection on which only is sent


class EngineBus:
    """A Bus."""

    def __init__(self, line: Line, name: str, receive: Callable[[bytes], None]) -> None:
        self._line = line
        self._name = name
        self._receive = receive
        self._outbox = Outbox()
        self._stop = threading.Event()
        self._hearing = _Connecting(line, f"{name}-bus-hears", self._hear, self._stop)
        self._sending = _Connecting(line, f"{name}-bus-sends", self._send, self._stop)

    @property
    def fault(self) -> str | None:
        """Why nothing comes or goes at the moment; None while all is well."""
        return self._hearing.fault or self._sending.fault

    @property
    def lost(self) -> int:
        """How many messages were not sent, since too many waited."""
        return self._outbox.lost

    def send(self, to: str, body: bytes) -> None:
        """Send to an engine, when it is its turn."""
        self._outbox.put(to, body)

    def close(self) -> None:
        """Leave; returns when its threads have ended."""
        self._stop.set()
        self._outbox.wake()
        self._hearing.join()
        self._sending.join()

    def _hear(self, connection: Connection, ready: Callable[[], None]) -> None:
        channel = connection.channel()
        with self._line.place(channel, self._name) as place:
            queues = [Queue(place, channel=channel)]
            # Not acknowledged one by one: what is lost with a connection shows as a gap.
            with Consumer(channel, queues, no_ack=True, on_message=self._take, auto_declare=False):
                ready()
                while not self._stop.is_set():
                    self._line.wait(connection, self._name)

    def _take(self, message: Any) -> None:
        try:
            self._receive(bytes(message.body))
        except Exception:
            log.exception("a message could not be taken", engine=self._name)

    def _send(self, connection: Connection, ready: Callable[[], None]) -> None:
        channel = connection.channel()
        self._line.open(channel)
        ready()
        look = time.monotonic()
        while not self._stop.is_set():
            message = self._outbox.first(TICK)
            if message is not None:
                self._line.send(channel, *message)
                self._outbox.done(message)
            if time.monotonic() >= look:
                self._line.idle(connection)
                look = time.monotonic() + BEAT


class _Connecting:
    """A thread that connects and works, again and again, until it is to stop."""

    def __init__(
        self, line: Line, name: str, work: Callable[[Connection, Callable[[], None]], None], stop: threading.Event
    ) -> None:
        self.fault: str | None = "it has not connected yet"
        self._line = line
        self._name = name
        self._work = work
        self._stop = stop
        self._failures = 0  # in a row
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for its end; a thread that is in the midst of `receive` does not wait for itself."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._line.connected() as connection:
                    self._work(connection, self._ready)
            except Exception as error:
                self._broke(self._line.told(error))
                self._stop.wait(pause(self._failures))

    def _ready(self) -> None:
        if self._failures:
            log.info("the bus is there again", thread=self._name)
        self.fault, self._failures = None, 0

    def _broke(self, fault: str) -> None:
        if fault != self.fault:
            log.warning("the bus is away", thread=self._name, why=fault)
        self.fault = fault
        self._failures += 1
