"""How the pulls of each feed went, so that a restart knows how old is what it still has."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import select

from congresslite.store.database import Database
from congresslite.store.records import FeedRecord
from congresslite.store.tables import FEEDS
from congresslite.store.upsert import upsert


class Feeds:
    """The feeds of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, feeds: Sequence[FeedRecord]) -> None:
        """Write how pulls went."""
        values = [
            {
                "source": each.source,
                "feed": each.feed,
                "last_success": each.last_success,
                "last_attempt": each.last_attempt,
                "stale_since": each.stale_since,
                "error": json.dumps(each.error),
            }
            for each in feeds
        ]
        if values:
            with self._database.write() as connection:
                upsert(connection, FEEDS, values)

    def all(self) -> tuple[FeedRecord, ...]:
        """The feeds, by source and name."""
        with self._database.read() as connection:
            rows = connection.execute(select(FEEDS)).all()
        found = (
            FeedRecord(
                row.source, row.feed, row.last_success, row.last_attempt, row.stale_since, tuple(json.loads(row.error))
            )
            for row in rows
        )
        return tuple(sorted(found, key=lambda feed: (feed.source, feed.feed)))
