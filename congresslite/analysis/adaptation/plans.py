"""
Plans of adaptation: what was chosen for each failed network function, what it costs, and why nothing else was.

Values only. The rule to keep: costs and violations are told against one state, that in which what has failed stands
nowhere, so that a plan is charged with what it brings and with nothing that was there before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from congresslite.diagnostics import CongressliteError
from congresslite.policy.conflicts.told import Command
from congresslite.policy.violations import Violation
from congresslite.schema import Delta, Row, Scalar

# *optimal*: nothing is better. *feasible*: the best that was found in time. *impossible*: hard rules forbid every
# choice. *unknown*: nothing was found in time. *nothing*: nothing has failed.
Status = Literal["optimal", "feasible", "impossible", "unknown", "nothing"]
Kind = Literal["re-instantiate", "redundant"]
Number = int | float


class AdaptationError(CongressliteError):
    """Policies that say no adaptation, a rule that cannot be solved for, or a plan that our engine does not confirm."""


@dataclass(frozen=True, slots=True)
class Option:
    """A row of the choice table that may be chosen. Its first value is what it is chosen for."""

    row: Row
    kind: Kind


@dataclass(frozen=True, slots=True)
class Alternative:
    """An option that was not chosen: what a plan with it would cost, all else being as it is; None if it is forbidden.

    `breaks` are the hard violations that it would bring. Of an impossible plan, all else stands nowhere.
    """

    option: Option
    cost: Number | None
    breaks: Sequence[Violation] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen for one network function. `gone` are its rows as they stand now; `more`: alternatives untold."""

    vnf: Scalar
    gone: Sequence[Row]
    chosen: Option | None
    alternatives: Sequence[Alternative] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class SoftRule:
    """A soft rule that a plan changes something of: what comes, what goes, and what that costs together."""

    policy: str
    rule: str
    weight: Number
    cost: Number
    broken: Sequence[Violation] = ()
    mended: Sequence[Violation] = ()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A hard rule that stands in the way: without it, or without one of the others, there would be a plan."""

    policy: str
    rule: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class AdaptationPlan:
    """What is to be done about what has failed. `changes` are the rows of the choice table that go and come.

    `links` are the rows of the policy's table `virtual_link` that go and come with it, `commands` the actions that
    rules would command then and do not command now. `standing` are hard violations that were there before and stay.
    Of an impossible plan, `obstacles` and `stuck` (network functions) cannot be had together, and each is needed for
    that. `seconds` says what took how long.
    """

    policy: str
    table: str
    columns: Sequence[str]
    status: Status
    decisions: Sequence[Decision] = ()
    changes: Delta = field(default_factory=Delta)
    cost: Number | None = None
    soft: Sequence[SoftRule] = ()
    standing: Sequence[Violation] = ()
    links: Delta = field(default_factory=Delta)
    link_columns: Sequence[str] = ()
    commands: Sequence[Command] = ()
    obstacles: Sequence[Obstacle] = ()
    stuck: Sequence[Scalar] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
