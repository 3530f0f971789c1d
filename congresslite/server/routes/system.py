"""What probes, Prometheus and readers of errors ask for: health, metrics, the document, the pages on codes."""

from __future__ import annotations

import time
from functools import cache
from typing import Protocol

from apiflask import APIFlask
from flask import Response, g

from congresslite import __version__
from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.codes import CODES
from congresslite.live import LiveEstate
from congresslite.live.health import Esc
from congresslite.server.contract import OPEN, Contract, Resource
from congresslite.server.metrics import EstateCollector, Outcomes, Requests, exposition
from congresslite.server.problems import AGAIN, PAGES, ProblemError, known
from congresslite.server.replies import reply
from congresslite.server.schemas.health import EscHealth, Live, Ready
from congresslite.share import share

_METRICS = {"responses": {"200": {"content": {"text/plain": {"schema": {"type": "string"}}}}}}
_PAGE = {"responses": {"200": {"content": {"text/markdown": {"schema": {"type": "string"}}}}}}
_DOCUMENT = {"responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}}}


class Healthy(Protocol):
    """What can say how it is."""

    def ready(self) -> tuple[bool, str]:
        """Whether answers can be given, and if not why."""

    def esc(self) -> Esc:
        """The health of the manager itself."""


def health(host: Healthy, bp: Resource, *, guarded: bool = True) -> None:
    """Add what probes ask for. Why it is not ready is told to those who may see the estate only (`guarded`)."""

    @bp.operation("GET", "/health/live", Contract(OPEN), replies=Live)
    def live() -> Response:
        """Say that the process answers."""
        return reply(Live(status="live"))

    @bp.operation("GET", "/health/ready", Contract(OPEN), replies=Ready)
    def ready() -> Response:
        """Say whether answers can be given."""
        good, why = host.ready()
        if not good:
            hidden = guarded and g.caller is None
            message = "not ready to answer" if hidden or not why else f"not ready to answer: {why}"
            raise ProblemError(503, Diagnostic("CL564", message), AGAIN)
        return reply(Ready(status="ready", version=__version__))

    @bp.operation("GET", "/health/esc", Contract(OPEN), replies=EscHealth)
    def esc() -> Response:
        """Tell the health of the manager in the codes that tools of the field know."""
        found = host.esc()
        hidden = guarded and g.caller is None
        return reply(EscHealth.of(Esc.of(found.code) if hidden else found))


def system(estate: LiveEstate, app: APIFlask, requests: Requests) -> Resource:
    """The operations beside the API."""
    bp = Resource("system", prefix="")
    outcomes = Outcomes(requests)
    health(estate, bp)

    @bp.operation("GET", "/metrics", Contract("viewer", document=_METRICS))
    def metrics() -> Response:
        """Metrics in the text format of Prometheus."""
        outcomes.follow(estate.actions)
        text = exposition(requests, EstateCollector(estate, g.caller, time.time()))
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")

    @cache
    def document() -> Response:
        return Response(app.json.dumps(app.spec), mimetype="application/json")

    @bp.operation("GET", "/openapi.json", Contract(OPEN, document=_DOCUMENT))
    def openapi() -> Response:
        """Read the OpenAPI document."""
        return Response(document().get_data(), mimetype="application/json")

    @bp.operation("GET", f"{PAGES}<code>", Contract(OPEN, document=_PAGE))
    def page(code: str) -> Response:
        """Explain the code of a finding."""
        with known("code", code[:20]):
            CODES[code]
        return Response((share("docs") / "errors" / f"{code}.md").read_text("utf-8"), mimetype="text/markdown")

    return bp
