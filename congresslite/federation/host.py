"""
What a node needs of the engine that it speaks for, and the values that the two exchange.

The rule to keep: a node never looks into a store or a source; so it is tried with an engine alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from congresslite.api import Snapshot
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import Changes, Delta, Replacement, Row

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happened:
    """One change of the engine, and what it made of the violations. Without `changes`, tables came or went.

    `opened` are violations and conflicts by id, as JSON; `resolved` are ids.
    """

    snapshot: Snapshot
    changes: Changes | None = None
    opened: Mapping[str, str] = field(default_factory=dict)
    resolved: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """A policy that an engine has stored. `origin` is the engine that handed it down, or that translated it here."""

    name: str
    tier: str
    mode: str
    text: str
    origin: str | None = None

    def from_above(self, engine: str) -> bool:
        """Whether another engine handed it down to this one, and may exchange it."""
        return self.origin not in (None, engine)

    def collision(self) -> str:
        """Why no other policy of its name is taken."""
        whose = "this engine's own" if self.origin is None else f"handed down by `{self.origin}`"
        return f"there is a policy of that name here already, {whose}"


@dataclass(frozen=True, slots=True)
class Given:
    """A policy as it is handed down, and the engine that it comes from."""

    text: str
    tier: str
    origin: str


@dataclass(frozen=True, slots=True)
class Lapse:
    """Something that is not current: a source's feed, with its tables by their full names."""

    source: str
    feed: str
    health: str
    since: float | None
    why: str
    tables: tuple[str, ...]


class Host(Protocol):
    """The engine that a node speaks for. Any thread may call it."""

    def listen(self, listener: Callable[[Happened], None]) -> Happened:
        """Tell of each change from now on, by calls that return at once; gives the state with all that is open."""

    def snapshot(self) -> Snapshot:
        """The latest state."""

    def apply(self, changes: Mapping[str, Delta | Replacement], seen: Iterable[str]) -> None:
        """Take rows of the children's tables, in one batch; `seen` are tables that are known from now on.

        Raises CongressliteError, with nothing changed.
        """

    def oppose(self, foreign: Sequence[ForeignRule]) -> None:
        """Let these rules of engines below be those that may contradict the policies here."""

    def policies(self) -> Sequence[HeldPolicy]:
        """The policies that are stored, for this tier and those below."""

    def hand(self, wanted: Mapping[str, Given], *, own: bool) -> Mapping[str, str]:
        """Let the policies from above, or (`own`) those that are translated here, be just these.

        Gives why each that is refused is refused; what was there under its name stays.
        """

    def lapses(self) -> Sequence[Lapse]:
        """What is not current now, children's tables included."""

    def known(self, tables: Iterable[str]) -> bool:
        """Whether everything that these tables rest on has been seen once."""

    def note(self, child: str, table: str, why: str | None) -> None:
        """Note whether a child's table is current now (None), or why it is not."""

    def remembered(self, child: str) -> Mapping[str, Iterable[Row]]:
        """What a child had said, beside rows of tables, before this engine started anew."""

    def remember(self, child: str, relations: Mapping[str, Iterable[Row]]) -> None:
        """Let this be what a child had said, should this engine start anew."""

    def explain(self, id: str) -> Document | None:
        """The proof of an open violation, or those of both sides of a conflict; None if it is not open."""

    def check(self, policies: Mapping[str, str], remove: Sequence[str]) -> Document:
        """The report about policies of this tier. Raises CongressliteError."""
