"""
Requests that failed: whether they can have arrived, and what time it is where they were sent.

The rule to keep: only what happens before anything is sent says that nothing was done.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

import requests
import urllib3

# Errors of a connection that never came about.
_UNCONNECTED = (
    ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError, requests.ConnectTimeout,
    requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
)  # fmt: skip


def unconnected(error: BaseException) -> bool:
    """Whether an error says that no connection came about, so that nothing can have arrived."""
    return any(isinstance(each, _UNCONNECTED) for each in causes(error))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it; the libraries hand causes on in several ways."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def ahead(headers: Mapping[str, str]) -> float | None:
    """By how many seconds a clock is ahead of ours, to a second, as an answer's `Date` tells; None if it does not."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
    except (KeyError, ValueError, TypeError):
        return None
