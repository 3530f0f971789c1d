"""The executor `log`: a line in the log, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict

from congresslite.actions import ActionKind, kinds_of
from congresslite.enforcement.executor import Order, Outcome
from congresslite.sources.driver import Deadline

log = structlog.get_logger("congresslite.action")


class Settings(BaseModel):
    """It wants to know nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def open_executor(target: str, settings: Settings, state: Path) -> LogExecutor:
    """An executor that writes lines."""
    return LogExecutor(target)


class LogExecutor:
    """Writes a line for each order."""

    place = ""

    def __init__(self, target: str) -> None:
        self._target = target
        self.kinds: Mapping[str, ActionKind] = kinds_of("log")

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Write the line."""
        log.info("commanded", target=self._target, action=order.action, key=order.key, **_named(order))
        return Outcome("succeeded")

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """Nothing is ever under way."""
        return Outcome("succeeded")

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """Whether the line was written cannot be asked; another one does no harm."""
        return Outcome("unknown", "nobody can ask whether a line was written")

    def reachable(self, deadline: Deadline) -> str | None:
        """It always is."""
        return None

    def close(self) -> None:
        """There is nothing to give back."""


def _named(order: Order) -> dict[str, object]:
    return {"arguments": dict(order.arguments)}
