"""
One service of a cloud, called once: what it answered, or whether it can have heard us at all.

The rule to keep: a call that may have arrived is never called a failure. Only a connection that did not come about,
a refused log-in, or an answer below 500 say that nothing was done; a status from 500 on says nothing, since what
stands before the service, or the service itself, may give it after the work was done.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import requests
import urllib3
from keystoneauth1.session import Session

from congresslite.diagnostics import SourceError
from congresslite.enforcement.openstack.findings import told
from congresslite.enforcement.sending import ahead, unconnected
from congresslite.sources.cutoff import cut_at
from congresslite.sources.driver import Deadline
from congresslite.sources.http import USER_AGENT, below, first_words
from congresslite.sources.httpauth import Answer
from congresslite.sources.httpfaults import fault
from congresslite.sources.openstack.cloud import Limits, Login, Place, bounded_session, read_cloud

# Findings that trying again soon does not mend: clouds.yaml, the log-in, the catalogue, the roles.
_LASTING = ("CL530", "CL531", "CL532", "CL533")
_SILENT = "CL602"


class NotSentError(Exception):
    """Nothing was sent, with the reason; `retry` if that may pass."""

    def __init__(self, why: str, *, retry: bool = True) -> None:
        super().__init__(why)
        self.retry = retry


class SilentError(Exception):
    """It was sent, and nobody knows what became of it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{_SILENT} {why}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered, below 500."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    said: str = ""  # the words of a refusal

    @property
    def fine(self) -> bool:
        """Whether it did, or took on, what it was asked for."""
        return 200 <= self.status < 300

    @property
    def request(self) -> str:
        """The name that the service gave to the request: its own record of it bears the same."""
        return self.headers.get("X-Openstack-Request-Id") or self.headers.get("X-Compute-Request-Id") or ""

    def part(self, name: str) -> Any:
        """A part of the body; None if it is not there."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def clock(self) -> float:
        """By how many seconds the service's clock is ahead of ours, to a second; 0 if it does not tell its time."""
        return ahead(self.headers) or 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str  # below the service's address
    headers: Mapping[str, str] = field(repr=False)
    data: bytes | None = field(repr=False)


class Service:
    """One service of a cloud, as its user. Not for two threads at once; clouds.yaml is read at the first call."""

    def __init__(self, place: Place, limits: Limits) -> None:
        self._place = place
        self._limits = limits
        self._session: Session | None = None
        self._login: Login | None = None
        self._base = ""
        self._secrets: tuple[str, ...] = ()  # what was sent that must not be told if it comes back

    @property
    def user(self) -> str:
        """The id of the user that calls are made as; empty before the first one, or if the log-in does not tell."""
        return self._known("get_user_id")

    @property
    def project(self) -> str:
        """The id of the user's project; empty likewise."""
        return self._known("get_project_id")

    def get(self, path: str, deadline: Deadline, version: str = "") -> Reply:
        """What is there. Raises NotSentError or SilentError; nothing was changed in either case."""
        return self.call("GET", path, deadline, version=version)

    def call(
        self, method: str, path: str, deadline: Deadline, *, body: Any = None, version: str = "", key: str = ""
    ) -> Reply:
        """The answer to one request; `key`, an order's, goes into the service's logs. Raises NotSentError, SilentError.

        `version` is what `OpenStack-API-Version` says (`compute 2.79`).
        """
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            # A connection that was kept may have been closed at the other end: nobody would know whether we were heard.
            "Connection": "close",
            **({"OpenStack-API-Version": version} if version else {}),
            **({"X-OpenStack-Request-ID": f"req-{UUID(key)}"} if key else {}),
        }
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = _Request(method, path, headers, data)
        session, login = self._opened(deadline)
        answer = self._sent(session, login, request, deadline)
        if answer.status_code == 401 and login.renew():
            answer = self._sent(session, login, request, deadline)
        return _reply(answer, method, self._secrets)

    def close(self) -> None:
        """Give back the connections; the next call reads clouds.yaml anew."""
        if self._session is not None:
            self._session.session.close()
        self._session = self._login = None

    def _opened(self, deadline: Deadline) -> tuple[Session, Login]:
        if self._session is None or self._login is None:
            try:
                region = read_cloud(self._place)
                session = bounded_session(region, self._limits)
                login = Login(self._place, region, session, self._limits.timeout)
                own = region.get_endpoint(self._place.service)  # where the file says so; the catalogue otherwise
                self._base = own or login.address(_unasked, deadline) or ""
            except SourceError as error:
                raise _not_sent(error) from None
            if session.verify is False:
                # Whoever turned verification off was told by the documentation.
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            self._session, self._login = session, login
        return self._session, self._login

    def _sent(self, session: Session, login: Login, request: _Request, deadline: Deadline) -> requests.Response:
        url = below(self._base, request.path)
        try:
            ours = login.headers(_unasked, deadline)
            timeout = deadline.left(self._limits.timeout)
        except SourceError as error:
            self.close()
            raise _not_sent(error) from None
        self._secrets = tuple(ours.values())
        try:
            with cut_at(deadline):
                return session.session.request(
                    request.method,
                    url,
                    headers={**request.headers, **ours},
                    data=request.data,
                    timeout=timeout,
                    allow_redirects=False,
                    verify=True if session.verify is None else session.verify,
                    cert=session.cert,
                )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            why = told(fault(error, url, timeout)[0])
            if unconnected(error):
                raise NotSentError(why) from None
            raise SilentError(f"no answer came to `{request.method}`: {why}") from None
        except SourceError as error:  # the deadline, or an answer that is too big
            raise SilentError(f"no answer came to `{request.method}`: {told(error)}") from None

    def _known(self, what: str) -> str:
        auth = None if self._session is None else self._session.auth
        return "" if auth is None else str(getattr(auth, what)(self._session) or "")


class Cloud:
    """The services of one cloud, for any number of threads: each takes one that no other has at the time."""

    def __init__(self, places: Mapping[str, Place], limits: Limits) -> None:
        self._places = places
        self._limits = limits
        self._free: dict[str, list[Service]] = {name: [] for name in places}
        self._lock = threading.Lock()

    @contextmanager
    def service(self, name: str) -> Iterator[Service]:
        """A service, for as long as the block lasts."""
        with self._lock:
            free = self._free[name]
            taken = free.pop() if free else Service(self._places[name], self._limits)
        try:
            yield taken
        finally:
            with self._lock:
                self._free[name].append(taken)

    def close(self) -> None:
        """Give back the connections of those that are free."""
        with self._lock:
            for free in self._free.values():
                while free:
                    free.pop().close()


def _reply(answer: requests.Response, method: str, secrets: tuple[str, ...]) -> Reply:
    raw = answer.content
    if answer.status_code >= 500:
        said = first_words(raw, secrets)
        raise SilentError(f"`{method}` was answered with status {answer.status_code}" + (f": {said}" if said else ""))
    try:
        body = json.loads(raw) if raw.strip() else None
    except (ValueError, RecursionError):
        body = None
    return Reply(
        answer.status_code, answer.headers, body, "" if answer.status_code < 300 else _words(body, raw, secrets)
    )


def _words(body: Any, raw: bytes, secrets: tuple[str, ...]) -> str:
    """Why OpenStack refuses: `{"conflictingRequest": {"message": "…"}}`."""
    inner = next(iter(body.values()), None) if isinstance(body, dict) else None
    message = inner.get("message") if isinstance(inner, dict) else None
    return first_words(message if isinstance(message, str) else raw, secrets)


def _not_sent(error: SourceError) -> NotSentError:
    return NotSentError(told(error), retry=not any(each.code in _LASTING for each in error.diagnostics))


def _unasked(url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
    """OpenStack's own libraries log in: nobody posts for them."""
    raise NotImplementedError(url)
