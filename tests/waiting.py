"""Waiting for what is to come, and what a test says of a component that is not there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Literal, TypeVar

import pytest

Found = TypeVar("Found")


def missing(reason: str) -> None:
    """Skip the test, or fail it where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def until(look: Callable[[], Found | Literal[False] | None], seconds: float = 30.0) -> Found:
    """What a look gives as soon as it is true. Fails if that takes too long, with what was seen last."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:g} s; the last that was seen: {found!r}")
        time.sleep(0.02)
    return found
