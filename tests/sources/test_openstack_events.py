"""
Notifications: what they say, and that whoever listens hears all of it without the cloud noticing.

The broker is a real RabbitMQ, with exchanges of the tests' own.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from congresslite.sources import brokers
from congresslite.sources.events import Event
from congresslite.sources.openstack import listener as listening
from congresslite.sources.openstack.listener import Bus, Listener
from congresslite.sources.openstack.oslo import MalformedError, read_notification
from tests.controlplane.fixture import ENVIRONMENT, controlplane
from tests.controlplane.proxy import Proxy
from tests.waiting import missing, until

VERSIONED = {
    "event_type": "instance.update",
    "payload": {
        "nova_object.name": "InstanceUpdatePayload",
        "nova_object.namespace": "nova",
        "nova_object.version": "2.0",
        "nova_object.data": {
            "uuid": "s1",
            "flavor": {"nova_object.name": "FlavorPayload", "nova_object.data": {"flavorid": "f1"}},
            "tags": [{"nova_object.name": "TagPayload", "nova_object.data": {"tag": "x"}}],
        },
    },
}


def envelope(message: Any) -> bytes:
    """A message as oslo.messaging wraps it."""
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(message)}).encode()


# -- what they say


def test_versioned_payloads_are_unwrapped() -> None:
    """Objects within a versioned payload are found by plain paths, whatever wraps them."""
    expected = {"uuid": "s1", "flavor": {"flavorid": "f1"}, "tags": [{"tag": "x"}]}
    assert read_notification(envelope(VERSIONED)) == ("instance.update", expected)


def test_messages_without_an_envelope_are_read() -> None:
    """A service that sends without the envelope is understood as well."""
    message = {"event_type": "image.update", "payload": {"id": "i1"}}
    assert read_notification(json.dumps(message)) == ("image.update", {"id": "i1"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"no json",
        b"[]",
        b"{}",
        b'{"oslo.message": 3}',
        b'{"oslo.message": "nope"}',
        b'{"oslo.message": "[]"}',
        b'{"event_type": 7}',
        b"[" * 100_000,
        b'{"event_type": "x", "payload": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
    ids=[
        "nothing",
        "no text",
        "no JSON",
        "a list",
        "no type",
        "an envelope of a number",
        "an envelope of nonsense",
        "an envelope of a list",
        "a number as type",
        "very deep",
        "a deep payload",
    ],
)
def test_anything_may_come(body: bytes) -> None:
    """What is no notification is refused as such, and nothing else happens."""
    try:
        read_notification(body)
    except MalformedError:
        return
    assert body.startswith(b'{"event_type": "x"')  # deep, and yet what a notification may be


# -- listening


class Heard:
    """What woke which feed."""

    def __init__(self) -> None:
        self.wakes: list[tuple[str, frozenset[str] | None]] = []

    def __call__(self, feed: str, keys: Collection[str] | None = None) -> None:
        """A feed is woken."""
        self.wakes.append((feed, None if keys is None else frozenset(keys)))

    @property
    def keys(self) -> set[str]:
        """All keys that came."""
        return {key for _, keys in self.wakes for key in keys or ()}

    @property
    def whole(self) -> int:
        """How often all feeds were woken whole."""
        return sum(keys is None for _, keys in self.wakes)


class Services:
    """Services of a cloud that send notifications to an exchange of their own."""

    def __init__(self, url: str, exchange: str) -> None:
        self.exchange = exchange
        self._connection = Connection(url, connect_timeout=5)
        self._channel = self._connection.channel()

    def declare(self) -> None:
        """Make the exchange, as a service does when it starts."""
        Exchange(self.exchange, "topic", durable=False, auto_delete=False, channel=self._channel).declare()

    def send(self, body: bytes, topic: str = "notifications.info") -> None:
        """Send a message."""
        self._channel.basic_publish(
            self._channel.prepare_message(body, content_type="application/json"), self.exchange, topic
        )

    def server(self, id_: str, topic: str = "notifications.info") -> None:
        """Tell that a server changed."""
        self.send(envelope({"event_type": "instance.update", "payload": {"uuid": id_}}), topic)

    def own_queue(self) -> Queue:
        """A queue from which a service of the cloud itself takes notifications."""
        exchange = Exchange(self.exchange, "topic", durable=False, auto_delete=False)
        name = f"{self.exchange}.info"
        queue = Queue(name, exchange, "notifications.info", durable=False, auto_delete=True)
        bound: Queue = queue(self._channel)
        bound.declare()
        return bound

    def close(self) -> None:
        """Go, and take the exchange along."""
        Exchange(self.exchange, channel=self._channel).delete()
        self._connection.release()


@pytest.fixture(scope="module")
def url() -> str:
    """The address of a RabbitMQ."""
    if given := os.environ.get("TEST_BROKER"):
        return given
    if os.environ.get(ENVIRONMENT):
        return controlplane().broker.replace("rabbit://", "amqp://")
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex(("127.0.0.1", 5672)) != 0:
            missing("no RabbitMQ: start one, and name it in TEST_BROKER (amqp://USER:PASSWORD@HOST:PORT/)")
    return "amqp://guest:guest@127.0.0.1:5672/"


@pytest.fixture
def services(url: str) -> Iterator[Services]:
    """Services that send to an exchange of this test alone."""
    made = Services(url, f"congresslite-test-{uuid4().hex[:8]}")
    made.declare()
    yield made
    made.close()


def listen(url: str, heard: Heard, *exchanges: str) -> Listener:
    """Listen for servers on exchanges."""
    events = [Event(exchange, "instance.*", {"servers": "uuid"}) for exchange in exchanges]
    return Listener("test", Bus((url,), ("versioned_notifications", "notifications")), events, ["servers"], heard)


def through(url: str, port: int) -> str:
    """The same address at another port of this machine."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))


def test_both_kinds_and_both_levels_are_heard(url: str, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versioned and older notifications wake, those of failures too, and what comes twice at once wakes once."""
    monkeypatch.setattr(listening, "TOGETHER", 1.0)
    heard = Heard()
    listener = listen(url, heard, services.exchange)
    try:
        until(lambda: listener.fault is None)
        assert heard.wakes == [("servers", None)]  # what happened before is asked for
        services.server("a", "notifications.info")
        services.server("a", "versioned_notifications.info")
        services.server("b", "notifications.error")
        services.server("c", "versioned_notifications.error")
        until(lambda: heard.keys == {"a", "b", "c"})
        assert sum("a" in (keys or ()) for _, keys in heard.wakes) == 1
    finally:
        listener.close()
    services.server("late")
    assert "late" not in heard.keys


def test_malformed_messages_are_counted(url: str, services: Services) -> None:
    """What is no notification is counted and passed over; what follows it is heard."""
    heard = Heard()
    listener = listen(url, heard, services.exchange)
    try:
        until(lambda: listener.fault is None)
        for body in (b"\xff", b"{}", b'{"oslo.message": "nope"}'):
            services.send(body)
        services.server("a")
        until(lambda: heard.keys == {"a"})
        assert listener.malformed == 3
    finally:
        listener.close()


def test_nothing_is_taken_from_the_cloud(url: str, services: Services) -> None:
    """What the cloud's own services take from their queue is all there, and our queue goes with us."""
    queue = services.own_queue()
    heard = Heard()
    listener = listen(url, heard, services.exchange)
    try:
        until(lambda: listener.fault is None)
        for number in range(50):
            services.server(f"s{number}")
        until(lambda: len(heard.keys) == 50)
        taken = [message for _ in range(50) if (message := queue.get(no_ack=True)) is not None]
        assert len(taken) == 50
    finally:
        listener.close()
        queue.delete()


def test_a_lost_connection_is_told_and_made_anew(url: str, services: Services) -> None:
    """While the broker is out of reach that is told; afterwards everything is asked for once, and heard again."""
    proxy = Proxy(urlsplit(url).port or 5672)
    heard = Heard()
    listener = listen(through(url, proxy.port), heard, services.exchange)
    try:
        until(lambda: listener.fault is None)
        proxy.cut()
        fault = until(lambda: listener.fault)
        assert f"the broker at `127.0.0.1:{proxy.port}`" in fault
        services.server("missed")
        proxy.mend()
        until(lambda: listener.fault is None)
        until(lambda: heard.whole == 2)
        services.server("a")
        until(lambda: heard.keys == {"a"})
    finally:
        listener.close()
        proxy.cut()


def test_an_exchange_that_comes_later_is_found(url: str, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchange that is not there is told and looked for again; the others are heard meanwhile."""
    monkeypatch.setattr(listening, "AGAIN", 0.2)
    late = Services(url, f"{services.exchange}-late")
    heard = Heard()
    listener = listen(url, heard, services.exchange, late.exchange)
    try:
        fault = until(lambda: "exchange" in (listener.fault or "") and listener.fault)
        assert fault == f"the broker has no exchange `{late.exchange}`"
        services.server("a")
        until(lambda: heard.keys == {"a"})
        late.declare()
        until(lambda: listener.fault is None)
        late.server("b")
        until(lambda: heard.keys == {"a", "b"})
    finally:
        listener.close()
        late.close()


def test_a_wrong_password_is_told_without_it(url: str) -> None:
    """A refused log-in is told as one, and the password stands nowhere."""
    parts = urlsplit(url)
    wrong = urlunsplit(parts._replace(netloc=f"{parts.username}:hush-hush@{parts.hostname}:{parts.port}"))
    listener = listen(wrong, Heard(), "nova")
    try:
        fault = until(lambda: "refuses" in (listener.fault or "") and listener.fault)
        assert fault == (
            f"the broker at `{parts.hostname}:{parts.port}` refuses user and password, or the virtual host, of `url`"
        )
        assert "hush-hush" not in f"{fault} {vars(listener)}"
    finally:
        listener.close()


def test_the_brokers_of_a_cluster_are_tried_in_turn(url: str, services: Services) -> None:
    """One broker of a cluster that is down keeps nobody from listening at another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = through(url, taken.getsockname()[1])
    heard = Heard()
    events = [Event(services.exchange, "instance.*", {"servers": "uuid"})]
    listener = Listener("test", Bus((dead, url), ("notifications",)), events, ["servers"], heard)
    try:
        until(lambda: listener.fault is None)
        services.server("a")
        until(lambda: heard.keys == {"a"})
    finally:
        listener.close()


def test_a_broker_that_hangs_holds_nobody(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that accepts and then says nothing is told as a fault, and closing does not wait for it."""
    monkeypatch.setattr(brokers, "CONNECT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        listener = listen(through(url, silent.getsockname()[1]), Heard(), "nova")
        try:
            until(lambda: "broke" in (listener.fault or ""))
        finally:
            listener.close()
