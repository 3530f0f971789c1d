"""
How many random examples the test of a property tries.

`few` takes seconds and tries the same examples each time, so that a change that has nothing to do with them never
fails. `many` takes minutes, is for the long tests, tries others each time, and says how to see a failure again; the
environment's `EXAMPLES` multiplies how many: `make test-long EXAMPLES=5`. All of hypothesis' health checks hold unless
a test says which of them cannot.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

# What cannot hold of whole programs: they are slow to make, and those that do not pass the checks are left out.
PROGRAMS = [HealthCheck.too_slow, HealthCheck.filter_too_much]
# Nor of histories of them.
HISTORIES = [*PROGRAMS, HealthCheck.data_too_large]

_TIMES = int(os.environ.get("EXAMPLES", "1"))


def few(number: int, **more: Any) -> settings:
    """Settings for this many examples, the same ones each time."""
    return settings(max_examples=number, derandomize=True, database=None, deadline=None, **more)


def many(number: int, **more: Any) -> settings:
    """Settings for this many examples, times `EXAMPLES`, others each time."""
    return settings(max_examples=number * _TIMES, deadline=None, print_blob=True, **more)
