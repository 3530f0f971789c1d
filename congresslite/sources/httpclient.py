"""
HTTP with requests: one service, asked within bounds of time, size and rate.

The rule to keep: nothing waits longer than the deadline, however slowly a byte
comes after the other, nothing is read beyond the limit, and our credentials go
to no other origin. What is asked again is what is safe to ask again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import stamina
import urllib3
from requests.structures import CaseInsensitiveDict

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.cutoff import CutAdapter, cut_at
from congresslite.sources.driver import Deadline
from congresslite.sources.http import (
    MAX_BYTES,
    NOT_FOUND,
    USER_AGENT,
    HttpReply,
    below,
    elsewhere,
    origin,
    parse_body,
    refused,
    shown,
    too_big,
)
from congresslite.sources.httpauth import Answer, Auth
from congresslite.sources.httpcache import KeptReplies
from congresslite.sources.httpfaults import fault

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_CHUNK = 64 * 1024
_SECRET = 8  # characters from which on a word of our headers may be a secret


@dataclass(frozen=True, slots=True)
class Options:
    """How a service is spoken to. `url` is its address; without one, whoever logs us in knows it."""

    url: str | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool | str = True  # or the file with the certificates of those who are trusted
    certificate: tuple[str, str] | None = None  # ours: the files of certificate and key
    timeout: float = 30.0  # seconds, to connect, and for each wait for more
    max_bytes: int = MAX_BYTES
    retries: int = 3
    rate: float | None = None  # requests a second
    proxy: str | None = field(default=None, repr=False)


class _TryAgainError(Exception):
    """A failure that may pass: what it is, and how long the service asks us to wait."""

    def __init__(self, error: SourceError, after: float | None = None) -> None:
        super().__init__(error.diagnostics[0].message)
        self.error = error
        self.after = after


class HttpClient:
    """Speaks to one service, with one connection. Not for two threads at once."""

    def __init__(self, options: Options, auth: Auth) -> None:
        self._options = options
        self._auth = auth
        self._base = options.url
        self._bucket = _Bucket(options.rate)
        self._kept = KeptReplies(options.max_bytes)
        self._secrets: tuple[str, ...] = ()  # what was sent that must not be told if it comes back
        self._session = requests.Session()
        # Nothing of the environment: no proxies, no .netrc, no other certificates than what was configured.
        self._session.trust_env = False
        self._session.headers = CaseInsensitiveDict(
            {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
        )
        self._session.verify = options.verify
        self._session.cert = options.certificate
        if options.proxy is not None:
            self._session.proxies = {"http": options.proxy, "https": options.proxy}
        if options.verify is False:
            # Whoever turned verification off was told by the documentation; telling it for each request is of no use.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, CutAdapter())

    def get(self, path: str, headers: Mapping[str, str], deadline: Deadline) -> HttpReply:
        """The reply to GET, see `Http`."""
        return self._again(lambda: self._ask("GET", path, headers, None, deadline), deadline)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: Any, deadline: Deadline) -> HttpReply:
        """The reply to a request with a JSON body, see `HttpWriter`."""
        data = None if body is None else json.dumps(body).encode()
        told = headers if data is None else {**headers, "Content-Type": "application/json"}
        try:
            return self._ask(method, path, told, data, deadline)
        except _TryAgainError as failure:
            raise failure.error from None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    # -- one request -------------------------------------------------------------------------------

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], data: bytes | None, deadline: Deadline
    ) -> HttpReply:
        """One request, with one more log-in if it is refused, and redirects followed."""
        url = self._address(path, deadline)
        kept = self._kept.find(url, headers) if method == "GET" else None
        told = {**headers, **(kept.conditions if kept else {})}
        answer, at = self._admitted(method, url, told, data, deadline)
        if answer.status == 304 and kept is not None:
            return kept.reply
        reply = self._reply(answer, at)
        if method == "GET":
            self._kept.keep(url, headers, reply)
        return reply

    def _address(self, path: str, deadline: Deadline) -> str:
        """The address of a path; one of another origin is refused."""
        if self._base is None:
            self._base = self._auth.address(self._post, deadline)
        if self._base is None:
            message = "the address of the service is not known"
            raise SourceError(Diagnostic("CL470", message, hint="give `url`"))
        if not urlsplit(path).scheme:
            return below(self._base, path)
        self._check(self._base, path)
        return path

    def _check(self, base: str, url: str) -> None:
        if origin(url) != origin(base) or "@" in urlsplit(url).netloc:
            raise elsewhere(base, url)

    def _admitted(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, deadline: Deadline
    ) -> tuple[Answer, str]:
        answer, at = self._followed(method, url, headers, data, deadline)
        if answer.status == 401 and self._auth.renew():
            answer, at = self._followed(method, url, headers, data, deadline)
        return answer, at

    def _followed(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, deadline: Deadline
    ) -> tuple[Answer, str]:
        """The answer, once redirects within the origin are followed, and the address that gave it."""
        ours = {**self._options.headers, **self._auth.headers(self._post, deadline)}
        self._secrets = tuple(word for value in ours.values() for word in value.split() if len(word) >= _SECRET)
        known = {**headers, **ours}
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._exchange(method, url, known, data, deadline)
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or location is None:
                return answer, url
            target = urljoin(url, location)
            self._check(url, target)
            if method != "GET":
                raise elsewhere(url, target)
            url = target
        message = f"it is redirected more than {_MOST_REDIRECTS} times"
        raise SourceError(Diagnostic("CL475", message, place=shown(url), hint="see to `url`"))

    def _post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
        """For a log-in, which is safe to ask for again."""
        return self._exchange("POST", url, headers, body, deadline)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, deadline: Deadline
    ) -> Answer:
        """One request and its whole answer. Raises _TryAgainError for what may pass, SourceError for what does not."""
        self._bucket.take(deadline)
        timeout = deadline.left(self._options.timeout)
        with cut_at(deadline):
            try:
                with self._session.request(
                    method, url, headers=dict(headers), data=data, timeout=timeout, stream=True, allow_redirects=False
                ) as response:
                    body = self._read(response, deadline)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                deadline.left()
                told, passing = fault(error, url, timeout)
                raise _TryAgainError(told) if passing else told from None
        # A line that was cut off looks like the end of a body that does not tell its length.
        deadline.left()
        answer = Answer(response.status_code, response.headers, body)
        if answer.status == 429 or (answer.status >= 500 and answer.status != 501):
            raise _TryAgainError(refused(answer.status, body, url, self._secrets), _retry_after(answer))
        return answer

    def _read(self, response: requests.Response, deadline: Deadline) -> bytes:
        """The body, decompressed, as it comes."""
        found = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            found += chunk
            if len(found) > self._options.max_bytes:
                raise too_big(response.url or "", self._options.max_bytes)
            deadline.left()
        return bytes(found)

    def _reply(self, answer: Answer, url: str) -> HttpReply:
        """What an answer means. Raises SourceError for a status from 300 on but 404, and for what is no JSON."""
        if answer.status >= 300 and answer.status != NOT_FOUND:
            raise refused(answer.status, answer.body, url, self._secrets)
        try:
            body = parse_body(answer.body, url, self._secrets)
        except SourceError:
            if answer.status != NOT_FOUND:
                raise
            body = None
        return HttpReply(answer.status, answer.headers, body, url, len(answer.body))

    # -- again, and not again ----------------------------------------------------------------------

    def _again(self, ask: Callable[[], HttpReply], deadline: Deadline) -> HttpReply:
        """Ask until there is an answer, it is of no more use, or the time is up."""
        last: SourceError | None = None

        def wait(error: Exception) -> bool | float:
            """How long to wait: as the service asks, or else longer each time; not at all if that would be too long."""
            nonlocal last
            if not isinstance(error, _TryAgainError):
                return False
            last = error.error
            return True if error.after is None else error.after < deadline.left() and error.after

        try:
            for attempt in stamina.retry_context(
                wait, attempts=self._options.retries + 1, timeout=None, wait_initial=0.2, wait_max=10, wait_jitter=0.5
            ):
                with attempt:
                    return ask()
        except _TryAgainError as failure:
            raise failure.error from None
        except SourceError as error:
            # That the time was up says little without what it was spent on.
            raise error if last is None else SourceError([*error.diagnostics, *last.diagnostics]) from None
        raise AssertionError("an attempt returns or raises")


class _Bucket:
    """A rate: so many requests a second, and a second's worth of them at once."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._most = max(1.0, rate or 0.0)
        self._there = self._most
        self._at = time.monotonic()

    def take(self, deadline: Deadline) -> None:
        """Wait until a request is allowed. Raises SourceError if the deadline comes before."""
        if self._rate is None:
            return
        now = time.monotonic()
        self._there = min(self._most, self._there + (now - self._at) * self._rate) - 1
        self._at = now
        if self._there < 0:
            time.sleep(deadline.left(-self._there / self._rate))
            deadline.left()


def _retry_after(answer: Answer) -> float | None:
    """The seconds that a service asks us to wait, by its own clock."""
    value = answer.headers.get("Retry-After", "")
    if value.isdigit():
        return float(value)
    try:
        sent = answer.headers["Date"]
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(sent)).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
