"""
How a VNF manager is spoken to: HTTP that knows, of each order, how far it came.

The rule to keep: an order is sent once. Whoever sent it learns what was answered, or that nothing can have been
received, or that nobody knows; these three are never taken for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from congresslite.diagnostics import SourceError
from congresslite.enforcement.sending import ahead, unconnected
from congresslite.sources.driver import Deadline
from congresslite.sources.http import HttpReply, parse_body
from congresslite.sources.httpauth import Answer, Auth
from congresslite.sources.httpclient import HttpClient, Options

_IDLE = 32  # connections that are kept


@dataclass(frozen=True, slots=True)
class Word:
    """What was answered: the status always, headers and body as far as they came."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(default=None, repr=False)
    told: str = ""  # what the client says of it, for people


class NotSentError(Exception):
    """The order certainly was not received. Its text says why, for people."""


class UnheardError(Exception):
    """The order may have been received, or not. Its text says what happened, for people."""


class OrderClient(HttpClient):
    """An `HttpClient` that can send orders. Not for two threads at once."""

    def __init__(self, options: Options, auth: Auth) -> None:
        super().__init__(options, auth)
        self._path = ""
        self._response: requests.Response | None = None
        self._answer: Answer | None = None
        # How far the clock over there is ahead of ours, in seconds; None if it was never told.
        self.ahead: float | None = None
        self._session.hooks["response"].append(self._heard)

    def order(self, path: str, headers: Mapping[str, str], body: Any, deadline: Deadline) -> Word:
        """What was answered to an order, whatever the status. Raises NotSentError and UnheardError."""
        self._begin(urlsplit(path).path)
        try:
            reply = self.send("POST", path, headers, body, deadline)
            return Word(reply.status, reply.headers, reply.body)
        except SourceError as error:
            told = why(error)
            if self._response is not None:
                # Enough of it came to know what became of the order, even if the rest broke off.
                return Word(self._response.status_code, self._response.headers, self._body(), told)
            if unconnected(error):
                raise NotSentError(told) from error
            raise UnheardError(told) from error

    def _begin(self, path: str) -> None:
        self._path, self._response, self._answer = path, None, None

    def _heard(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Take note of the answer to the order, not of one to a log-in before it; and of the time."""
        if self._path and urlsplit(response.url).path.endswith(self._path):
            self._response = response
        told = ahead(response.headers)
        self.ahead = self.ahead if told is None else told

    def _reply(self, answer: Answer, url: str) -> HttpReply:
        self._answer = answer
        return super()._reply(answer, url)

    def _body(self) -> Any:
        if self._answer is None:
            return None
        try:
            return parse_body(self._answer.body, "")
        except SourceError:
            return None


class Clients:
    """Clients for any number of threads: each has one to itself for as long as it needs it."""

    def __init__(self, opened: Callable[[], OrderClient]) -> None:
        self._opened = opened
        self._idle: deque[OrderClient] = deque()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[OrderClient]:
        """A client that nobody else uses."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._opened()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._give_back(client)

    def close(self) -> None:
        """Close those that nobody uses now, and the others once they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _give_back(self, client: OrderClient) -> None:
        if self._closed or len(self._idle) >= _IDLE:
            client.close()
        else:
            self._idle.append(client)


def why(error: SourceError) -> str:
    """What a finding says, with its place, in one line."""
    (first, *_) = error.diagnostics
    if first.code == "CL474":
        return "the time for the call was up"
    return f"{first.place}: {first.message}" if first.place else first.message
