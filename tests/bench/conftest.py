"""The smallest estate that is quoted, with what happens to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from congresslite.bench.changes import write_changes
from congresslite.bench.workload import write_estate

SIZE = 1_000


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an estate of 1,000 machines; nobody writes to it."""
    folder = tmp_path_factory.mktemp("estate")
    write_estate(SIZE, folder)
    write_changes(SIZE, folder)
    return folder
