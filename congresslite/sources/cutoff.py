"""
Requests that end at their deadline, however slowly the other side goes on.

A time-out of a socket starts anew with each byte, so that a service that sends
one now and then could hold us for ever. The watch kept here shuts the socket
down when the deadline comes; whoever reads from it finds that it has ended.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from congresslite.sources.driver import Deadline


class _Watch(threading.local):
    """The sockets that this thread's request uses, and whether its time has come."""

    lines: list[socket.socket] | None = None


_watch = _Watch()


@contextmanager
def cut_at(deadline: Deadline) -> Iterator[None]:
    """Shut down the socket of the request that is made within, should it last until the deadline."""
    lines: list[socket.socket] = []
    timer = threading.Timer(deadline.left(threading.TIMEOUT_MAX), _shut, (lines,))
    timer.daemon = True
    _watch.lines = lines
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _watch.lines = None


def _shut(lines: list[socket.socket]) -> None:
    for line in lines:
        # An SSL socket's own `shutdown` takes the session away from whoever reads; the plain one only ends the line.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)


def _watched(line: Any) -> None:
    if _watch.lines is not None and isinstance(line, socket.socket):
        _watch.lines.append(line)


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        _watched(self.sock)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        _watched(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class CutAdapter(HTTPAdapter):
    """An adapter of requests whose connections `cut_at` can end."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """The pools of plain requests."""
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        """The pools of requests through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
