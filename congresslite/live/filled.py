"""
Sources that the engine fills by itself: what it knows of other engines, of actions, of lifecycles, as tables for rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.config.models import SourceSettings
from congresslite.live.feeds import FeedState
from congresslite.live.sources import Source
from congresslite.schema import TableSchema
from congresslite.sources.driver import Deadline, Feed, Pull, Wake, Watch


@dataclass(frozen=True)
class FilledDriver:
    """A driver of tables that nobody pulls."""

    schemas: Mapping[str, TableSchema]
    owners: Mapping[str, str] = field(default_factory=dict)

    @property
    def feeds(self) -> Sequence[Feed]:
        """Each table is a feed of its own."""
        return [Feed(name, (name,)) for name in self.schemas]

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        """Nothing is ever pulled."""
        raise AssertionError(feed)

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> Pull | None:
        """Nothing is ever pulled."""
        raise AssertionError(feed)

    def watch(self, wake: Wake) -> Watch | None:
        """There is nothing to listen to."""
        return None

    def close(self) -> None:
        """There is nothing to give back."""


def filled_source(name: str, driver: FilledDriver, kind: str, lease: float | None = None) -> Source:
    """A source over such a driver. Its tables are current always, or (`lease`) while another engine says so in time."""
    states = {feed.name: FeedState(name, feed, lease, wanted=True) for feed in driver.feeds}
    config = SourceSettings.model_validate({"driver": kind, **({} if lease is None else {"every": lease})})
    return Source(name, config, "engine" if lease is None else "file", driver, states)
