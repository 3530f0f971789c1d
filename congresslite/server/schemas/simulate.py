"""Simulations: the steps that are asked about, and what each of them would do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from congresslite.server.schemas.checks import Consequences
from congresslite.server.schemas.common import Finding, Scalar, Stale, Strict

StepText = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


class SimulateIn(Strict):
    """Steps, one after the other; a text of several lines has a step on each. `limit`: how much is told one by one."""

    steps: list[StepText] = Field(min_length=1, max_length=1000)
    limit: int = Field(default=100, ge=1, le=10_000)


class Rows(Strict):
    """Rows of a table that come and go, by column."""

    table: str
    insert: list[dict[str, Scalar]]
    delete: list[dict[str, Scalar]]


class Broken(Strict):
    """A row that was left out, since it breaks what is declared of its table."""

    table: str
    row: dict[str, Scalar]
    breaks: Literal["key", "type", "domain"]
    message: str


class Done(Strict):
    """What an action or a change of rows did, or why it did not; `turn` counts within its step."""

    text: str
    kind: Literal["action", "rows"]
    result: Literal["done", "nothing", "no_effect_model"]
    message: str | None
    turn: int
    rows: list[Rows]
    broken: list[Broken]
    notes: list[str]


class Clash(Strict):
    """Two parts of a step that write the same row, and were run one after the other."""

    first: str
    second: str
    table: str
    columns: list[str]
    key: list[Scalar]


class Step(Strict):
    """A step, with the violations that it brings and resolves."""

    number: int
    text: str
    parts: list[Done]
    incompatible: list[Clash]
    violations: Consequences


class Simulation(Strict):
    """What would follow. `blocking` counts the new `error` violations at the end of policies that are not tried out."""

    steps: list[Step]
    violations: Consequences
    blocking: int
    findings: list[Finding]
    undetermined: list[Stale]

    @classmethod
    def of(cls, document: dict[str, Any]) -> Simulation:
        """The document of a simulation, as it is sent."""
        return cls.model_validate(document)
