"""What several resources share: names that may be given, and the headers about versions, for the document."""

from __future__ import annotations

import re

from congresslite.config.models import SOURCE_NAME
from congresslite.diagnostics import Diagnostic
from congresslite.server.problems import ProblemError

_NAME = re.compile(SOURCE_NAME)
_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 128


def checked_name(name: str) -> str:
    """A name that something may be given. Raises ProblemError."""
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        hint = "a letter or `_` comes first, then letters, digits, `_`, `.` and `-`"
        raise ProblemError(422, Diagnostic("CL550", f"`{name[:_LONGEST]}` cannot be a name", place="path", hint=hint))
    return name


def checked_id(id: str) -> str:
    """An id as violations and conflicts have it. Raises KeyError: there is none of another form."""
    if not _ID.fullmatch(id):
        raise KeyError(id)
    return id


def _header(name: str, description: str) -> dict[str, object]:
    return {"in": "header", "name": name, "required": False, "schema": {"type": "string"}, "description": description}


ETAG = {"parameters": [_header("If-None-Match", "The ETag of what is known: the answer is 304 if it is current.")]}
IF_MATCH = {
    "parameters": [
        _header("If-Match", "The ETag of the version that goes; needed wherever one is there."),
        _header("If-None-Match", "`*`: only if there is none yet."),
    ]
}
