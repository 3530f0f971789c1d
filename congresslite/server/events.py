"""
Server-sent events: what happens, as a stream that a browser understands.

An open stream holds a thread, so there are only so many; whoever comes later is
told to come again.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from congresslite.diagnostics import Diagnostic
from congresslite.live import Caller, Event, LiveEstate
from congresslite.server.problems import ProblemError

MEDIA_TYPE = "text/event-stream"
_RETRY = 2000  # milliseconds after which a browser connects again
_LATER = {"Retry-After": "5"}


class Streams:
    """The event streams of one application; the estate says how many there may be."""

    def __init__(self, estate: LiveEstate) -> None:
        self._estate = estate

    def open(self, caller: Caller, after: int | None) -> Response:
        """A stream of events, those after a batch first. Raises ProblemError if too many are open."""
        try:
            events = self._estate.watch(caller, after)
        except RuntimeError:
            raise ProblemError(503, Diagnostic("CL563", "there are too many event streams already"), _LATER) from None
        response = Response(_written(events), mimetype=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})
        response.call_on_close(events.close)  # its place is free again at once
        return response


def _written(events: Iterator[Event | None]) -> Iterator[str]:
    """Events as the standard writes them; a comment now and then, so that a dead peer is noticed."""
    yield f"retry: {_RETRY}\n\n"
    for event in events:
        yield ": \n\n" if event is None else f"id: {event.number}\nevent: {event.kind}\ndata: {event.data}\n\n"
