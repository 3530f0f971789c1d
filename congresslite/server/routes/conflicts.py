"""Conflicts over REST: pages of them, and one with both proofs and its history."""

from __future__ import annotations

from flask import Response, g

from congresslite.live import LiveEstate
from congresslite.policy.conflicts import POLICY
from congresslite.schema.times import stamp_or_none
from congresslite.server.contract import READ, Resource
from congresslite.server.current import Currency
from congresslite.server.problems import known
from congresslite.server.replies import reply
from congresslite.server.routes.names import checked_id
from congresslite.server.schemas.conflicts import Conflict, ConflictDetail, ConflictPage
from congresslite.server.schemas.violations import Episode, HistoryQuery, ViolationDetailQuery


def conflicts(estate: LiveEstate) -> Resource:
    """The operations on conflicts."""
    bp = Resource("conflicts")

    @bp.operation("GET", "/conflicts", READ, query=HistoryQuery, replies=ConflictPage)
    def listed(query: HistoryQuery) -> Response:
        """List conflicts."""
        now = Currency.of(estate, g.caller)
        wanted = query.wanted(now.policies)
        page = estate.conflicts(g.caller, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
        items = [
            Conflict.of(each, estate.conflict(each), estate.current(each.rule.tables), now.policies)
            for each in page.items
        ]
        following = page.next
        return reply(
            ConflictPage(
                items=items, next=following, undetermined=now.undetermined, as_of=stamp_or_none(now.as_of)
            )
        )  # fmt: skip

    @bp.operation("GET", "/conflicts/<id>", READ, query=ViolationDetailQuery, replies=ConflictDetail)
    def read(id: str, query: ViolationDetailQuery) -> Response:
        """Read a conflict with its history, and perhaps the proofs of both sides."""
        now = Currency.of(estate, g.caller)
        with known("conflict", id[:100]):
            episodes = estate.violation(g.caller, checked_id(id))
            if episodes[0].rule.policy != POLICY:
                raise KeyError(id)
            proofs = estate.explain_sides(g.caller, id) if query.explain else None
        return reply(
            ConflictDetail(
                conflict=Conflict.of(
                    episodes[0], estate.conflict(episodes[0]), estate.current(episodes[0].rule.tables), now.policies
                ),
                episodes=[Episode.of(each) for each in episodes],
                explanations=None if proofs is None else [None if each is None else dict(each) for each in proofs],
                undetermined=now.undetermined,
                as_of=stamp_or_none(now.as_of),
            )
        )

    return bp
