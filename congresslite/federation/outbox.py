"""An outbox: what waits to be sent. It is bounded; when it is full, what is oldest is lost."""

from __future__ import annotations

import threading
from collections import deque

MOST = 20_000  # messages
LARGEST = 256 * 2**20  # bytes of them all


class Outbox:
    """Messages and whom they are for, first in, first out, between threads."""

    def __init__(self, most: int = MOST, largest: int = LARGEST) -> None:
        self.lost = 0
        self._most, self._largest = most, largest
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._changed = threading.Condition()

    def put(self, to: str, body: bytes) -> None:
        """Let a message wait. Never blocks."""
        with self._changed:
            self._waiting.append((to, body))
            self._size += len(body)
            while len(self._waiting) > self._most or self._size > self._largest:
                self._size -= len(self._waiting.popleft()[1])
                self.lost += 1
            self._changed.notify()

    def first(self, timeout: float) -> tuple[str, bytes] | None:
        """The message whose turn it is; it waits on until it is `done`. None if there is none for so many seconds."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            return self._waiting[0] if self._waiting else None

    def done(self, message: tuple[str, bytes]) -> None:
        """A message was sent."""
        with self._changed:
            # It may have been lost meanwhile, to make place.
            if self._waiting and self._waiting[0] is message:
                self._size -= len(self._waiting.popleft()[1])

    def wake(self) -> None:
        """End a wait for a message."""
        with self._changed:
            self._changed.notify_all()
