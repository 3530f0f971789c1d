"""
The executor `http`: requests to any service, as its settings describe them.

Each request carries the key of its order as `Idempotency-Key`. A service that answered with 500 may have done it, and
so may one that said nothing: then only the service can tell, if `done` says how it is asked.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import jmespath
from jmespath.exceptions import JMESPathError

from congresslite.diagnostics import SourceError
from congresslite.enforcement.executor import Order, OrderError, Outcome
from congresslite.enforcement.http.calls import Caller, SilentError, UnsentError
from congresslite.enforcement.http.requests import path_of, request_of, values_of
from congresslite.enforcement.http.settings import Follow, HttpAction, Settings
from congresslite.enforcement.terms import refused
from congresslite.sources.driver import Deadline
from congresslite.sources.http import NOT_FOUND, first_words, origin, shown
from congresslite.sources.httpauth import Answer

__all__ = ["Settings", "open_executor"]

_LATER = (408, 425, 429)  # refusals that pass
_NOT_IMPLEMENTED = 501
_GONE = 410
_KEPT = 2000  # characters of a body


def open_executor(target: str, settings: Settings, state: Path) -> HttpExecutor:
    """An executor that calls a service; it is not called yet."""
    return HttpExecutor(settings)


class HttpExecutor:
    """Calls one service."""

    place = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._auth = settings.auth_of_all()
        self.kinds = settings.kinds()

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Send the request of an order, once."""
        action = self._settings.actions.get(order.action)
        try:
            asked = request_of(order, action)
            # Before it is sent: afterwards it would be too late to find that a term does not fit.
            place = _place(order, action)
            headers = {"Idempotency-Key": order.key, **({"Content-Type": "application/json"} if asked.body else {})}
            with self._caller() as caller:
                answer = caller.call(asked.method, asked.path, headers, asked.body, deadline)
                return self._judged(action, place, caller, answer)
        except OrderError as error:
            return refused(error)
        except UnsentError as error:
            return Outcome("failed", str(error), retry=error.retry)
        except SilentError as error:
            return Outcome("unknown", str(error))

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """Ask for the state of what was accepted."""
        action = self._settings.actions.get(order.action)
        if action is None or action.follow is None or not order.reference:
            return Outcome("unknown", "nothing says how it is followed", order.reference)
        return self._asked(order, order.reference, action.follow, deadline)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """Ask the service whether it was done, if its settings say how."""
        action = self._settings.actions.get(order.action)
        if action is not None and action.follow is not None and order.reference:
            return self._asked(order, order.reference, action.follow, deadline)
        if action is None or action.done is None:
            return Outcome("unknown", "nothing says how to ask whether it was done")
        try:
            answer, body = self._got(order, path_of(action.done.path, values_of(order)), deadline)
        except (OrderError, UnsentError, SilentError) as error:
            return Outcome("unknown", f"whether it was done cannot be asked: {error}")
        verdict = action.done.missing if answer.status == NOT_FOUND else None
        if answer.status < 300:
            verdict = _found(action.done.jmespath, body)
        output = {"status": answer.status, "verdict": verdict if isinstance(verdict, bool) else None}
        if verdict is True:
            return Outcome("succeeded", "the service says that it was done", output=output)
        if verdict is False:
            return Outcome("absent", "the service says that it was not done", output=output)
        return Outcome("unknown", "the service does not say whether it was done", output=output)

    def reachable(self, deadline: Deadline) -> str | None:
        """Whether somebody listens at the address; not looked at through a proxy or for an address from a catalogue."""
        url = self._settings.url
        if url is None or self._settings.proxy is not None:
            return None
        _, host, port = origin(url)
        try:
            with socket.create_connection((host, port or 0), deadline.left(self._settings.timeout)):
                return None
        except SourceError:
            return f"{shown(url)}: there was no time to look"
        except OSError as error:
            return f"{shown(url)}: no connection: {(error.strerror or str(error)).lower()}"

    def close(self) -> None:
        """There are no connections between calls."""

    @contextmanager
    def _caller(self) -> Iterator[Caller]:
        caller = self._settings.caller(self._auth)
        try:
            yield caller
        finally:
            caller.close()

    def _judged(self, action: HttpAction | None, place: str | None, caller: Caller, answer: Answer) -> Outcome:
        """What an answer means; `place` is where what was accepted is to be followed, if the settings say so."""
        status = answer.status
        output = {"status": status, "body": caller.told(answer)[:_KEPT]}
        told = f"status {status}" + (f": `{said}`" if (said := first_words(caller.told(answer))) else "")
        if action is not None and action.follow is not None and status == 202:
            return self._accepted(place, answer, output)
        if 200 <= status < 300 or (action is not None and status in action.expect):
            return Outcome("succeeded", output=output)
        if status in _LATER:
            return Outcome("failed", told, output=output)
        if 300 <= status < 400:
            hint = "it is redirected, which is not followed; set `url` or `path` to where it leads"
            return Outcome("failed", f"{told}; {hint}", output=output, retry=False)
        if 400 <= status < 500 or status == _NOT_IMPLEMENTED:
            return Outcome("failed", told, output=output, retry=False)
        return Outcome("unknown", told, output=output)

    def _accepted(self, place: str | None, answer: Answer, output: dict[str, Any]) -> Outcome:
        """Where the end of what was accepted is to be asked for."""
        location = answer.headers.get("Location")
        if place is not None:
            return Outcome("underway", "it was accepted", place, output)
        base = self._settings.url
        if location is None or base is None:
            return Outcome("unknown", "it was accepted, and the service does not say where to follow it", output=output)
        reference = urljoin(f"{base.rstrip('/')}/", location)
        if origin(reference) != origin(base) or "@" in urlsplit(reference).netloc:
            why = f"it was accepted, and is to be followed elsewhere, at `{shown(reference)}`, which is not done"
            return Outcome("unknown", why, output=output)
        return Outcome("underway", "it was accepted", reference, output)

    def _asked(self, order: Order, reference: str, follow: Follow, deadline: Deadline) -> Outcome:
        """The state of what was accepted."""
        try:
            answer, body = self._got(order, reference, deadline)
        except (UnsentError, SilentError) as error:
            return Outcome("underway", f"its state cannot be asked for at the moment: {error}", reference)
        if answer.status in (NOT_FOUND, _GONE):
            return Outcome("unknown", "the service knows nothing of it any more", reference)
        if answer.status >= 300:
            return Outcome("underway", f"its state cannot be asked for: status {answer.status}", reference)
        state = _found(follow.state, body)
        output = {"status": answer.status, "state": str(state)[:_KEPT]}
        if str(state) in follow.succeeded:
            return Outcome("succeeded", reference=reference, output=output)
        if str(state) in follow.failed:
            return Outcome("failed", f"the service says that it is in state `{state}`", reference, output, retry=False)
        return Outcome("underway", f"its state is `{state}`", reference, output)

    def _got(self, order: Order, path: str, deadline: Deadline) -> tuple[Answer, Any]:
        """The answer to GET, and what its JSON means. Raises UnsentError and SilentError."""
        with self._caller() as caller:
            answer = caller.call("GET", path, {"Idempotency-Key": order.key}, None, deadline)
        try:
            return answer, json.loads(answer.body)
        except (ValueError, RecursionError):
            return answer, None


def _place(order: Order, action: HttpAction | None) -> str | None:
    """Where an order is to be followed, if the settings say so. Raises OrderError (CL622)."""
    if action is None or action.follow is None or action.follow.path is None:
        return None
    return path_of(action.follow.path, values_of(order))


def _found(expression: str, body: Any) -> Any:
    """What an expression finds in a body; nothing, if the body is of another shape than it expects."""
    try:
        return jmespath.search(expression, body)
    except JMESPathError:
        return None
