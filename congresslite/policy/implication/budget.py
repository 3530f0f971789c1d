"""A budget of steps: a proof that costs too much is no proof, and the same rules always cost the same."""

from __future__ import annotations

# What one question may cost: some 50 ms, whatever somebody has written.
STEPS = 12_000


class Exhausted(Exception):  # noqa: N818 - no error: whoever asked is told "not proven"
    """The budget is spent."""


class Budget:
    """Steps that are left. They are counted, not timed, so that an answer depends on the rules alone."""

    __slots__ = ("left",)

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps. Raises Exhausted once there are none left."""
        self.left -= steps
        if self.left < 0:
            raise Exhausted
