"""
A line on which answers are lost: each connection carries one request to a service, and misbehaves as told.

`fault` holds for the next request that changes something (not for GET); `seen` counts those that came, `passed` those
that the service was given.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal, Self

Fault = Literal["none", "before", "after", "error", "silent", "refuse"]
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"


class Lossy:
    """Stands before a service on a port of this machine.

    before: the connection breaks, and the service hears nothing · after: the service does it, and the connection breaks
    · error: the service does it, and 500 is answered · silent: the service does it, and nothing is answered for as long
    as this is open · refuse: 503, and the service hears nothing.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        self.fault: Fault = "none"
        self.seen = 0
        self.passed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hear nobody any more."""
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            request = _whole(near)
            fault: Fault = "none"
            if request and not request.startswith(b"GET "):
                self.seen += 1
                fault, self.fault = self.fault, "none"
            if fault == "before":
                return
            if fault == "refuse":
                near.sendall(_BUSY)
                return
            if request and not request.startswith(b"GET "):
                self.passed += 1
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                far.sendall(request)
                answer = _all(far)
            if fault == "silent":
                self._over.wait(60)
            elif fault == "error":
                near.sendall(_ERROR)
            elif fault == "none":
                near.sendall(answer)


def _whole(line: socket.socket) -> bytes:
    """One request, with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := line.recv(65536)):
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(each.split(b":")[1]) for each in head.split(b"\r\n") if each.lower().startswith(b"content-length:")]
    while len(body) < (lengths or [0])[0]:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


def _all(line: socket.socket) -> bytes:
    """What comes until the other side, which was asked to, closes the connection."""
    data = b""
    while more := line.recv(65536):
        data += more
    return data
