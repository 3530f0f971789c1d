"""
Lines: how kombu gets to a broker, and what is done there differently for RabbitMQ and for memory.

Each engine has a queue of its own, which lives as long as its connection, and a direct exchange leads to it by the name
of the engine. The queue has a name that no other has: so an engine that comes back need not wait until the broker has
noticed that it was gone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from amqp import AccessRefused
from kombu.connection import Connection

from congresslite.sources.brokers import connected, told

EXCHANGE = "congresslite.tiers"
TICK = 0.25  # seconds of one wait, and so how long closing takes
MOST_WAITING = 20_000  # messages that wait for an engine
LARGEST_WAITING = 256 * 2**20  # bytes of them all
KEPT = 60_000  # milliseconds for which they wait
_ARGUMENTS = {
    "x-max-length": MOST_WAITING,
    "x-max-length-bytes": LARGEST_WAITING,
    "x-message-ttl": KEPT,
    "x-overflow": "drop-head",
}


class NotAllowedError(Exception):
    """Something that the broker does not allow our user."""


class BrokerLine:
    """A way to RabbitMQ."""

    def __init__(self, url: str, ca: str | None) -> None:
        self._url = url
        self._ca = ca

    def connected(self) -> AbstractContextManager[Connection]:
        """A connection; it may be lost at any time."""
        return connected(self._url, self._ca)

    def told(self, error: Exception) -> str:
        """Why it was lost."""
        return str(error) if isinstance(error, NotAllowedError) else told(error, self._url)

    @contextmanager
    def place(self, channel: Any, name: str) -> Iterator[str]:
        """A queue to which leads what is sent to the engine `name`."""
        queue = f"{EXCHANGE}.{name}.{uuid4().hex}"
        try:
            channel.exchange_declare(EXCHANGE, "direct", durable=True, auto_delete=False)
            channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=True, arguments=_ARGUMENTS)
            channel.queue_bind(queue, EXCHANGE, name)
        except AccessRefused:
            raise NotAllowedError(f"the broker does not let us have `{EXCHANGE}` and queues `{EXCHANGE}.*`") from None
        yield queue

    def open(self, channel: Any) -> None:
        """Make ready for sending."""
        channel.exchange_declare(EXCHANGE, "direct", durable=True, auto_delete=False)

    def send(self, channel: Any, to: str, body: bytes) -> None:
        """Send a message; nobody knows whether it comes to somebody."""
        channel.basic_publish(channel.prepare_message(body, properties={"delivery_mode": 1}), EXCHANGE, to)

    def wait(self, connection: Connection, name: str) -> None:
        """Wait for something to come, for a moment."""
        with suppress(TimeoutError):
            connection.drain_events(timeout=TICK)
        connection.heartbeat_check()

    def idle(self, connection: Connection) -> None:
        """What is to be done about every second where only is sent: heartbeats are read and answered."""
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.001)
        connection.heartbeat_check()


class MemoryLine:
    """A way to other engines of this process.

    kombu's transport in memory neither wakes who waits for a message nor bounds a queue, and its tables are not made
    for several threads: for that there are bells, counts and a lock here.
    """

    _lock = threading.Lock()
    _bells: ClassVar[defaultdict[tuple[str, str], threading.Event]] = defaultdict(threading.Event)

    def __init__(self, address: str) -> None:
        self._exchange = f"{EXCHANGE}.{address}"

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection; it is never lost."""
        # Bodies are bytes and stay it; nobody sleeps between two looks.
        with Connection("memory://", transport_options={"body_encoding": None, "polling_interval": None}) as connection:
            yield connection

    def told(self, error: Exception) -> str:
        """Why there is none."""
        return f"the bus in memory broke: {error}"

    @contextmanager
    def place(self, channel: Any, name: str) -> Iterator[str]:
        """A queue to which leads what is sent to the engine `name`."""
        queue = f"{self._exchange}.{name}.{uuid4().hex}"
        with self._lock:
            self._declare(channel)
            channel.queue_declare(queue)
            channel.queue_bind(queue, self._exchange, name)
        try:
            yield queue
        finally:
            with self._lock:
                channel.queue_unbind(queue, self._exchange, name)
                channel.queue_delete(queue)

    def open(self, channel: Any) -> None:
        """Make ready for sending."""
        with self._lock:
            self._declare(channel)

    def send(self, channel: Any, to: str, body: bytes) -> None:
        """Send a message to whoever has the name."""
        with self._lock:
            for name, _, queue in channel.get_table(self._exchange):
                if name == to and channel.queue_declare(queue, passive=True).message_count >= MOST_WAITING:
                    channel.basic_get(queue, no_ack=True)
            channel.basic_publish(channel.prepare_message(body), self._exchange, to)
        self._bells[self._exchange, to].set()

    def wait(self, connection: Connection, name: str) -> None:
        """Wait for something to come, for a moment."""
        try:
            connection.drain_events(timeout=0)
        except TimeoutError:
            bell = self._bells[self._exchange, name]
            bell.wait(TICK)
            bell.clear()

    def idle(self, connection: Connection) -> None:
        """There is nothing to be done."""

    def _declare(self, channel: Any) -> None:
        channel.exchange_declare(self._exchange, "direct")


Line = BrokerLine | MemoryLine


def line_to(url: str, ca: str | None) -> Line:
    """The way to the broker at `url`."""
    parts = urlsplit(url)
    return MemoryLine(parts.netloc + parts.path) if parts.scheme == "memory" else BrokerLine(url, ca)
