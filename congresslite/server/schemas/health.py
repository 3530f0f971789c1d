"""Whether the server lives, and whether it can answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from congresslite.live.health import Code, Esc
from congresslite.server.schemas.common import Strict


class Live(Strict):
    """The process answers."""

    status: Literal["live"]


class Ready(Strict):
    """Answers can be given; `version` is that of congresslite."""

    status: Literal["ready"]
    version: str


class EscHealth(Strict):
    """The health of the manager itself. From 5010 on, something of it does not run."""

    status_code: Code = Field(description="2000: all is well.")
    message: str

    @classmethod
    def of(cls, found: Esc) -> EscHealth:
        """The health as it is sent."""
        return cls(status_code=found.code, message=found.message)
