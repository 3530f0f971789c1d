"""
The door: who comes in, with which session, and the forms by which one signs in and out.

The rules to keep: the cookie is for the console's addresses alone, so that it
opens nothing of the REST interface; what a form sends is taken from our own
pages only.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Response, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from congresslite.server.acting import decides
from congresslite.server.console.sessions import Sessions
from congresslite.server.console.templating import environment
from congresslite.server.problems import ProblemError

COOKIE = "congresslite_console"

# What whoever has not signed in may see.
_OPEN = ("console.static", "console.sign_in")


class Door:
    """Lets callers in, and fills templates for them. Without `sessions`, the server says who calls (`g.caller`)."""

    def __init__(self, sessions: Sessions | None) -> None:
        self._sessions = sessions
        self._templates = environment()
        # What forms bring back where there are no sessions: another site cannot read it.
        self._key = secrets.token_urlsafe(32)

    def let_in(self) -> ResponseReturnValue | None:
        """Before each request: find out who calls, or show the way to where one signs in."""
        if request.endpoint in _OPEN or g.get("caller") is not None:
            return None
        if self._sessions is None:
            abort(401, "the server does not say who you are")
        found = self._sessions.find(request.cookies.get(COOKIE, ""))
        if found is not None:
            g.session, g.caller = found
            return None
        if "HX-Request" in request.headers:  # it is a part of a page that is asked for: the page as a whole must go
            return Response(status=401, headers={"HX-Redirect": url_for("console.sign_in")})
        wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
        return redirect(url_for("console.sign_in", next=wanted), 303)

    def admitted(self) -> Callable[[], bool]:
        """Whether the caller of this request still may see what it asked for, to be asked when the request is over."""
        sessions, key = self._sessions, request.cookies.get(COOKIE, "")
        if sessions is None or g.get("session") is None:
            return lambda: True
        return lambda: sessions.find(key) is not None

    def render(self, template: str, **values: object) -> str:
        """A page for the caller of this request."""
        session = g.get("session")
        return self._templates.get_template(template).render(
            values,
            now=time.time(),
            caller=g.get("caller"),
            form_key=None if session is None else session.form_key,
            act_key=self._form_key(),
            decides=g.get("caller") is not None and decides(g.caller),
            endpoint=(request.endpoint or "").removeprefix("console."),
        )

    def check_form(self) -> None:
        """Refuse a form that was not sent from one of our pages, or not from one of this session."""
        _from_our_pages()
        if not hmac.compare_digest(request.form.get("form_key", "").encode(), self._form_key().encode()):
            abort(403, "this form is not of your session; reload the page")

    def _form_key(self) -> str:
        session = g.get("session")
        return self._key if session is None else str(session.form_key)

    # -- signing in and out ----------------------------------------------------------------------

    def sign_in(self) -> ResponseReturnValue:
        """The form that takes a token."""
        if self._sessions is None:
            return redirect(url_for("console.overview"), 303)
        wanted = _own_address(request.values.get("next", ""))
        if request.method == "GET":
            return self.render("sign_in.html", next=wanted, problem="")
        _from_our_pages()
        token = request.form.get("token", "").strip()
        try:
            key = self._sessions.begin(token)
        except ProblemError as problem:
            told = problem.findings[0].message
            return self.render("sign_in.html", next=wanted, problem=told), problem.status, dict(problem.headers)
        response = redirect(wanted, 303)
        response.set_cookie(COOKIE, key, path=_root(), secure=request.is_secure, httponly=True, samesite="Strict")
        return response

    def sign_out(self) -> ResponseReturnValue:
        """End the session."""
        _from_our_pages()
        if self._sessions is None or g.get("session") is None:
            abort(400, "nobody has signed in")
        self.check_form()
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = redirect(url_for("console.sign_in"), 303)
        response.delete_cookie(COOKIE, path=_root(), secure=request.is_secure, httponly=True, samesite="Strict")
        return response


def _from_our_pages() -> None:
    """Refuse a form that another site sends; browsers say where one comes from."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "")
    ours = site == "same-origin" if site is not None else urlsplit(origin).netloc == request.host
    if not ours:
        abort(403, "this form was not sent from a page of this server")


def _root() -> str:
    return url_for("console.overview").rstrip("/")


def _own_address(address: str) -> str:
    """An address to go on to, if it is one of the console."""
    overview = url_for("console.overview")
    return address if address.startswith(overview) and "\\" not in address else overview
