"""Waivers over REST, the audit, and who is asking."""

from __future__ import annotations

import time

from flask import Response, g

from congresslite.live import LiveEstate
from congresslite.policy.waivers import holds
from congresslite.server.audit import audit_target
from congresslite.server.contract import READ, Contract, Resource
from congresslite.server.problems import known
from congresslite.server.replies import nothing, reply
from congresslite.server.schemas.waivers import (
    AuditEntry,
    AuditPage,
    AuditQuery,
    Waiver,
    WaiverIn,
    WaiverList,
    Whoami,
)
from congresslite.store.records import WaiverRecord


def waivers(estate: LiveEstate) -> Resource:
    """The operations on waivers."""
    bp = Resource("waivers")

    def shown(record: WaiverRecord) -> Waiver:
        return Waiver.of(record, holds=holds(record, time.time()))

    @bp.operation("GET", "/waivers", Contract("viewer"), replies=WaiverList)
    def listed() -> Response:
        """List the waivers, those that lapsed too."""
        return reply(WaiverList(items=[shown(each) for each in estate.waivers()], next=None))

    @bp.operation(
        "POST", "/waivers", Contract("operator", action="waiver.add"), body=WaiverIn, replies=Waiver, status=201
    )
    def add(body: WaiverIn) -> Response:
        """Accept violations for a time."""
        granted = estate.add_waiver(g.caller, body.record())
        audit_target(granted.id)
        return reply(shown(granted), 201)

    @bp.operation("DELETE", "/waivers/<id>", Contract("operator", action="waiver.remove"), status=204)
    def remove(id: str) -> Response:
        """Revoke a waiver."""
        with known("waiver", id):
            estate.remove_waiver(g.caller, id)
        return nothing()

    return bp


def audit(estate: LiveEstate) -> Resource:
    """Who changed what, and who is asking."""
    bp = Resource("audit")

    @bp.operation("GET", "/audit", Contract("admin"), query=AuditQuery, replies=AuditPage)
    def listed(query: AuditQuery) -> Response:
        """List what was changed, the latest first."""
        # One more than is shown says whether there is a next page.
        found = estate.audits(limit=query.limit + 1, before=query.cursor)
        items = [AuditEntry.of(each) for each in found[: query.limit]]
        following = str(items[-1].seq) if len(found) > query.limit else None
        return reply(AuditPage(items=items, next=following))

    @bp.operation("GET", "/whoami", READ, replies=Whoami)
    def whoami() -> Response:
        """Say who is asking, and what they may do."""
        caller = g.caller
        return reply(Whoami(name=caller.name, role=caller.role, tenant=caller.tenant, address=caller.address))

    return bp
