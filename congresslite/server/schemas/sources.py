"""Sources: how current they are, how they are set up, and what is pushed into them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from congresslite.live import FeedStatus, Health, Pushed, SourceStatus
from congresslite.schema.times import stamp_or_none
from congresslite.server.schemas.common import Finding, Name, Strict, Time, findings_of
from congresslite.server.schemas.tables import Table

MOST_PUSHED = 100_000
PushedRow = dict[Annotated[str, Field(min_length=1, max_length=200)], Any]


class Feed(Strict):
    """How current the tables of a feed are; `findings` say why they are not."""

    name: str
    tables: list[str]
    health: Health
    last_success: Time | None
    last_attempt: Time | None
    since: Time | None
    next_pull: Time | None
    findings: list[Finding]

    @classmethod
    def of(cls, status: FeedStatus) -> Feed:
        """A feed as it is sent."""
        return cls(
            name=status.name,
            tables=list(status.tables),
            health=status.health,
            last_success=stamp_or_none(status.last_success),
            last_attempt=stamp_or_none(status.last_attempt),
            since=stamp_or_none(status.since),
            next_pull=stamp_or_none(status.next_pull),
            findings=findings_of(status.findings),
        )


class Source(Strict):
    """A source. `watching`: it tells of changes by itself, and `watch_fault` says why it does not at the moment."""

    name: str
    driver: str
    managed: Literal["file", "api"]
    health: Health
    feeds: list[Feed]
    watching: bool
    watch_fault: str | None

    @classmethod
    def of(cls, status: SourceStatus) -> Source:
        """A source as it is sent."""
        return cls(**_common(status))


class SourceDetail(Source):
    """A source with its settings, secrets masked; they are null for whoever may not change sources."""

    etag: str
    settings: dict[str, Any] | None

    @classmethod
    def detailed(cls, status: SourceStatus, etag: str, settings: dict[str, Any] | None) -> SourceDetail:
        """A source with what its owner wants to see."""
        return cls(**_common(status), etag=etag, settings=settings)


def _common(status: SourceStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "driver": status.driver,
        "managed": status.managed,
        "health": status.health,
        "feeds": [Feed.of(feed) for feed in status.feeds],
        "watching": status.watching,
        "watch_fault": status.watch_fault,
    }


class SourceList(Strict):
    """Sources by name."""

    items: list[Source]
    next: None


class SourceIn(Strict):
    """The settings of a source, as they would stand under its name in the configuration."""

    settings: dict[Annotated[str, Field(min_length=1, max_length=200)], Any] = Field(max_length=200)


class NewSource(SourceIn):
    """A source that is to be added."""

    name: Name


class RefreshIn(Strict):
    """What to pull; with `accept_empty`, what was not taken because it would empty a table or a column is taken."""

    feed: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    accept_empty: bool = False


class SourceSchema(Strict):
    """The tables of a source, with their columns."""

    items: list[Table]
    next: None


class Changes(Strict):
    """Rows that come, in place of those with the same keys, and rows that go (their keys are enough)."""

    upsert: list[PushedRow] = Field(default_factory=list, max_length=MOST_PUSHED)
    delete: list[PushedRow] = Field(default_factory=list, max_length=MOST_PUSHED)


class PushedOut(Strict):
    """What became of pushed rows; they are durable and applied."""

    inserted: int
    deleted: int
    unchanged: int

    @classmethod
    def of(cls, pushed: Pushed) -> PushedOut:
        """A receipt as it is sent."""
        return cls(inserted=pushed.inserted, deleted=pushed.deleted, unchanged=pushed.unchanged)
