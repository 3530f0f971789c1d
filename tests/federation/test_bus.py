"""The bus: what is sent to a name arrives there, in memory and over RabbitMQ, and a broker that dies is survived."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, Queue
from uuid import uuid4

import pytest

from congresslite.diagnostics import SourceError
from congresslite.federation.bus import Bus, open_bus
from congresslite.federation.outbox import Outbox
from tests.federation.broker import listens, started
from tests.waiting import missing, until

Opened = Callable[..., tuple[Bus, "Queue[bytes]"]]


def url_of(kind: str) -> str:
    """The address of a bus of this kind, which nobody else uses."""
    if kind == "memory":
        return f"memory://{uuid4().hex}"
    url = os.environ.get("TEST_AMQP", "amqp://guest:guest@127.0.0.1:5672/")
    if not listens(5672):
        missing("no RabbitMQ listens")
    return url


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open places on buses, which are left when the test ends."""
    with ExitStack() as stack:

        def opening(url: str, name: str) -> tuple[Bus, Queue[bytes]]:
            heard: Queue[bytes] = Queue()
            bus = open_bus(url, name, heard.put)
            stack.callback(bus.close)
            until(lambda: bus.fault is None)
            return bus, heard

        yield opening


@pytest.mark.parametrize("kind", ["memory", "rabbitmq"])
def test_messages_arrive_at_the_one_they_are_for(kind: str, opened: Opened) -> None:
    """Whoever has the name hears every byte, in order, and nobody else hears a thing."""
    url, tag = url_of(kind), uuid4().hex
    sender, _ = opened(url, f"a{tag}")
    _, heard = opened(url, f"b{tag}")
    _, other = opened(url, f"c{tag}")
    bodies = [bytes([number % 256]) * number for number in range(1, 300)]
    for body in bodies:
        sender.send(f"b{tag}", body)
    assert [heard.get(timeout=10) for _ in bodies] == bodies
    assert other.empty()


@pytest.mark.parametrize("kind", ["memory", "rabbitmq"])
def test_what_is_sent_to_nobody_is_lost_and_holds_nobody_up(kind: str, opened: Opened) -> None:
    """A peer that is away loses what is sent to it; when it is there, it hears what is sent from then on."""
    url, tag = url_of(kind), uuid4().hex
    sender, echoed = opened(url, f"a{tag}")
    sender.send(f"b{tag}", b"too early")
    sender.send(f"a{tag}", b"echo")  # what comes later is sent later
    assert echoed.get(timeout=10) == b"echo"
    _, heard = opened(url, f"b{tag}")
    sender.send(f"b{tag}", b"in time")
    assert heard.get(timeout=10) == b"in time"


@pytest.mark.long
def test_a_broker_that_is_killed_is_found_again(tmp_path: Path, opened: Opened) -> None:
    """While the broker is dead the bus says so, without a password; when it is back, messages arrive again."""
    with started(tmp_path / "broker") as broker:
        one, _ = opened(broker.url, "one")
        _, heard = opened(broker.url, "other")
        one.send("other", b"before")
        assert heard.get(timeout=10) == b"before"
        broker.kill()
        until(lambda: one.fault is not None)
        assert "guest" not in str(one.fault)
        broker.start()
        until(lambda: one.fault is None, 60)

        def arrives() -> bool:
            one.send("other", b"after")
            try:
                return heard.get(timeout=1) == b"after"
            except Empty:
                return False

        until(arrives, 60)


@pytest.mark.parametrize(
    "url", ["http://host/", "amqp://", "amqp://user:p@ss@host:port/", "rabbit", "amqp://u:secret@host:0/"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """It is told how an address looks, and no password."""
    with pytest.raises(SourceError) as raised:
        open_bus(url, "one", lambda body: None)
    assert raised.value.diagnostics[0].code == "CL350"
    assert "secret" not in str(raised.value.diagnostics)


def test_a_full_outbox_loses_what_is_oldest() -> None:
    """It is bounded in messages and bytes, and counts what it loses."""
    outbox = Outbox(most=3, largest=10)
    for number in range(5):
        outbox.put("b", bytes([number]))
    assert outbox.lost == 2
    outbox.put("b", b"123456789")
    assert (outbox.lost, outbox.first(0)) == (4, ("b", b"\x04"))
