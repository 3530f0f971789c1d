"""
The load on a server: questions at a fixed rate, a push each second, and event streams that must miss nothing.

Requests are sent when they are due, whether the ones before were answered or
not, and a request's time counts from when it was due: a server that stands
still is not spared the questions that would have come meanwhile. Everything is
bounded in count and time, and goes to the address that is named, which must be
of this machine. Run as a process: prints one JSON document.
"""

from __future__ import annotations

import http.client
import json
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import click

from congresslite.bench.measure import BenchError

QUESTION = "/v1/violations?limit=100"
WORKERS = 16
PATIENCE_S = 30.0
MOVED = 100


@dataclass(slots=True)
class Answers:
    """How long requests took, in milliseconds from when each was due, and what went wrong."""

    times: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """The figures."""
        ordered = sorted(self.times) or [0.0]
        at = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        figures = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in at.items()}
        return {"count": len(self.times), "faults": self.faults[:5], "failed": len(self.faults), **figures}


class Asker:
    """A connection that is kept, over which one request after the other goes."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """The status and the body of an answer. A connection that the server has closed meanwhile is made anew."""
        kept = self._connection is not None
        try:
            return self._once(method, path, body)
        except (http.client.HTTPException, ConnectionError):
            self._connection = None
            if not kept:
                raise
            return self._once(method, path, body)

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=PATIENCE_S)
        headers = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(method, path, body, headers)
        reply = self._connection.getresponse()
        return reply.status, reply.read()


def ask_steadily(address: str, rate: float, seconds: float) -> Answers:
    """Ask for a page of violations so many times a second."""
    answers = Answers()
    due: queue.Queue[float | None] = queue.Queue()

    def work() -> None:
        asker = Asker(address)
        while (when := due.get()) is not None:
            try:
                status, body = asker.ask("GET", QUESTION)
                if status != 200 or not body.startswith(b"{"):
                    answers.faults.append(f"{status}: {body[:100]!r}")
            except OSError as error:
                answers.faults.append(repr(error))
            except http.client.HTTPException as error:
                answers.faults.append(repr(error))
            answers.times.append((time.perf_counter() - when) * 1000)

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    started = time.perf_counter()
    for number in range(int(rate * seconds)):
        when = started + number / rate
        time.sleep(max(0.0, when - time.perf_counter()))
        due.put(when)
    for _ in workers:
        due.put(None)
    for worker in workers:
        worker.join()
    return answers


def push_steadily(address: str, vms: int, seconds: float) -> Answers:
    """Move a hundred machines each second."""
    answers, draw, asker = Answers(), random.Random(7), Asker(address)
    started = time.perf_counter()
    for number in range(int(seconds)):
        when = started + number
        time.sleep(max(0.0, when - time.perf_counter()))
        body = json.dumps({"upsert": [_moved(vm, vms, draw) for vm in draw.sample(range(vms), MOVED)]}).encode()
        try:
            status, told = asker.ask("POST", "/v1/sources/inv/tables/vm/rows", body)
            if status != 200:
                answers.faults.append(f"{status}: {told[:300]!r}")
        except (OSError, http.client.HTTPException) as error:
            answers.faults.append(repr(error))
        answers.times.append((time.perf_counter() - when) * 1000)
    return answers


def _moved(vm: int, vms: int, draw: random.Random) -> dict[str, Any]:
    return {
        "id": f"vm{vm}",
        "vnf": f"vnf{draw.randrange(max(4, vms // 4))}",
        "host": f"host{draw.randrange(max(6, vms // 10))}",
        "vcpus": draw.randrange(1, 5),
        "state": "ACTIVE",
        "image": f"img{draw.randrange(50)}",
    }


@dataclass(slots=True)
class Stream:
    """One event stream: the numbers of the batches that it told, and why it ended."""

    numbers: list[int] = field(default_factory=list)
    ended: str = "it was never opened"
    opened: threading.Event = field(default_factory=threading.Event)


def watch(address: str, stream: Stream, over: threading.Event) -> None:
    """Read an event stream until all is over."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/v1/violations:watch", headers={"Accept": "text/event-stream"})
        reply = connection.getresponse()
        stream.ended = "" if reply.status == 200 else f"{reply.status}"
        stream.opened.set()
        while not over.is_set() and not stream.ended:
            line = reply.readline()
            if not line:
                stream.ended = "the server closed it"
            elif line.startswith(b"id:"):
                stream.numbers.append(int(line[3:]))
    except (OSError, http.client.HTTPException) as error:
        stream.ended = repr(error)
    finally:
        stream.opened.set()
        connection.close()


def run(address: str, vms: int, *, rate: float, seconds: float, streams: int) -> dict[str, Any]:
    """Put the whole load on a server; what came of it."""
    over = threading.Event()
    watched = [Stream() for _ in range(streams)]
    watchers = [threading.Thread(target=watch, args=(address, stream, over), daemon=True) for stream in watched]
    for watcher in watchers:
        watcher.start()
    for stream in watched:
        stream.opened.wait(PATIENCE_S)
    found: dict[str, Answers] = {}
    parts: dict[str, Callable[[], Answers]] = {
        "questions": lambda: ask_steadily(address, rate, seconds),
        "pushes": lambda: push_steadily(address, vms, seconds),
    }
    threads = [threading.Thread(target=lambda name=name, part=part: found.update({name: part()}))
               for name, part in parts.items()]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = _settled(watched)
    over.set()
    complete = [s for s in watched if not s.ended and s.numbers == list(range(s.numbers[0], last + 1))]
    return {
        **{name: answers.told() for name, answers in found.items()},
        "streams": {
            "count": streams,
            "complete": len(complete),
            "batches": max((len(set(stream.numbers)) for stream in watched), default=0),
            "ended": sorted({stream.ended for stream in watched if stream.ended}),
        },
    }


def _settled(watched: list[Stream]) -> int:
    """The last batch that any stream told, once all had time to tell it."""
    last = max((stream.numbers[-1] for stream in watched if stream.numbers), default=0)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and any(not s.ended and (not s.numbers or s.numbers[-1] < last) for s in watched):
        time.sleep(0.05)
        last = max((stream.numbers[-1] for stream in watched if stream.numbers), default=0)
    return last


@click.command()
@click.argument("url")
@click.argument("vms", type=click.IntRange(min=MOVED))
@click.option("--rate", type=click.FloatRange(min=0.1, max=1000), default=100.0, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=1, max=600), default=60.0, show_default=True)
@click.option("--streams", type=click.IntRange(min=0, max=64), default=50, show_default=True)
def main(url: str, vms: int, rate: float, seconds: float, streams: int) -> None:
    """Put load on the server at URL, which holds an estate of VMS virtual machines."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise BenchError("load goes to this machine only")
    click.echo(json.dumps(run(parts.netloc, vms, rate=rate, seconds=seconds, streams=streams)))


if __name__ == "__main__":
    main()
