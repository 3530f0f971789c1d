"""
Exit codes: what scripts rely on, the same for every command and whatever the format.

FAILED goes before BLOCKING: whoever could not look has not found anything.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    CLEAN = 0
    BLOCKING = 1  # an error in a policy, an `error` row of a policy that is not in dry run, a failed test
    FAILED = 2  # usage, configuration, a source, an evaluation that was stopped, or an error of our own
    UNDETERMINED = 3  # a source of a server is stale or out of reach, and nothing that is known blocks
    INTERRUPTED = 130
