"""Stores for the tests: in a file of SQLite's, and in a database of a PostgreSQL server that runs here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from congresslite.store.store import Store
from tests.databases import postgresql, url

__all__ = ["postgresql", "store", "url"]


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store."""
    with Store.open(url) as opened:
        yield opened
