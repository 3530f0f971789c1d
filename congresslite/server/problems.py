"""
Errors as problem documents (RFC 9457): one shape, whoever found the error.

Whatever is wrong with a request is a finding with a code, like everything that
congresslite tells; its `type` leads to the page that explains the code. Of an
error of our own the caller learns the trace id alone, and the log the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog
from flask import Flask, Response, g
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from congresslite.diagnostics import CongressliteError, Diagnostic, EvaluationError
from congresslite.diagnostics.codes import CODES
from congresslite.live import NotYoursError
from congresslite.server.schemas.common import Problem as Document
from congresslite.server.schemas.common import findings_of
from congresslite.store.errors import AwayError

MEDIA_TYPE = "application/problem+json"
PAGES = "/docs/errors/"
MOST_FINDINGS = 100
# For whoever cannot be answered just now.
AGAIN = {"Retry-After": "5"}

log = structlog.get_logger(__name__)

# What Flask and werkzeug refuse by themselves: the code, and the message.
_OF_HTTP = {
    404: ("CL554", "there is nothing at this address"),
    405: ("CL555", "this address does not take the method"),
    413: ("CL552", "the body is too big"),
    415: ("CL553", "the body is of a kind that is not taken here"),
}


class ProblemError(Exception):
    """A request that is refused: the status, what is wrong with it, and headers that say more."""

    def __init__(
        self, status: int, findings: Diagnostic | Sequence[Diagnostic], headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.findings = (findings,) if isinstance(findings, Diagnostic) else tuple(findings)
        self.headers = headers or {}
        super().__init__(self.findings[0].message)


@contextmanager
def known(what: str, name: str) -> Iterator[None]:
    """Within it, a KeyError means that there is nothing of that name."""
    try:
        yield
    except KeyError:
        raise ProblemError(404, Diagnostic("CL554", f"there is no {what} `{name}`")) from None


def register_problems(app: Flask) -> None:
    """Let every error of the application become a problem document."""
    app.register_error_handler(ProblemError, lambda error: respond(error.status, error.findings, error.headers))
    app.register_error_handler(CongressliteError, _refused)
    app.register_error_handler(AwayError, away)
    app.register_error_handler(NotYoursError, _not_yours)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unexpected)


def respond(status: int, findings: Sequence[Diagnostic], headers: Mapping[str, str] | None = None) -> Response:
    """The problem document of some findings: it is about the first, and has them all."""
    first = findings[0]
    document = Document(
        type=f"{PAGES}{first.code}",
        title=CODES.get(first.code, "a finding"),
        status=status,
        detail=first.message,
        code=first.code,
        location=first.where or None,
        hint=first.hint,
        findings=findings_of(findings[:MOST_FINDINGS]),
        trace_id=g.get("trace_id", ""),
    )
    response = Response(document.model_dump_json(), status, mimetype=MEDIA_TYPE)
    response.headers.update(headers or {})
    return response


def _refused(error: CongressliteError) -> Response:
    """Findings about what was asked: it was understood, and cannot be done."""
    if not error.diagnostics:
        return _unexpected(error)
    return respond(503 if isinstance(error, EvaluationError) else 422, error.diagnostics)


def away(error: AwayError) -> Response:
    """That the state cannot be read or written now. Which database it is, and what it says, is for the log alone."""
    log.error("the database is away", why=str(error))
    return respond(503, error.told, AGAIN)


def _not_yours(error: NotYoursError) -> Response:
    return respond(403, [Diagnostic("CL557", str(error) or "this is not yours to see or to change")])


def _of_http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status >= 500:
        return _unexpected(error)
    if status < 400:  # a redirection that routing asks for
        return error.get_response()
    code, message = _OF_HTTP.get(status, ("CL551", "the request cannot be read"))
    response = respond(status, [Diagnostic(code, message)])
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _unexpected(error: Exception) -> Response:
    log.error("internal error", exc_info=error)
    return respond(500, [Diagnostic("CL565", "an internal error; the log tells more under the trace id")])
