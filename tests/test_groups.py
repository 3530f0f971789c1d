"""The tests themselves: what has to run on one worker does."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("of its own")
def test_groups_are_kept_together(request: pytest.FixtureRequest) -> None:
    """Tests of a group run on one worker, which versions of pytest and pytest-xdist that do not fit forget silently."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("tests are not run side by side")
    assert request.node.nodeid.endswith("@of its own")
