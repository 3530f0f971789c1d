"""
What a process answers that stands by: how it is, and to everything else that another one leads.

It has no estate yet, so there is nothing to be seen but that it is there, and
who leads.
"""

from __future__ import annotations

from apiflask import APIFlask
from flask import request

from congresslite.config.models import Config
from congresslite.diagnostics import Diagnostic
from congresslite.live.standby import Standby
from congresslite.server.app import bare_app
from congresslite.server.auth import Authenticator
from congresslite.server.contract import Resource, check_contracts
from congresslite.server.guard import Guard
from congresslite.server.metrics import Requests
from congresslite.server.problems import AGAIN, ProblemError, register_problems
from congresslite.server.routes.system import health
from congresslite.server.tracing import Tracing


def create_standby_app(standby: Standby, config: Config) -> APIFlask:
    """The application of a process that stands by."""
    app = bare_app(config)
    Tracing(Requests()).install(app)
    Guard(config, Authenticator(config)).install(app)
    register_problems(app)

    def elsewhere() -> None:
        if request.url_rule is None:
            message = f"this process does not answer: {standby.ready()[1]}"
            hint = "ask the one that leads"
            raise ProblemError(503, Diagnostic("CL653", message, None, hint), AGAIN)

    app.before_request(elsewhere)
    resource = Resource("system", prefix="")
    health(standby, resource, guarded=False)
    app.register_blueprint(resource)
    check_contracts(app)
    return app
