"""How current answers are: what every answer says beside what was asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from congresslite.live import NOTHING_NAMED, Caller, LiveEstate, Looked, oldest
from congresslite.server.schemas.common import Stale


@dataclass(frozen=True, slots=True)
class Currency:
    """What cannot be told at the moment, the policies that it is about, and of when the oldest pull is.

    `as_of` is None while something that rules read has not been pulled yet.
    """

    undetermined: list[Stale]
    policies: frozenset[str]
    as_of: float | None

    @staticmethod
    def of(estate: LiveEstate, caller: Caller, looked: Looked = NOTHING_NAMED) -> Currency:
        """How current the estate is now, and what was `looked` at because a question names it.

        Whoever is bound to a tenant is not told why: that may name rows of others.
        """
        undetermined = estate.undetermined(looked)
        if caller.tenant is not None:
            undetermined = tuple(replace(each, why="the source cannot be read") for each in undetermined)
        feeds = [feed for source in estate.sources() for feed in source.feeds if feed.pulled and feed.health != "lazy"]
        return Currency(
            [Stale.of(each) for each in undetermined],
            frozenset(policy for each in undetermined for policy in each.policies),
            # What is only pushed to is always current.
            oldest([*(feed.last_success for feed in feeds), *looked.ages]),
        )
