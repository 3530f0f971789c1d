"""Violations of a server, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.cli.client.http import Client, Query, Reply, at
from congresslite.server.schemas.violations import ViolationPage

MOST = 1000  # violations of one page


def pages(client: Client, query: Query, limit: int | None = None) -> Iterator[Reply[ViolationPage]]:
    """Page after page of the violations that are wanted, at most `limit` in all. Raises ServerError."""
    left = limit
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        asked = MOST if left is None else min(left, MOST)
        more = [] if cursor is None else [("cursor", cursor)]
        page = client.get(at("violations"), ViolationPage, [*query, ("limit", str(asked)), *more])
        yield page
        left = None if left is None else left - len(page.body.items)
        cursor = page.body.next
        # A cursor that comes again would lead round for ever.
        if cursor is None or cursor in seen or (left is not None and left <= 0):
            return
        seen.add(cursor)
