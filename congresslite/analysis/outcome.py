"""
The outcome of a simulation, as values; `documents.simulation_document` makes the one JSON text of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from congresslite.analysis.report import Impact
from congresslite.diagnostics import Diagnostic
from congresslite.schema import Delta, Row

Result = Literal["done", "nothing", "no_effect_model"]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that would have come, but was left out: it breaks what is declared of its table."""

    table: str
    columns: Sequence[str]
    row: Row
    breaks: Literal["key", "type", "domain"]
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """What an action or a change of rows did: the rows that really came and went, by table.

    `turn` counts from 1 within a step: what could not be done at once was done one after the other.
    """

    text: str
    kind: Literal["action", "rows"]
    result: Result
    message: str | None
    turn: int
    rows: Mapping[str, Delta]
    broken: Sequence[Broken] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Clash:
    """Two parts of a step that write the same row: `key` has the values of its key, or of all columns."""

    first: str
    second: str
    table: str
    columns: Sequence[str]
    key: Row


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a step did, and the violations that came and went by it."""

    text: str
    parts: Sequence[Done]
    clashes: Sequence[Clash]
    impact: Impact


@dataclass(frozen=True, slots=True)
class Simulation:
    """What all steps did, and how the violations at the end differ from those at the start.

    `blocking` counts the new ones at the end that are hard, of policies that are not only tried out (`dryrun`).
    """

    steps: Sequence[StepOutcome]
    impact: Impact
    blocking: int = 0
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of the tables that changed
    findings: Sequence[Diagnostic] = ()
    undetermined: Sequence[Document] = ()
