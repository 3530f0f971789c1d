"""
Lines of the log on their way to the store.

The rule to keep: whoever logs neither waits nor fails. Lines wait in memory,
the oldest are let go when there are too many, and a thread of its own writes
them in batches; how many were lost is told by a line in their place.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from congresslite.config.models import LogKeepSettings
from congresslite.config.origins import without_password
from congresslite.store.logs import Logs
from congresslite.store.records import LogRecord

MOST_WAITING = 10_000
_BATCH = 1000
_GATHER = 0.2  # seconds in which lines come together
_PRUNE_EVERY = 60.0
_PATIENCE = 5.0
_AGAIN = 1.0  # seconds after which it is tried again
_OWN = "congresslite.log"
# What is told in columns of its own, or is of the machinery.
_NO_TAGS = frozenset({"event", "level", "logger", "timestamp", "exc_info", "stack_info", "exception"})
# What a name says that is not to be told.
SECRET = re.compile(r"authorization|password|passwd|secret|token|credential|cookie|api_?key", re.IGNORECASE)


class LogLines:
    """Keeps lines from the moment that there is a store; those from before wait for it."""

    def __init__(self, settings: LogKeepSettings) -> None:
        self._settings = settings
        self._skip = tuple(f"{each}." for each in settings.skip)
        self._waiting: deque[LogRecord] = deque()
        self._mutex = threading.Lock()
        self._lost = 0
        self._came = threading.Event()
        self._ending = threading.Event()
        self._logs: Logs | None = None
        self._thread: threading.Thread | None = None
        self._pruned = 0.0

    # -- from any thread -------------------------------------------------------------------------

    def take(self, event: Mapping[str, Any]) -> None:
        """Take the event of a line as structlog has it, secrets masked. Never fails."""
        try:
            category = str(event.get("logger", ""))
            if not self._settings.rows or f"{category}.".startswith(self._skip):
                return
            record = record_of(event, category)
        except Exception:
            self._lost += 1
            return
        with self._mutex:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self._lost += 1
            self._waiting.append(record)
        self._came.set()

    def attach(self, logs: Logs) -> None:
        """Write lines to a store from now on."""
        self._logs = logs
        self._thread = threading.Thread(target=self._write, name="log lines", daemon=True)
        self._thread.start()

    def flush(self, patience: float = _PATIENCE) -> None:
        """Write what waits and end; what cannot be written soon is let go."""
        self._ending.set()
        self._came.set()
        if self._thread is not None:
            self._thread.join(patience)

    # -- the thread ------------------------------------------------------------------------------

    def _write(self) -> None:
        assert self._logs is not None
        while True:
            self._came.wait(_PRUNE_EVERY)
            self._ending.wait(_GATHER)
            self._came.clear()
            good = self._try(self._prune)
            while good and (batch := self._batch()):
                good = self._written(self._logs, batch)
            if self._ending.is_set():
                return
            if not good:
                self._ending.wait(_AGAIN)
                self._came.set()

    def _prune(self) -> None:
        now = time.monotonic()
        if self._logs is not None and now - self._pruned > _PRUNE_EVERY:
            self._logs.prune(self._settings.rows, time.time() - self._settings.time)
            self._pruned = now

    def _try(self, step: Callable[[], None]) -> bool:
        """Whether a step went well. Why not is told to nobody: a log that fails must not log."""
        try:
            step()
        except Exception:
            return False
        return True

    def _batch(self) -> list[LogRecord]:
        with self._mutex:
            lost, self._lost = self._lost, 0
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
        if lost:
            message = f"{lost} lines were not kept: there were too many"
            batch.insert(0, LogRecord(time.time(), logging.WARNING, _OWN, message, {"lines": str(lost)}))
        return batch

    def _written(self, logs: Logs, batch: list[LogRecord]) -> bool:
        """Write a batch; if that fails it waits again, as far as there is room."""
        if self._try(lambda: logs.append(batch)):
            return True
        with self._mutex:
            room = max(0, MOST_WAITING - len(self._waiting))
            back = batch[-room:] if room else []
            self._lost += len(batch) - len(back)
            self._waiting.extendleft(reversed(back))
        return False


def record_of(event: Mapping[str, Any], category: str) -> LogRecord:
    """A line as it is kept: what it is about in tags, values as texts, what is named like a secret blanked."""
    level = logging.getLevelNamesMapping().get(str(event.get("level", "info")).upper(), logging.INFO)
    tags = {
        key: _text(key, value)
        for key, value in event.items()
        if key not in _NO_TAGS and not key.startswith("_") and value is not None
    }
    error = event.get("exc_info")
    if error is True:
        error = sys.exc_info()
    kind = error[0] if isinstance(error, tuple) else type(error) if isinstance(error, BaseException) else None
    if isinstance(kind, type):
        tags["exception"] = kind.__name__
    return LogRecord(time.time(), level, category, without_password(str(event.get("event", ""))), tags)


def _text(key: str, value: Any) -> str:
    if SECRET.search(key):
        return "***"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_text(str(name), each)}" for name, each in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_text("", each) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    return without_password(str(value))
