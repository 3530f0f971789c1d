"""
What keeps pages current: an event that says *that* something changed, not what.

A page that hears it asks for itself again and puts the new text in place of the
old, so there is one way to make each page, and no event has to be understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Response

from congresslite.live import Caller, Event, LiveEstate

RETRY = 2000  # milliseconds after which a browser connects again
_CHANGED = "event: changed\ndata:\n\n"


def stream_of_changes(estate: LiveEstate, caller: Caller, admitted: Callable[[], bool]) -> Response:
    """An answer that lasts: an event for each change, for as long as the caller is admitted."""
    try:
        events = estate.watch(caller)
    except RuntimeError:
        return Response("too many pages are open", 503, {"Retry-After": "30"}, mimetype="text/plain")
    response = Response(_written(events, admitted), mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    close = getattr(events, "close", None)
    if close is not None:  # its place is free again at once, not when somebody collects garbage
        response.call_on_close(close)
    return response


def _written(events: Iterator[Event | None], admitted: Callable[[], bool]) -> Iterator[str]:
    # Something may have changed between the page and its stream, or while the connection was lost.
    yield f"retry: {RETRY}\n{_CHANGED}"
    for event in events:
        if not admitted():
            return
        yield ": \n\n" if event is None else _CHANGED
