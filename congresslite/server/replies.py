"""Answers: models as JSON, versions as ETags, and what must hold before something is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Response, request
from pydantic import BaseModel

from congresslite.diagnostics import Diagnostic
from congresslite.live import ConflictError
from congresslite.server.problems import ProblemError


def reply(model: BaseModel, status: int = 200, *, etag: str | None = None, location: str | None = None) -> Response:
    """A model as JSON. With an ETag, a reader who has it already is told so (304)."""
    response = Response(model.model_dump_json(), status, mimetype="application/json")
    if location is not None:
        response.headers["Location"] = location
        response.autocorrect_location_header = False
    if etag is not None:
        response.set_etag(etag)
        response.cache_control.no_cache = True
        response.cache_control.private = True
        if request.method in ("GET", "HEAD"):
            response.make_conditional(request)
    return response


def nothing() -> Response:
    """That it is done, without a body."""
    return Response(status=204)


def expected(current: str | None, what: str) -> str | None:
    """The version that the caller wants to replace, None for a new one; `current` is the one that is there.

    Raises ProblemError: 428 if the caller does not say which version it knows, 412 if it knows another one.
    """
    if request.if_none_match.star_tag:
        if current is not None:
            raise _stale(f"{what} is there already", current)
        return None
    if request.if_match:
        if current is None or not (request.if_match.star_tag or request.if_match.is_strong(current)):
            raise _stale(f"{what} is not as it was when it was read", current)
        return current
    if current is not None:
        hint = f'read it, and send the header `If-Match: "{current}"`'
        raise ProblemError(428, Diagnostic("CL560", f"{what} is there: say which version is to go", hint=hint))
    return None


@contextmanager
def exchanging(given: str | None, current: Callable[[], str | None], what: str) -> Iterator[None]:
    """Within it, a ConflictError is told as what it is: somebody was faster (412), or it cannot be done (409)."""
    try:
        yield
    except ConflictError as error:
        now = current()
        if now != given:
            raise _stale(f"{what} was changed meanwhile", now) from None
        raise ProblemError(409, Diagnostic("CL562", str(error), hint=error.hint or None)) from None


def _stale(message: str, current: str | None) -> ProblemError:
    hint = f'it is `"{current}"` now: read it again' if current else "it is not there any more"
    return ProblemError(412, Diagnostic("CL561", message, hint=hint))
