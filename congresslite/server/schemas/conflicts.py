"""Conflicts: which are wanted, and what is told of each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from congresslite.analysis.documents import conflict_document
from congresslite.policy.conflicts.told import Conflict as Found
from congresslite.server.schemas.common import Scalar, Stale, Strict, Time
from congresslite.server.schemas.violations import Episode, Violation
from congresslite.store.records import State, ViolationRecord

ConflictKind = Literal["modality", "action", "value"]


class Side(Strict):
    """One side: a rule, and its row. `engine` names another engine whose rule it is, and is null for our own."""

    policy: str
    rule: str
    tier: str
    engine: str | None
    modal: str | None
    atom: str
    table: str
    row: list[Scalar]
    file: str
    line: int


class Conflict(Strict):
    """Two rows that contradict each other. `winner` is the place of the side that wins (null: none does), `decided_by`
    what tells the two apart. `kind` and `sides` are null and empty where the rules are not what they were.
    """

    id: str
    kind: ConflictKind | None
    table: str
    rule: str
    row: list[Scalar]
    object: str | None
    tenant: str | None
    site: str | None
    message: str
    sides: list[Side]
    winner: int | None
    decided_by: str | None
    first_seen: Time
    last_seen: Time
    resolved_at: Time | None
    state: State
    waiver: str | None
    undetermined: bool

    @classmethod
    def of(
        cls, record: ViolationRecord, found: Found | None, as_of: float | None, undetermined: Collection[str]
    ) -> Conflict:
        """A conflict as it is sent. `undetermined` are policies."""
        told = Violation.of(record, as_of, undetermined)
        document = None if found is None else conflict_document(found)
        sides = [] if document is None else [Side.model_validate(_side(each)) for each in document["sides"]]
        return cls(
            **told.model_dump(include=set(_SHARED)),
            kind=None if found is None else found.kind,
            sides=sides,
            winner=None if found is None else found.winner,
            decided_by=None if found is None else found.by,
        )


_SHARED = ("id", "table", "rule", "row", "object", "tenant", "site", "message", "first_seen", "last_seen",
           "resolved_at", "state", "waiver", "undetermined")  # fmt: skip


def _side(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in Side.model_fields}


class ConflictPage(Strict):
    """A page of conflicts, and whatever cannot be told at the moment."""

    items: list[Conflict]
    next: str | None
    undetermined: list[Stale]
    as_of: Time | None


class ConflictDetail(Strict):
    """A conflict with its history. `explanations` are the proofs of both sides, null unless they were asked for and it
    is open; one of them is null if that rule is another engine's.
    """

    conflict: Conflict
    episodes: list[Episode]
    explanations: list[dict[str, Any] | None] | None
    undetermined: list[Stale]
    as_of: Time | None
