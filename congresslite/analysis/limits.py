"""The blast-radius limit: how much of the estate one change may act upon at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaxAffected:
    """At most so many objects (`amount`), and at most this share of those of their kind (`percent`, 0 to 100)."""

    amount: int | None = 100
    percent: float | None = 10.0

    def limit(self, of: int | None) -> int | None:
        """The most objects that may be acted upon, of so many; None for no limit. A share is never below one object."""
        bounds = [] if self.amount is None else [self.amount]
        if self.percent is not None and of is not None:
            bounds.append(max(1, int(of * self.percent / 100)))
        return min(bounds, default=None)


def exceeds(many: int, most: int | None) -> bool:
    """Whether so many objects are more than a limit allows (None: there is none)."""
    return most is not None and many > most
