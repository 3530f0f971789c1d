"""
Events of a server as they come, over as many connections as it takes.

After a break the stream goes on behind the last event that came; whoever cannot
be reached any more for a minute is given up.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from congresslite.cli.client.errors import ServerError
from congresslite.cli.client.faults import not_ours
from congresslite.cli.client.http import Client, at

SILENCE = 60.0  # seconds: a server that lives says something every quarter of a minute
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_BIGGEST = 64 * 1024 * 1024  # bytes of one event
_END_OF_LINE = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `id` is what to go on behind."""

    id: str
    kind: str
    data: str


def follow(client: Client, after: int | None, broken: Callable[[], None]) -> Iterator[Event]:
    """Every event from now on, or those after a number; `broken` is called when the connection was lost.

    Raises ServerError if there is no first connection, or no other one for too long.
    """
    last = "" if after is None else str(after)
    failures: int | None = None
    while True:
        try:
            headers = {"Last-Event-ID": last} if last else {}
            with client.stream(at("violations:watch"), headers, SILENCE) as pieces:
                failures = 0
                for event in parsed(pieces, client.target.url):
                    last = event.id or last
                    yield event
        except ServerError as error:
            if failures is None or failures >= len(WAITS) or error.status in (400, 401, 403, 404, 422):
                raise
        broken()
        time.sleep(WAITS[min(failures or 0, len(WAITS) - 1)])
        failures = (failures or 0) + 1


def parsed(pieces: Iterable[bytes], url: str) -> Iterator[Event]:
    """The events of a stream, as the standard writes them. Raises ServerError for one that does not end."""
    id_, kind, data = "", "message", list[str]()
    for line in _lines(pieces, url):
        if not line:
            if data:
                yield Event(id_, kind, "\n".join(data))
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "id" if value.isascii() and value.isdigit():
                id_ = value
            case "event":
                kind = value
            case "data":
                data.append(value)
                if sum(map(len, data)) > _BIGGEST:
                    raise not_ours(url, 200, b"", "an event does not end")


def _lines(pieces: Iterable[bytes], url: str) -> Iterator[str]:
    """The lines of a stream; the last one only if it has ended."""
    rest = bytearray()
    for piece in pieces:
        looked_at = max(0, len(rest) - 1)
        rest += piece
        begin = 0
        for match in _END_OF_LINE.finditer(rest, looked_at):
            if match[0] == b"\r" and match.end() == len(rest):
                break  # a line feed may follow
            yield rest[begin : match.start()].decode("utf-8", "replace")
            begin = match.end()
        del rest[:begin]
        if len(rest) > _BIGGEST:
            raise not_ours(url, 200, b"", "a line of an event does not end")
