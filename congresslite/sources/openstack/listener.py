"""
Listening on a cloud's message bus, in a thread: each notification wakes the feeds that its definition says.

The rule to keep: the cloud must not notice us. The queue is our own and goes
with the connection; it is bound to the exchanges of the services, which are
never declared, since a service whose exchange is there with other settings does
not start. Taking messages from the services' own queues would steal them.

While nobody listens, events are missed: so after each connect everything is
asked for once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

from amqp import AccessRefused, NotFound
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Consumer

from congresslite.sources.brokers import connected, pause, told
from congresslite.sources.driver import Wake
from congresslite.sources.events import Event, woken
from congresslite.sources.openstack.oslo import MalformedError, read_notification

TICK = 0.25  # how long one wait lasts, and so how long closing takes
TOGETHER = 0.05  # events within this time wake a feed once: Nova's come twice, and in bursts
AGAIN = 30.0  # until an exchange that was not there is looked for again
MOST_WAITING = 50_000  # messages that the broker keeps for us


@dataclass(frozen=True, slots=True)
class Bus:
    """Where the services of a cloud send their notifications."""

    urls: tuple[str, ...] = field(repr=False)  # with the password; tried in turn
    topics: tuple[str, ...]
    exchanges: Mapping[str, str] = field(default_factory=dict)  # what those of a definition are called here
    ca: str | None = None


class _NotAllowedError(Exception):
    """Something that the broker does not allow our user."""


class Listener:
    """A Watch: hears notifications and wakes feeds until it is closed."""

    def __init__(self, name: str, bus: Bus, events: Sequence[Event], feeds: Sequence[str], wake: Wake) -> None:
        self.malformed = 0  # messages that were no notifications
        self._fault: str | None = "it has not connected yet"
        self._name = name
        self._bus = bus
        self._events = events
        self._feeds = feeds
        self._wake = wake
        self._failures = 0  # in a row
        self._waiting: dict[str, frozenset[str] | None] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name}-notifications", daemon=True)
        self._thread.start()

    @property
    def fault(self) -> str | None:
        """Why it hears nothing, or not all there is to hear; None while all is well."""
        return self._fault

    def close(self) -> None:
        """Stop listening; returns when the thread has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number in count():
            url = self._bus.urls[number % len(self._bus.urls)]
            try:
                with connected(url, self._bus.ca) as connection:
                    self._listen(connection)
            except Exception as error:
                # Whatever went wrong, the next attempt may go well; a thread that ended would never tell.
                self._fault = str(error) if isinstance(error, _NotAllowedError) else told(error, url)
            self._failures += 1
            if self._stop.wait(pause(self._failures)):
                return

    def _listen(self, connection: Connection) -> None:
        """Hear until it is closed. Raises whatever breaks the connection."""
        queue = f"congresslite.{self._name}.{uuid4().hex}"
        channel = connection.channel()
        arguments = {"x-max-length": MOST_WAITING}
        try:
            channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=True, arguments=arguments)
        except AccessRefused:
            raise _NotAllowedError("the broker does not let us make queues `congresslite.*`") from None
        ours = Queue(queue, channel=channel)
        # Not acknowledged one by one: what is lost with a connection is asked for after the next connect.
        with Consumer(channel, [ours], no_ack=True, on_message=self._hear, auto_declare=False):
            missing = self._bind(connection, queue, {each.exchange for each in self._events})
            for feed in self._feeds:
                self._wake(feed)
            self._failures = 0
            look = time.monotonic() + AGAIN
            while not self._stop.is_set():
                if missing and time.monotonic() > look:
                    missing = self._bind(connection, queue, missing)
                    look = time.monotonic() + AGAIN
                self._drain(connection)

    def _bind(self, connection: Connection, queue: str, exchanges: set[str]) -> set[str]:
        """Bind the queue to exchanges; those that could not be bound, which are told as a fault."""
        failed: dict[str, str] = {}
        for exchange in sorted(exchanges):
            here = self._bus.exchanges.get(exchange, exchange)
            try:
                # A refusal closes the channel, so each exchange has its own.
                with connection.channel() as channel:
                    for topic in self._bus.topics:
                        channel.queue_bind(queue, here, f"{topic}.*")
            except NotFound:
                failed[exchange] = f"the broker has no exchange `{here}`"
            except AccessRefused:
                failed[exchange] = f"the broker does not let us read the exchange `{here}`"
        self._fault = "; ".join(failed.values()) or None
        return set(failed)

    def _drain(self, connection: Connection) -> None:
        """Wait for messages for a moment, and wake the feeds that they are about."""
        with suppress(TimeoutError):
            connection.drain_events(timeout=TICK)
            end = time.monotonic() + TOGETHER
            while (left := end - time.monotonic()) > 0:
                connection.drain_events(timeout=left)
        waiting, self._waiting = self._waiting, {}
        for feed, keys in waiting.items():
            self._wake(feed, keys)
        connection.heartbeat_check()

    def _hear(self, message: Any) -> None:
        try:
            type_, payload = read_notification(message.body)
        except MalformedError:
            self.malformed += 1
            return
        for feed, keys in woken(self._events, type_, payload).items():
            before = self._waiting.get(feed, frozenset())
            self._waiting[feed] = None if keys is None or before is None else before | keys
