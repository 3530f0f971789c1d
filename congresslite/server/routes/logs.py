"""The log over REST."""

from __future__ import annotations

from flask import Response

from congresslite.live import LiveEstate
from congresslite.server.contract import Contract, Resource
from congresslite.server.replies import reply
from congresslite.server.schemas.logs import LogLine, LogPage, LogQuery


def logs(estate: LiveEstate) -> Resource:
    """What can be asked of the log. It tells of all tenants, and of who did what: not everybody's to read."""
    bp = Resource("logs")

    @bp.operation("GET", "/logs", Contract("operator"), query=LogQuery, replies=LogPage)
    def listed(query: LogQuery) -> Response:
        """Search the log, the latest line first."""
        found, following = estate.logs(query.wanted(), limit=query.limit, before=query.cursor)
        items = [LogLine.of(each) for each in found]
        return reply(LogPage(items=items, next=None if following is None else str(following)))

    return bp
