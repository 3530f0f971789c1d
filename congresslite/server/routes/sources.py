"""Sources over REST: how current they are, setting them up, pulling now."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from congresslite.diagnostics import SourceError
from congresslite.live import LiveEstate, SourceStatus
from congresslite.server.audit import audit_target
from congresslite.server.contract import Contract, Resource, allows
from congresslite.server.problems import known, respond
from congresslite.server.replies import exchanging, expected, nothing, reply
from congresslite.server.routes.names import ETAG, IF_MATCH, checked_name
from congresslite.server.schemas.sources import (
    NewSource,
    RefreshIn,
    Source,
    SourceDetail,
    SourceIn,
    SourceList,
    SourceSchema,
)
from congresslite.server.schemas.tables import Table


def sources(estate: LiveEstate) -> Resource:
    """The operations on sources."""
    bp = Resource("sources")

    def status(name: str) -> SourceStatus:
        """How a source is. Raises KeyError."""
        return {each.name: each for each in estate.sources()}[name]

    def etag(name: str) -> str | None:
        try:
            return estate.source_settings(name)[1]
        except KeyError:
            return None

    def detail(name: str, code: int = 200, location: str | None = None) -> Response:
        settings, version = estate.source_settings(name)
        shown: dict[str, Any] | None = dict(settings) if allows(g.caller.role, "admin") else None
        return reply(
            SourceDetail.detailed(status(name), version, shown), code, etag=version, location=location
        )  # fmt: skip

    def put(name: str, settings: dict[str, Any]) -> Response:
        what = f"the source `{checked_name(name)}`"
        audit_target(name)
        given = expected(etag(name), what)
        with exchanging(given, lambda: etag(name), what):
            estate.put_source(g.caller, name, settings, given)
        if given is None:
            return detail(name, 201, f"/v1/sources/{name}")
        return detail(name)

    @bp.operation("GET", "/sources", Contract("viewer"), replies=SourceList)
    def listed() -> Response:
        """List the sources, and how current they are."""
        return reply(SourceList(items=[Source.of(each) for each in estate.sources()], next=None))

    @bp.operation(
        "POST", "/sources", Contract("admin", action="source.put", document=IF_MATCH),
        body=NewSource, replies=SourceDetail, status=201, fails=(409, 412, 428),
    )  # fmt: skip
    def add(body: NewSource) -> Response:
        """Add a source."""
        return put(body.name, body.settings)

    @bp.operation("GET", "/sources/<name>", Contract("viewer", document=ETAG), replies=SourceDetail, fails=(304,))
    def read(name: str) -> Response:
        """Read how a source is, and for an administrator how it is set up."""
        with known("source", name):
            return detail(name)

    @bp.operation(
        "PUT", "/sources/<name>", Contract("admin", action="source.put", document=IF_MATCH),
        body=SourceIn, replies=SourceDetail, fails=(201, 409, 412, 428),
    )  # fmt: skip
    def replace(name: str, body: SourceIn) -> Response:
        """Add a source, or replace the version that `If-Match` names."""
        return put(name, body.settings)

    @bp.operation(
        "DELETE", "/sources/<name>", Contract("admin", action="source.remove", document=IF_MATCH),
        status=204, fails=(409, 412, 422, 428),
    )  # fmt: skip
    def remove(name: str) -> Response:
        """Remove a source; policies that read its tables must go first."""
        what = f"the source `{name}`"
        with known("source", name):
            given = expected(estate.source_settings(name)[1], what)
            assert given is not None
            with exchanging(given, lambda: etag(name), what):
                estate.remove_source(g.caller, name, given)
        return nothing()

    @bp.operation(
        "POST", "/sources/<string:name>:refresh", Contract("operator", action="source.refresh", body_optional=True),
        body=RefreshIn, replies=Source, fails=(502,),
    )  # fmt: skip
    def refresh(name: str, body: RefreshIn) -> Response:
        """Pull now, and wait for it."""
        with known("source", name if body.feed is None else f"{name}/{body.feed}"):
            try:
                estate.refresh(g.caller, name, feed=body.feed, accept_empty=body.accept_empty)
            except SourceError as error:
                return respond(502, error.diagnostics)
            return reply(Source.of(status(name)))

    @bp.operation("GET", "/sources/<name>/schema", Contract("viewer"), replies=SourceSchema)
    def schema(name: str) -> Response:
        """Read the tables of a source with their columns."""
        with known("source", name):
            status(name)
        own = [each for each in estate.tables(g.caller) if not each.derived]
        items = [Table.of(each) for each in own if each.schema.name.startswith(f"{name}:")]
        return reply(SourceSchema(items=items, next=None))

    return bp
