"""
The guard: what every request passes before a view sees it, and every answer before it is sent.

The rule to keep: it reads what the contract of an operation says and knows no
operation by name, so that nothing can be forgotten when one is added. A view
finds the caller in `flask.g.caller` and need not look further.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from congresslite.config.models import Config
from congresslite.diagnostics import Diagnostic
from congresslite.server.auth import Authenticator, unauthorized
from congresslite.server.contract import OPEN, allows, contract_of
from congresslite.server.intake import check_text
from congresslite.server.problems import ProblemError

_READING = ("GET", "HEAD", "OPTIONS")
_MOST_PARAMETERS = 1000
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets requests in, for one application."""

    def __init__(self, config: Config, authenticator: Authenticator) -> None:
        self._config = config
        self._authenticator = authenticator
        self._hosts = {host.lower() for host in config.server.hosts}
        # Whoever needs no token could be a page of another site, in the browser of somebody who may connect.
        self._trusting = not config.auth_required

    def install(self, app: Flask) -> None:
        """Stand before and behind every view of an application."""
        app.before_request(self.admit)
        app.after_request(self.dress)

    def admit(self) -> None:
        """Let a request pass, or raise ProblemError. Sets `g.caller`: None for somebody unknown who may come."""
        g.caller = None
        check_text(request.path, "path")
        check_text(request.query_string.decode("latin-1").replace("%00", "\0"), "query")
        if request.query_string.count(b"&") > _MOST_PARAMETERS:
            raise ProblemError(400, Diagnostic("CL551", f"more than {_MOST_PARAMETERS} parameters", place="query"))
        if self._trusting:
            self._check_origin(request)
        if request.url_rule is None or isinstance(request.routing_exception, HTTPException):
            return  # there is nothing to guard: it becomes a 404 or a 405
        contract = contract_of(current_app, request.url_rule.endpoint)
        if contract is None:
            raise TypeError(f"`{request.url_rule.rule}` says no role")
        limit = self._config.server.body_limit
        request.max_content_length = limit if contract.body_limit is None else min(contract.body_limit, limit)
        caller = self._authenticator.by_header(request.headers.get("Authorization"), request.remote_addr or "")
        g.caller = None if caller is None else replace(caller, request=g.trace_id)
        if contract.role == OPEN:
            return
        if g.caller is None:
            raise unauthorized("say who you are: this needs a token")
        if not allows(g.caller.role, contract.role):
            message = f"`{g.caller.role}` may not do this: it needs the role `{contract.role}`"
            raise ProblemError(403, Diagnostic("CL557", message))
        if g.caller.tenant is not None and not contract.tenants:
            message = f"this ranges over the objects of all tenants, and you are bound to `{g.caller.tenant}`"
            raise ProblemError(403, Diagnostic("CL557", message))

    def _check_origin(self, asked: Request) -> None:
        """Refuse names that are not ours (DNS rebinding), and changes that another site asks for (CSRF)."""
        if not self._ours(asked.host):
            hint = "add it to `server.hosts` if this server has that name"
            raise ProblemError(
                403, Diagnostic("CL558", f"this server does not answer to `{asked.host[:200]}`", hint=hint)
            )
        if asked.method in _READING:
            return
        origin = asked.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != asked.host.lower()
        if foreign or asked.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise ProblemError(403, Diagnostic("CL558", "another site asks for this change"))

    def _ours(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        if name in self._hosts or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def dress(self, response: Response) -> Response:
        """Set the headers that keep browsers from doing what nobody asked for."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if self._config.server.tls is not None:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response
