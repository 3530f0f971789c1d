"""
The application: routes over one running estate, behind one guard.

Made by a function, so that a test or another program can have as many as it
wants; nothing is kept in modules.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from apiflask import APIFlask
from flask import g, redirect, request, url_for

from congresslite import __version__
from congresslite.config.models import Config
from congresslite.live import Caller, LiveEstate
from congresslite.server.audit import install_audit
from congresslite.server.auth import Authenticator
from congresslite.server.console.blueprint import AUDITED, console_blueprint
from congresslite.server.contract import OPEN, Contract, check_contracts, declare
from congresslite.server.events import Streams
from congresslite.server.guard import Guard
from congresslite.server.metrics import Requests
from congresslite.server.openapi import finish
from congresslite.server.problems import register_problems
from congresslite.server.routes.actions import actions
from congresslite.server.routes.checks import checks
from congresslite.server.routes.conflicts import conflicts
from congresslite.server.routes.logs import logs
from congresslite.server.routes.policies import policies
from congresslite.server.routes.push import push
from congresslite.server.routes.simulate import simulations
from congresslite.server.routes.sources import sources
from congresslite.server.routes.system import system
from congresslite.server.routes.tables import queries, tables
from congresslite.server.routes.tiers import tiers
from congresslite.server.routes.violations import violations
from congresslite.server.routes.waivers import audit, waivers
from congresslite.server.tracing import Tracing

_SETTINGS = {
    "OPENAPI_VERSION": "3.1.0",
    # The document must not depend on who asks for it, and says errors as our contracts know them.
    "AUTO_SERVERS": False,
    "AUTO_200_RESPONSE": False,
    "AUTO_404_RESPONSE": False,
    "AUTO_VALIDATION_ERROR_RESPONSE": False,
    "AUTO_AUTH_ERROR_RESPONSE": False,
    "MAX_FORM_PARTS": 0,
}


def bare_app(config: Config) -> APIFlask:
    """An application without routes."""
    app = APIFlask(
        "congresslite.server",
        title="congresslite",
        version=__version__,
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # none at all; the framework's types do not know of it
    )
    app.config.from_mapping(_SETTINGS, MAX_CONTENT_LENGTH=config.server.body_limit)
    app.url_map.strict_slashes = True
    app.description = "Policies over the tables of a network-function estate, and what violates them."
    return app


def create_app(estate: LiveEstate, config: Config) -> APIFlask:
    """The REST API of an estate. Raises TypeError if a route says no role."""
    app = bare_app(config)
    requests = Requests()
    authenticator = Authenticator(config)
    Tracing(requests).install(app)
    Guard(config, authenticator).install(app)
    install_audit(app, estate)
    register_problems(app)
    streams = Streams(estate)
    for resource in (
        policies(estate),
        checks(estate),
        simulations(estate),
        conflicts(estate),
        violations(estate, streams),
        actions(estate),
        tiers(estate),
        tables(estate),
        queries(estate),
        sources(estate),
        push(estate),
        waivers(estate),
        audit(estate),
        logs(estate),
        system(estate, app, requests),
    ):
        app.register_blueprint(resource)
    if config.console.enabled:
        _add_console(app, estate, authenticator)

    @app.spec_processor
    def finished(document: Any) -> Any:
        return finish(document, app)

    check_contracts(app)
    return app


def _add_console(app: APIFlask, estate: LiveEstate, authenticator: Authenticator) -> None:
    """Serve the console too, which lets people in by sessions of its own."""

    def authenticate(token: str) -> Caller:
        return replace(authenticator.by_token(token, request.remote_addr or ""), request=g.get("trace_id", ""))

    console = console_blueprint(estate, authenticate if authenticator.required else None)
    console.enable_openapi = False  # type: ignore[attr-defined]  # the framework asks every blueprint for it
    app.register_blueprint(console)
    front = app.doc(hide=True)(lambda: redirect(url_for("console.overview"), 303))
    app.add_url_rule("/", "front", front)
    for endpoint in app.view_functions:
        if endpoint == "front" or endpoint.startswith("console."):
            # The console's own door keeps its addresses closed; to the guard they are open.
            declare(app, endpoint, Contract(OPEN, action=AUDITED.get(endpoint.removeprefix("console."))))
