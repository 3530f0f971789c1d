"""
Looking: whoever asks about a table that no rule reads sees what its source says now.

Sources are lazy: what no rule reads is not pulled. A question, a proposed policy or a simulation that names such a
table would be answered from nothing, or from rows of long ago. The rule to keep: what somebody names is pulled first,
unless it is as young as `every` says; and what cannot be had is told as undetermined, never taken for empty.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from congresslite.diagnostics import SourceError
from congresslite.live.feeds import FeedState
from congresslite.live.runner import Runner
from congresslite.live.sources import Sources
from congresslite.live.values import NOT_PULLED, FeedStatus, Looked, Undetermined


class Looking:
    """Pulls what is looked at. Whoever calls does not hold the core's lock, since a pull takes it."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def named(self, texts: Iterable[str], *, bare: bool = False) -> frozenset[str]:
        """The tables of sources that occur in texts of the language; with `bare`, also without their source's name.

        One too many is pulled for nothing, and does no harm.
        """
        whole = "\n".join(texts)
        tables = (table for source in self._sources.values() for table in source.schemas)
        return frozenset(each for each in tables if each in whole or (bare and each.partition(":")[2] in whole))

    def look(self, tables: frozenset[str]) -> Looked:
        """Pull of these tables what nobody reads, and wait for it; what is not current of any of them."""
        feeds = list(self._feeds(tables))
        self._pull([(runner, state) for runner, state in feeds if runner is not None and _due(state)])
        statuses = [(state.source, state.status()) for _, state in feeds]
        missing = tuple(undetermined(source, each) for source, each in statuses if not _is_current(each))
        return Looked(missing, tuple(each.last_success for _, each in statuses if each.pulled))

    def _feeds(self, tables: frozenset[str]) -> Iterator[tuple[Runner | None, FeedState]]:
        """The feeds of these tables, with whoever pulls them; nobody does where others fill a table."""
        for source in self._sources.values():
            for state in source.feeds.values():
                if not tables.isdisjoint(state.tables):
                    yield source.runner, state

    def _pull(self, due: list[tuple[Runner, FeedState]]) -> None:
        """Pull feeds, those of different sources at the same time; what goes wrong stands in their states."""

        def pull(each: tuple[Runner, FeedState]) -> None:
            runner, state = each
            with suppress(SourceError):
                runner.refresh(state.feed.name)

        if due:
            with ThreadPoolExecutor(len(due)) as pool:
                list(pool.map(pull, due))


def undetermined(source: str, status: FeedStatus, policies: Iterable[str] = ()) -> Undetermined:
    """A feed that is not current, as it is told: why, since when, and of which policies."""
    why = "; ".join(each.message for each in status.findings) or NOT_PULLED
    return Undetermined(
        source,
        status.name,
        status.health,
        status.since,
        status.last_success,
        why,
        status.tables,
        tuple(policies),
    )


def _due(state: FeedState) -> bool:
    """Whether no rule has a feed pulled, and what is held of it is too old, or its last failure long enough ago."""
    return not state.wanted and (state.next_pull is None or state.next_pull <= time.time())


def _is_current(status: FeedStatus) -> bool:
    """Whether a feed's rows may be relied upon. One that nobody reads was pulled a moment ago, or never could be."""
    return status.health == "fresh" or (status.health == "lazy" and status.last_success is not None)
