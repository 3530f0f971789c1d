"""
Web pages: one GET, measured to the end of the reply.

The probe stands for a user who asks this one address, so it follows no
redirects, knows no proxies and sends no credentials anywhere else.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from base64 import b64encode
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, urlsplit

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.probes.measurement import Measurement, seconds
from congresslite.sources.probes.settings import HttpProbe

_MOST_BYTES = 1 << 20


async def measure(probe: HttpProbe) -> Measurement:
    """Ask for a page. Raises OSError if no reply comes, SourceError (CL402) if `ca` cannot be read."""
    url = urlsplit(probe.url)
    context = _trust(probe) if url.scheme == "https" else None
    begin = time.perf_counter()
    raw = await _exchange(url, _request(probe, url), context)
    took = seconds(time.perf_counter() - begin)
    if len(raw) > _MOST_BYTES:
        return Measurement(None, f"the reply is longer than {_MOST_BYTES >> 20} MB")
    try:
        status, text = _parsed(raw)
    except (HTTPException, ValueError):
        return Measurement(None, "the reply is no whole HTTP reply")
    return Measurement(took if probe.value == "time" else float(status), _fault(probe, status, text))


def _fault(probe: HttpProbe, status: int, text: str) -> str | None:
    """What is not as expected."""
    if status not in (probe.expect_status or range(200, 300)):
        return f"the status is {status}"
    if probe.expect_text not in text:
        return "the reply does not have the expected text"
    return None


def _request(probe: HttpProbe, url: SplitResult) -> bytes:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = {"Host": url.netloc, "User-Agent": "congresslite", "Accept": "*/*"}
    headers |= {name.title(): value.get_secret_value() for name, value in probe.headers.items()}
    if probe.username is not None and probe.password is not None:
        credentials = f"{probe.username}:{probe.password.get_secret_value()}".encode()
        headers["Authorization"] = f"Basic {b64encode(credentials).decode()}"
    headers["Connection"] = "close"  # so that the end of the reply is the end of the connection
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


async def _exchange(url: SplitResult, request: bytes, context: ssl.SSLContext | None) -> bytes:
    """All that a server answers, cut just after the most that is looked at."""
    assert url.hostname is not None
    port = url.port or (443 if context else 80)
    reader, writer = await asyncio.open_connection(url.hostname, port, ssl=context)
    try:
        writer.write(request)
        raw = bytearray()
        while len(raw) <= _MOST_BYTES and (more := await reader.read(1 << 16)):
            raw += more
        return bytes(raw)
    finally:
        writer.transport.abort()


class _Received:
    """A reply that has come, as the parser wants it."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> BytesIO:
        """The bytes as a file."""
        return BytesIO(self._raw)


def _parsed(raw: bytes) -> tuple[int, str]:
    """Status and text of a reply. Raises HTTPException for one that is none, or was cut short."""
    response = HTTPResponse(cast(socket.socket, _Received(raw)), method="GET")
    response.begin()
    return response.status, response.read().decode(errors="replace")


def _trust(probe: HttpProbe) -> ssl.SSLContext:
    """What certificates to trust."""
    try:
        changed = Path(probe.ca).stat().st_mtime_ns if probe.ca is not None else 0
        return _context(probe.ca, changed, probe.verify)
    except OSError as error:
        message = f"the certificates `{probe.ca}` cannot be read: {error.strerror or error}"
        raise SourceError(Diagnostic("CL402", message, hint="name a file in PEM format")) from error


@lru_cache(maxsize=64)
def _context(ca: str | None, _changed: int, verify: bool) -> ssl.SSLContext:
    """Made once for each version of a file, for to read the system's certificates takes its time."""
    context = ssl.create_default_context(cafile=ca)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
