"""
Executors: what calls a kind of target, and what it promises to whoever runs actions.

The rule to keep: `perform` calls the target once and says honestly what it knows. An error before anything was sent,
or a refusal, is *failed*; silence after something was sent is *unknown*, never *failed*. Nothing is retried here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from congresslite.actions import ActionKind
from congresslite.diagnostics import CongressliteError
from congresslite.schema import Scalar
from congresslite.sources.driver import Deadline

State = Literal["succeeded", "failed", "underway", "unknown", "absent"]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, once. `key` (32 hexadecimal digits) is the same for every attempt and after a restart."""

    key: str
    action: str  # its name at the target: "stop"
    arguments: Mapping[str, Scalar]  # by parameter; further ones by their number from 1
    attempt: int = 1
    started_at: float = 0.0  # seconds since 1970: when this attempt was journaled, just before the call
    reference: str = ""  # what an earlier outcome of this attempt said; before there is one, where it was begun


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of an order.

    *succeeded*: it is done. *failed*: it is certainly not done, or the target says that it failed (`retry`: another
    attempt may help). *underway*: the target has it; ask `follow` again. *unknown*: it may or may not have been done.
    *absent* (of what was begun before): the target certainly never got it. `reference` is what finds it at the target
    (an operation occurrence, a process); `output` is what a person may want to read, bounded and without secrets.
    """

    state: State
    why: str = ""
    reference: str = ""
    output: Mapping[str, Any] = field(default_factory=dict)
    retry: bool = True


class OrderError(CongressliteError):
    """An order that is refused before anything was done."""


class Executor(Protocol):
    """Calls one target. Any number of threads call it at once, never two for the same object."""

    @property
    def kinds(self) -> Mapping[str, ActionKind]:
        """The actions that it has here, by name; one called `*` stands for any other."""

    @property
    def place(self) -> str:
        """What names our own memory of what was begun, where that is asked and not the target; else empty.

        It is the reference of an attempt from before it is begun, so that nobody who has another memory takes it for
        one that never was.
        """

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Call the target once."""

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """How an order that is under way stands now."""

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """What became of an attempt of which nothing was heard, after a crash say; never changes anything."""

    def reachable(self, deadline: Deadline) -> str | None:
        """Why the target cannot be called at the moment; None if it can."""

    def close(self) -> None:
        """Give back connections; what was started and runs on by itself goes on."""
