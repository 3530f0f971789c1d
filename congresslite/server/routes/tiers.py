"""Tiers over REST: the engine's place among others, and what engines below say of their violations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from congresslite.diagnostics import Diagnostic
from congresslite.federation.asking import NoAnswerError
from congresslite.language.annotations import SEVERITIES
from congresslite.live import Caller, LiveEstate, NotYoursError
from congresslite.live.tiers import Tiers as LiveTiers
from congresslite.server.contract import Contract, Resource
from congresslite.server.current import Currency
from congresslite.server.problems import ProblemError
from congresslite.server.replies import reply
from congresslite.server.schemas.common import Stale
from congresslite.server.schemas.tiers import Tiers
from congresslite.server.schemas.violations import Violation, ViolationQuery


def tiers(estate: LiveEstate) -> Resource:
    """The operations on tiers."""
    bp = Resource("tiers")

    @bp.operation("GET", "/tiers", Contract("viewer"), replies=Tiers, fails=(404,))
    def read() -> Response:
        """Say where this engine stands among others: its parent, its children, and what became of policies."""
        return reply(Tiers.of(placed(estate).standing()))

    return bp


def placed(estate: LiveEstate) -> LiveTiers:
    """The engine's place among others. Raises ProblemError if it stands alone."""
    if estate.tiers is None:
        hint = "write `tier` into its configuration"
        raise ProblemError(404, Diagnostic("CL554", "this engine stands alone: it has no tier", hint=hint))
    return estate.tiers


@dataclass(frozen=True, slots=True)
class Told:
    """A page of what engines say of their violations, where the next one begins, and what of it is not current."""

    items: list[Violation]
    next: str | None
    undetermined: list[Stale]


def violations_told(estate: LiveEstate, caller: Caller, query: ViolationQuery, now: Currency) -> Told:
    """Those of the violations of a tier or of an engine which are wanted. Raises ProblemError for one not known."""
    tiers = placed(estate)
    _must_be_known(tiers, query)
    every = told_by(estate, caller, now, query.tier, query.engine)
    mine = [each for each in every if query.takes(each)]
    key = query.sort.removeprefix("-")
    mine.sort(key=lambda each: str(each["id"]))
    mine.sort(key=lambda each: _order(each, key), reverse=query.sort.startswith("-"))
    start = int(query.cursor) if query.cursor is not None and query.cursor.isdecimal() else 0
    following = start + query.limit
    page = [Violation.below(each) for each in mine[start:following]]
    stale = [Stale.below(each, sorted({one["policy"] for one in every if each.about(one)}), why=caller.tenant is None)
             for each in tiers.unsure(query.tier, query.engine)]  # fmt: skip
    return Told(page, str(following) if following < len(mine) else None, stale)


def told_by(
    estate: LiveEstate, caller: Caller, now: Currency, tier: str | None, engine: str | None
) -> list[dict[str, Any]]:
    """The violations and conflicts of a tier or of an engine that the caller may see."""
    return [{"undetermined": each["policy"] in now.policies, **each}
            for each in placed(estate).violations(tier, engine) if caller.tenant in (None, each["tenant"])]  # fmt: skip


def _must_be_known(tiers: LiveTiers, query: ViolationQuery) -> None:
    """Raise ProblemError for a tier of which there can be no engine here, or an engine that nobody has heard of."""
    place = tiers.tier
    for what, named, there in (
        ("tier", query.tier, (place.level, *place.below)),
        ("engine", query.engine, tiers.engines()),
    ):
        if named is not None and named not in there:
            message = f"no {what} `{named}` is known here"
            hint = f"there {'is' if len(there) == 1 else 'are'} {', '.join(there)}"
            raise ProblemError(422, Diagnostic("CL550", message, None, hint, place=f"query.{what}"))


def explained_below(estate: LiveEstate, caller: Caller, engine: str, id: str) -> Mapping[str, Any] | None:
    """The proof of a violation of an engine below. Raises KeyError, NotYoursError, ProblemError if nobody answers."""
    if caller.tenant is not None:
        raise NotYoursError("the proofs of other engines range over the objects of all tenants")
    try:
        return placed(estate).explain_below(engine, id)
    except NoAnswerError as silent:
        raise ProblemError(504, silent.diagnostics) from None


def _order(each: Mapping[str, Any], key: str) -> tuple[bool, str]:
    value = each.get(key)
    if key == "severity":
        return False, str(SEVERITIES.index(value)) if value in SEVERITIES else ""
    return value is None, str(value)
