"""
Calls over HTTP that change something: sent once, and told apart by what is known of them afterwards.

The rule to keep: what was answered is an answer, whatever its status. An error says whether the request can have
arrived: not if no connection came about or no log-in worked, and perhaps in every other case. Nothing is redirected.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping

import requests
import urllib3

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.enforcement.contained.output import masked
from congresslite.enforcement.sending import causes, unconnected
from congresslite.sources.cutoff import cut_at
from congresslite.sources.driver import Deadline
from congresslite.sources.httpauth import Answer, Auth, Post
from congresslite.sources.httpclient import HttpClient
from congresslite.sources.httpfaults import fault

# What else only happens before a request is sent; urllib3 speaks of a proxy only while there is no way through it.
_BEFORE = (urllib3.exceptions.ProxyError, requests.exceptions.InvalidHeader)
_NO_TLS = {
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
}
_SECRET = 8  # characters from which on a word of our headers may be a secret


class UnsentError(Exception):
    """The request certainly did not arrive. Its text says why."""

    def __init__(self, error: SourceError, *, retry: bool = True) -> None:
        super().__init__(said(error))
        self.retry = retry


class SilentError(Exception):
    """The request may have arrived, and no answer came. Its text says what happened."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(said(error))


class Caller(HttpClient):
    """Calls one service. Made for one call after the other, by one thread; its connections are fresh then.

    A connection that was kept could be closed by the service just when a request is sent, and then nobody would know
    whether that arrived.
    """

    def call(
        self, method: str, path: str, headers: Mapping[str, str], data: bytes | None, deadline: Deadline
    ) -> Answer:
        """What was answered; the body as far as it came. Raises UnsentError and SilentError."""
        try:
            url = self._address(path, deadline)
            answer = self._admitted_once(method, url, headers, data, deadline)
            if answer.status == 401 and self._auth.renew():
                answer = self._admitted_once(method, url, headers, data, deadline)
        except SourceError as error:
            raise UnsentError(error, retry=error.diagnostics[0].code != "CL475") from None
        return answer

    def told(self, answer: Answer) -> str:
        """The body of an answer for people, without what we sent to say who we are."""
        return masked(answer.body.decode("utf-8", "replace"), self._secrets)

    def _admitted_once(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, deadline: Deadline
    ) -> Answer:
        ours = {**self._options.headers, **self._auth.headers(self._post, deadline)}
        self._secrets = tuple(word for value in ours.values() for word in value.split() if len(word) >= _SECRET)
        return self._sent(method, url, {**headers, **ours}, data, deadline)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
        """For a log-in: whatever happens to that, the request itself was not sent."""
        try:
            return self._sent("POST", url, headers, body, deadline)
        except SilentError as error:
            raise UnsentError(SourceError(Diagnostic("CL478", f"no log-in: {error}"))) from None

    def _sent(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, deadline: Deadline
    ) -> Answer:
        """One request, and what came of its answer. Raises UnsentError and SilentError, and SourceError before."""
        timeout = deadline.left(self._options.timeout)
        status, body = 0, b""
        told: Mapping[str, str] = {}
        with cut_at(deadline):
            try:
                with self._session.request(
                    method, url, headers=dict(headers), data=data, timeout=timeout, stream=True, allow_redirects=False
                ) as response:
                    status, told = response.status_code, response.headers
                    body = self._read(response, deadline)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, SourceError) as error:
                if not status:
                    self._lost(error, url, timeout)
        return Answer(status, told, body)

    def _lost(self, error: Exception, url: str, timeout: float) -> None:
        found = error if isinstance(error, SourceError) else fault(error, url, timeout)[0]
        if unconnected(error) or any(map(_before, causes(error))) or type(error) is OSError:
            raise UnsentError(found) from None
        raise SilentError(found) from None


class SharedAuth:
    """Who we are, for any number of threads: one of them logs in, and the others wait for it."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._lock = threading.Lock()

    def headers(self, post: Post, deadline: Deadline) -> Mapping[str, str]:
        """See `Auth`."""
        with self._lock:
            return self._auth.headers(post, deadline)

    def renew(self) -> bool:
        """See `Auth`."""
        with self._lock:
            return self._auth.renew()

    def address(self, post: Post, deadline: Deadline) -> str | None:
        """See `Auth`."""
        with self._lock:
            return self._auth.address(post, deadline)


def said(error: SourceError) -> str:
    """What a finding says, with its place and its code, in one line."""
    first = error.diagnostics[0]
    return f"{first.place}: {first.message} ({first.code})" if first.place else f"{first.message} ({first.code})"


def _before(error: BaseException) -> bool:
    return isinstance(error, _BEFORE) or (isinstance(error, ssl.SSLError) and error.reason in _NO_TLS)
