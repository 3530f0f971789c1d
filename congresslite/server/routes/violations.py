"""Violations over REST: pages of them, one with its proof and history, counts, and a stream of changes."""

from __future__ import annotations

import re
from dataclasses import replace

from flask import Response, g, request

from congresslite.diagnostics import Diagnostic
from congresslite.live import LiveEstate
from congresslite.schema.times import stamp_or_none
from congresslite.server import events
from congresslite.server.contract import READ, Resource
from congresslite.server.current import Currency
from congresslite.server.problems import ProblemError, known
from congresslite.server.replies import reply
from congresslite.server.routes.names import checked_id
from congresslite.server.routes.tiers import explained_below, told_by, violations_told
from congresslite.server.schemas.violations import (
    Count,
    Counts,
    CountsQuery,
    Episode,
    Violation,
    ViolationDetail,
    ViolationDetailQuery,
    ViolationPage,
    ViolationQuery,
    WatchQuery,
)

_WATCH = {
    "parameters": [
        {
            "in": "header",
            "name": "Last-Event-ID",
            "required": False,
            "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
            "description": "The last event that is known; browsers send it when they connect again.",
        }
    ],
    "responses": {
        "200": {
            "description": "Events as they happen: `violations`, `reload` (too much changed: list anew), `sources`",
            "content": {events.MEDIA_TYPE: {"schema": {"type": "string"}}},
        }
    },
}


def violations(estate: LiveEstate, streams: events.Streams) -> Resource:
    """The operations on violations."""
    bp = Resource("violations")

    @bp.operation("GET", "/violations", READ, query=ViolationQuery, replies=ViolationPage, fails=(404,))
    def listed(query: ViolationQuery) -> Response:
        """List violations."""
        now = Currency.of(estate, g.caller)
        wanted = query.filter(now.policies)
        items: list[Violation] = []
        following, undetermined = None, now.undetermined
        if query.tier is not None or query.engine is not None:
            told = violations_told(estate, g.caller, query, now)
            items, following, undetermined = told.items, told.next, [*undetermined, *told.undetermined]
        else:
            page = estate.violations(g.caller, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
            items = [Violation.of(each, estate.current(each.rule.tables), now.policies) for each in page.items]
            following = page.next
        return reply(
            ViolationPage(
                items=items, next=following, undetermined=undetermined, as_of=stamp_or_none(now.as_of)
            )
        )  # fmt: skip

    @bp.operation(
        "GET", "/violations/<id>", READ, query=ViolationDetailQuery, replies=ViolationDetail, fails=(504,)
    )  # fmt: skip
    def read(id: str, query: ViolationDetailQuery) -> Response:
        """Read a violation with its history, and perhaps its proof."""
        now = Currency.of(estate, g.caller)
        with known("violation", id[:100]):
            if query.engine is not None:
                return reply(_of_below(estate, now, query.engine, checked_id(id), explain=query.explain))
            episodes = estate.violation(g.caller, checked_id(id))
            proof = estate.explain(g.caller, id) if query.explain else None
        return reply(
            ViolationDetail(
                violation=Violation.of(episodes[0], estate.current(episodes[0].rule.tables), now.policies),
                episodes=[Episode.of(each) for each in episodes],
                explanation=None if proof is None else dict(proof),
                undetermined=now.undetermined,
                as_of=stamp_or_none(now.as_of),
            )
        )

    @bp.operation("GET", "/violations:counts", READ, query=CountsQuery, replies=Counts)
    def counts(query: CountsQuery) -> Response:
        """Count the violations by rule and point of presence."""
        now = Currency.of(estate, g.caller)
        items = [Count.of(each) for each in estate.counts(g.caller)]
        return reply(Counts(items=items, next=None, undetermined=now.undetermined, as_of=stamp_or_none(now.as_of)))

    @bp.operation("GET", "/violations:watch", replace(READ, document=_WATCH), query=WatchQuery)
    def watch(query: WatchQuery) -> Response:
        """Be told of changes as they happen, by server-sent events."""
        return streams.open(g.caller, _last_event(query))

    return bp


def _of_below(estate: LiveEstate, now: Currency, engine: str, id: str, *, explain: bool) -> ViolationDetail:
    """A violation of an engine below, and perhaps its proof, for which that engine is asked. Raises KeyError."""
    document = next((each for each in told_by(estate, g.caller, now, None, engine) if each["id"] == id), None)
    if document is None:
        raise KeyError(id)
    told = (explained_below(estate, g.caller, engine, id) if explain else None) or {}
    proof, sides = told.get("proof"), told.get("sides")
    found = Violation.below(document)
    episode = Episode(
        first_seen=found.first_seen,
        resolved_at=None,
        resolved_by=None,
        state="open",
        waiver=None,
        message=found.message,
    )
    return ViolationDetail(
        violation=found,
        episodes=[episode],
        explanation=None if proof is None else dict(proof),
        explanations=None if sides is None else [None if each is None else dict(each) for each in sides],
        undetermined=now.undetermined,
        as_of=stamp_or_none(now.as_of),
    )


def _last_event(query: WatchQuery) -> int | None:
    given = request.headers.get("Last-Event-ID")
    if not given:
        return query.after
    if not re.fullmatch(r"[0-9]{1,18}", given, re.ASCII):
        raise ProblemError(422, Diagnostic("CL550", "the last event is no number", place="header.Last-Event-ID"))
    return int(given)
