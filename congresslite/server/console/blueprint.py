"""
The console as a part of the server: its addresses, and what a browser may do with its pages.

The rules to keep: a page loads nothing but its own style sheet and scripts, has
no script within it, and sends nothing to anybody but the server.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Conflict, Forbidden, HTTPException, NotFound, ServiceUnavailable, UnprocessableEntity

from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.enforcement.enforcer import RefusedError
from congresslite.live import LiveEstate, NotYoursError
from congresslite.server.console.actions import ActionPages
from congresslite.server.console.door import Door
from congresslite.server.console.pages import Pages
from congresslite.server.console.sessions import Authenticate, Sessions
from congresslite.share import share
from congresslite.store.errors import AwayError

PREFIX = "/console"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With `no-referrer`, browsers would not say either where a form comes from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

PAGES = {
    "/": "overview",
    "/events": "events",
    "/violations": "violations",
    "/violations/<id>": "violation",
    "/conflicts": "conflicts",
    "/tables": "tables",
    "/tables/<path:name>": "table",
    "/sources": "sources",
    "/policies": "policies",
    "/policies/<path:name>": "policy",
}
ACTION_PAGES = {"/actions": "actions", "/actions/<id>": "action"}
# What forms change: the view, and the name of the change in the audit.
DECISIONS = {
    "/actions/<id>/approve": ("approve_action", "action.approve"),
    "/actions/<id>/cancel": ("cancel_action", "action.cancel"),
    "/plans/<plan>/approve": ("approve_plan", "plan.approve"),
    "/actions/pause": ("pause_actions", "action.pause"),
    "/actions/resume": ("resume_actions", "action.resume"),
}
AUDITED = dict(DECISIONS.values())


def console_blueprint(estate: LiveEstate, authenticate: Authenticate | None = None) -> Blueprint:
    """The pages of an estate, below `/console`.

    `authenticate` says whose a token is; people sign in with theirs. Where it is None, the server lets everybody in:
    it sets `g.caller` before it comes to these pages, which stay closed otherwise.
    """
    static = str(share("web") / "static")
    blueprint = Blueprint("console", __name__, url_prefix=PREFIX, static_folder=static, static_url_path="/static")
    door = Door(None if authenticate is None else Sessions(authenticate))
    pages = Pages(estate, door)
    for address, name in PAGES.items():
        blueprint.add_url_rule(address, name, getattr(pages, name), methods=["GET"])
    acting = ActionPages(estate, door)
    for address, name in ACTION_PAGES.items():
        blueprint.add_url_rule(address, name, getattr(acting, name), methods=["GET"])
    for address, (name, _) in DECISIONS.items():
        blueprint.add_url_rule(address, name, getattr(acting, name), methods=["POST"])
    blueprint.add_url_rule("/sign-in", "sign_in", door.sign_in, methods=["GET", "POST"])
    blueprint.add_url_rule("/sign-out", "sign_out", door.sign_out, methods=["POST"])
    blueprint.add_url_rule("/<path:rest>", "nothing", _nothing, methods=["GET"])
    blueprint.before_request(door.let_in)
    blueprint.after_request(_with_headers)
    _tell_problems(blueprint, door)
    return blueprint


def _nothing(rest: str) -> ResponseReturnValue:
    """An address that there is no page of."""
    del rest
    raise NotFound("there is no such page")


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    # What is shown belongs to whoever has signed in, and is old in a minute; scripts and styles are asked about.
    response.headers["Cache-Control"] = "no-cache" if request.endpoint == "console.static" else "no-store"
    return response


def _tell_problems(blueprint: Blueprint, door: Door) -> None:
    """Whatever goes wrong is told on a page, as all else is."""

    def page(error: HTTPException, findings: tuple[Diagnostic, ...] = ()) -> ResponseReturnValue:
        told = door.render("problem.html", name=error.name, told=error.description or "", findings=findings)
        return told, error.code or 500

    blueprint.register_error_handler(HTTPException, page)
    blueprint.register_error_handler(
        CongressliteError, lambda error: page(UnprocessableEntity("this cannot be answered"), error.diagnostics)
    )
    blueprint.register_error_handler(
        AwayError, lambda error: page(ServiceUnavailable("this cannot be answered now"), error.told)
    )
    blueprint.register_error_handler(
        RefusedError, lambda error: page(Conflict("it cannot be done to this action as it stands"), error.diagnostics)
    )
    blueprint.register_error_handler(NotYoursError, lambda error: page(Forbidden("this is not for you to see")))
