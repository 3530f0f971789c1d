"""
Speaking to a server: one request at a time, within bounds of time and size.

The rule to keep: the token goes to the server that was named and to nobody
else, so no redirect is followed and no proxy of the environment is asked; only
what changes nothing is asked for again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urljoin

import requests
import urllib3
from pydantic import BaseModel, ValidationError
from requests.structures import CaseInsensitiveDict

from congresslite.cli.client.errors import ServerError
from congresslite.cli.client.faults import failed, no_answer_in_time, not_ours, redirected
from congresslite.cli.client.findings import Texts, refusal
from congresslite.cli.client.target import Target
from congresslite.server.schemas.common import Problem
from congresslite.sources.cutoff import CutAdapter, cut_at
from congresslite.sources.driver import Deadline
from congresslite.sources.http import USER_AGENT

CONNECT, SILENCE, WHOLE = 10.0, 120.0, 300.0  # seconds: to connect, without a byte, for a reply
MAX_BYTES = 256 * 1024 * 1024  # of one reply: a proof may be high
_WAITS = (0.2, 1.0)  # seconds before it is asked again
_LONGEST_WAIT = 5.0
_PASSING = (429, 502, 503, 504)
_CHUNK = 64 * 1024

Model = TypeVar("Model", bound=BaseModel)
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply(Generic[Model]):
    """What a server answered: as a model, as the document that it sent, and its version."""

    body: Model
    document: Any = field(repr=False)
    etag: str | None
    status: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer whose body is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Asks one server."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._session = requests.Session()
        # Nothing of the environment: a .netrc would put its own name in the place of our token.
        self._session.trust_env = False
        self._session.headers = CaseInsensitiveDict({"User-Agent": USER_AGENT})
        if target.token is not None:
            self._session.headers["Authorization"] = f"Bearer {target.token}"
        self._session.verify = True if target.ca is None else str(target.ca)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, CutAdapter())

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str, model: type[Model], query: Query = ()) -> Reply[Model]:
        """Ask for something, again if the failure may pass. Raises ServerError."""
        for wait in _WAITS:
            try:
                answer = self._exchange("GET", path, query)
            except _PassingError:
                time.sleep(wait)
                continue
            if answer.status not in _PASSING or (after := _retry_after(answer, wait)) is None:
                return self._read(answer, path, model, {})
            time.sleep(after)
        return self._read(self._exchange("GET", path, query), path, model, {})

    def send(
        self,
        method: str,
        path: str,
        model: type[Model],
        body: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        texts: Texts | None = None,
    ) -> Reply[Model]:
        """Ask to change something, or a question that has a body. Raises ServerError."""
        data = json.dumps(body).encode()
        told = {**(headers or {}), "Content-Type": "application/json"}
        return self._read(self._exchange(method, path, (), told, data), path, model, texts or {})

    def delete(self, path: str, etag: str | None = None) -> None:
        """Ask to remove something, the version with this etag. Raises ServerError."""
        answer = self._exchange("DELETE", path, (), {} if etag is None else {"If-Match": etag})
        if answer.status != 204:
            self._refuse(answer, path, {})

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], silence: float) -> Iterator[Iterator[bytes]]:
        """The pieces of a reply that does not end; it may be silent for so many seconds. Raises ServerError."""
        told = {"Accept": "text/event-stream", **headers}
        with self._faults(path):
            response = self._session.get(
                self._url(path), headers=told, stream=True, timeout=(CONNECT, silence), allow_redirects=False
            )
        with response:
            if response.status_code != 200:
                with self._faults(path):
                    body = self._body(response, path, Deadline.after(SILENCE))
                self._refuse(_Answer(response.status_code, response.headers, body), path, {})
            if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise not_ours(self._url(path), 200, b"", "it does not send events")
            yield self._pieces(response, path)

    def _pieces(self, response: requests.Response, path: str) -> Iterator[bytes]:
        with self._faults(path):
            while piece := response.raw.read1(_CHUNK, decode_content=True):
                yield piece

    # -- one request -------------------------------------------------------------------------------

    def _url(self, path: str) -> str:
        return f"{self.target.url}{path}"

    def _exchange(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> _Answer:
        deadline = Deadline.after(WHOLE)
        told = {"Accept": "application/json", **(headers or {})}
        with self._faults(path, deadline), cut_at(deadline):
            response = self._session.request(
                method,
                self._url(path),
                params=list(query),
                headers=told,
                data=data,
                timeout=(CONNECT, SILENCE),
                stream=True,
                allow_redirects=False,
            )
            with response:
                return _Answer(response.status_code, response.headers, self._body(response, path, deadline))

    def _body(self, response: requests.Response, path: str, deadline: Deadline) -> bytes:
        found = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            found += chunk
            if len(found) > MAX_BYTES:
                raise not_ours(self._url(path), response.status_code, b"", f"it is bigger than {MAX_BYTES:,} bytes")
        if time.monotonic() > deadline.at:  # the line was cut: this is not all
            raise no_answer_in_time(self._url(path), WHOLE)
        # A server has no reason to say our token; whatever repeats it must not make us show it.
        token = (self.target.token or "").encode()
        return bytes(found).replace(token, b"***") if token else bytes(found)

    @contextmanager
    def _faults(self, path: str, deadline: Deadline | None = None) -> Iterator[None]:
        """Within it, what goes wrong below HTTP is told as a finding."""
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if deadline is not None and time.monotonic() > deadline.at:
                raise no_answer_in_time(self._url(path), WHOLE) from None
            told, passing = failed(error, self._url(path), SILENCE)
            raise (_PassingError if passing else ServerError)(told) from None

    def _read(self, answer: _Answer, path: str, model: type[Model], texts: Texts) -> Reply[Model]:
        if answer.status not in (200, 201):
            self._refuse(answer, path, texts)
        try:
            document = json.loads(answer.body)
            # A newer server may tell more than we know of.
            body = model.model_validate(document, extra="ignore")
        except (ValueError, RecursionError, ValidationError):
            raise not_ours(self._url(path), answer.status, answer.body) from None
        return Reply(body, document, answer.headers.get("ETag"), answer.status)

    def _refuse(self, answer: _Answer, path: str, texts: Texts) -> None:
        """Raise what a server said instead of answering."""
        url = self._url(path)
        if 300 <= answer.status < 400:
            raise redirected(url, urljoin(url, answer.headers.get("Location", "")))
        try:
            problem = Problem.model_validate_json(answer.body, extra="ignore")
        except ValidationError:
            raise not_ours(url, answer.status, answer.body) from None
        raise refusal(problem, texts, known=self.target.token is not None)


class _PassingError(ServerError):
    """A failure that may pass by itself."""


def _retry_after(answer: _Answer, usual: float) -> float | None:
    """The seconds to wait before it is asked again; None if that is too long for whoever waits."""
    value = answer.headers.get("Retry-After", "")
    wait = float(value) if value.isascii() and value.isdigit() and len(value) < 6 else usual
    return wait if wait <= _LONGEST_WAIT else None


def at(*parts: str) -> str:
    """The path of something under /v1, whatever its name is made of."""
    return "/v1/" + "/".join(quote(part, safe=":") for part in parts)
