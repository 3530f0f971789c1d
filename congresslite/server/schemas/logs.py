"""Lines of the log: which are wanted, and what is told of each."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from congresslite.schema.times import stamp
from congresslite.server.schemas.common import Limit, Moment, Strict, Text, Time
from congresslite.store.records import LogFilter, LogRecord

Level = Literal["debug", "info", "warning", "error", "critical"]
Tag = Annotated[str, StringConstraints(min_length=2, max_length=1000, pattern=r"^[^:]+:")]
Category = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LogQuery(Strict):
    """Which lines are wanted: of any of these categories, and with all of these tags."""

    category: list[Category] = Field(
        default_factory=list, max_length=100, description="This category, or one below it (`a` has `a.b`)."
    )
    tag: list[Tag] = Field(default_factory=list, max_length=100, description="As `key:value`, like `object:vm1`.")
    level: Level = Field(default="debug", description="At least so grave.")
    text: Text | None = Field(default=None, description="Occurs in the message.")
    since: Moment | None = Field(default=None, description="Told at this time or later.")
    until: Moment | None = Field(default=None, description="Told before this time.")
    limit: Limit = 100
    cursor: int | None = Field(default=None, ge=1, le=2**62, description="`next` of the page before.")

    def wanted(self) -> LogFilter:
        """The same as the store takes it."""
        tags = [each.split(":", 1) for each in self.tag]
        return LogFilter(
            categories=self.category,
            tags=[(key, value) for key, value in tags],
            level=logging.getLevelNamesMapping()[self.level.upper()],
            text=self.text,
            since=None if self.since is None else self.since.timestamp(),
            until=None if self.until is None else self.until.timestamp(),
        )


class LogLine(Strict):
    """A line of the log. `tags` are what it is about: an object, a policy, the key of an action."""

    seq: int
    at: Time
    level: Level
    category: str
    message: str
    tags: dict[str, str]

    @classmethod
    def of(cls, record: LogRecord) -> LogLine:
        """A line as it is sent."""
        return cls(
            seq=record.seq,
            at=stamp(record.at),
            level=_level(record.level),
            category=record.category,
            message=record.message,
            tags=record.tags,
        )


class LogPage(Strict):
    """A page of the log, the latest line first."""

    items: list[LogLine]
    next: str | None


def _level(number: int) -> Level:
    """The gravest level that a number reaches."""
    for level, least in _LEVELS:
        if number >= least:
            return level
    return "debug"


_LEVELS: tuple[tuple[Level, int], ...] = (
    ("critical", logging.CRITICAL),
    ("error", logging.ERROR),
    ("warning", logging.WARNING),
    ("info", logging.INFO),
)
