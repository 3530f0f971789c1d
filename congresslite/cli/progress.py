"""
Progress on stderr: one line that is rewritten, for a person who has begun to wonder.

It appears after two seconds, only on a terminal, and leaves nothing behind.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from congresslite.cli.settings import Settings
from congresslite.diagnostics.visible import visible

_PATIENCE = 2.0
_INTERVAL = 0.1


@dataclass(slots=True)
class _Line:
    """The line on the terminal. `due` is when it may be written next."""

    due: float
    written: int = 0

    def tell(self, what: str, done: int, total: int) -> None:
        """Say what is being done and how far it is, now and then."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + _INTERVAL
        share = f" {done:,} of {total:,}" if total else f" {done:,}" if done else ""
        text = f"{visible(what)}{share} …"[:78]
        click.echo("\r" + text.ljust(self.written), err=True, nl=False)
        self.written = max(self.written, len(text))

    def clear(self) -> None:
        """Remove what was written."""
        if self.written:
            click.echo("\r" + " " * self.written + "\r", err=True, nl=False)


@contextmanager
def progress(settings: Settings) -> Iterator[Callable[[str, int, int], None] | None]:
    """What to pass as `progress` to the engine; None where nobody looks."""
    if settings.quiet or not sys.stderr.isatty():
        yield None
        return
    line = _Line(time.monotonic() + _PATIENCE)
    try:
        yield line.tell
    finally:
        line.clear()
