"""
Watching a folder: which of its files changed, told once they are quiet.

The system tells that something happened in the folder; what happened is found
out by looking at the files' stamps, so that a rename, a swapped link and a
rewritten file are all the same. Where the system tells nothing (no inotify, a
file system of another machine), the stamps are looked at now and then anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

# Reading a file is no news.
_NEWS = [FileClosedEvent, FileCreatedEvent, FileDeletedEvent, FileModifiedEvent, FileMovedEvent]
_MOST_BURSTS = 10  # waits for quiet in a folder that never rests
_ENDING = 10.0  # seconds within which the thread has ended


class Stamp(NamedTuple):
    """What changes whenever a file does. Times are nanoseconds since 1970."""

    node: int
    size: int
    modified: int
    changed: int


def stamp(path: Path) -> Stamp | None:
    """The stamp of the file behind a path; None if there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return Stamp(seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


class FolderWatch:
    """Wakes whoever pulls a feed when the feed's files changed. `stamps` gives the files' stamps, by feed."""

    def __init__(
        self,
        folder: Path,
        stamps: Callable[[], Mapping[str, Hashable]],
        wake: Callable[[str], None],
        *,
        settle: float,
        look_every: float,
    ) -> None:
        self._folder = folder
        self._stamps = stamps
        self._wake = wake
        self._settle = settle
        self._look_every = look_every
        self._news = Event()
        self._closing = Event()
        self._fault: str | None = None
        self._observer: BaseObserver | None = None
        self._observed: Hashable = None
        self._known = dict(stamps())
        self._listen()
        self._thread = Thread(target=self._run, name=f"watch {folder}", daemon=True)
        self._thread.start()

    @property
    def fault(self) -> str | None:
        """Why changes are seen late; None while the system tells of them."""
        return self._fault

    def close(self) -> None:
        """Stop watching; returns when the threads have ended."""
        self._closing.set()
        self._news.set()
        self._thread.join(_ENDING)

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._news.wait(self._look_every):
                self._await_quiet()
            if not self._closing.is_set():
                self._look()
                self._listen()
        self._stop_listening()

    def _await_quiet(self) -> None:
        """Wait until nothing was told for a moment, but not for ever."""
        for _ in range(_MOST_BURSTS):
            self._news.clear()
            if self._closing.is_set() or not self._news.wait(self._settle):
                return

    def _look(self) -> None:
        """Compare the stamps with those of the last look, and tell of each feed with another one."""
        stamps = dict(self._stamps())
        changed = [feed for feed, each in stamps.items() if each != self._known.get(feed)]
        self._known = stamps
        for feed in changed:
            self._wake(feed)

    def _listen(self) -> None:
        """Let the system tell of changes in the folder that is there now; it may be another one than before."""
        try:
            seen = self._folder.stat()
            folder = (seen.st_dev, seen.st_ino)
            if folder == self._observed and self._observer is not None and self._observer.is_alive():
                return
            self._stop_listening()
            observer = Observer()
            observer.schedule(_Handler(self._news), str(self._folder), event_filter=_NEWS)
            observer.start()
        except OSError as error:
            self._stop_listening()
            reason = (error.strerror or str(error)).lower()
            self._fault = f"changes in `{self._folder}` are looked for every {self._look_every:g} s only: {reason}"
        else:
            self._observer, self._observed, self._fault = observer, folder, None
            # What happened before it listened was told by nobody.
            self._news.set()

    def _stop_listening(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(_ENDING)
            self._observer = None


class _Handler(FileSystemEventHandler):
    """Notes that something happened."""

    def __init__(self, news: Event) -> None:
        self._news = news

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Whatever it was."""
        self._news.set()
