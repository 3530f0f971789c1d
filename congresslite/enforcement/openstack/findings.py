"""What people are told of an action that was not done: one line, with a code that has a page."""

from __future__ import annotations

from congresslite.diagnostics import SourceError
from congresslite.enforcement.executor import Outcome


def failed(code: str, message: str, *, retry: bool = False) -> Outcome:
    """It was not done, or OpenStack says that it failed."""
    return Outcome("failed", f"{code} {message}", retry=retry)


def missing(what: str, name: object) -> Outcome:
    """OpenStack does not have what is to be acted upon."""
    return failed("CL600", f"there is no {what} `{name}`, or the cloud's user may not see it")


def told(error: SourceError) -> str:
    """A finding of those who read sources, in one line."""
    return "; ".join(
        f"{each.code} {each.message}" + (f" ({each.place})" if each.place else "") for each in error.diagnostics
    )
