"""Actions: which are wanted, what is told of each, what is decided, and what targets can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints

from congresslite.actions import ActionKind
from congresslite.schema.times import stamp, stamp_or_none
from congresslite.server.mends import mend_of
from congresslite.server.schemas.common import Cursor, Limit, Moment, Scalar, Strict, Time
from congresslite.server.schemas.violations import Texts
from congresslite.store.actions import Pause as Paused
from congresslite.store.records import ActionFilter, ActionRecord, ActionState, ActionStep

if TYPE_CHECKING:
    from congresslite.enforcement.targets import Target

# Perhaps empty words of somebody who decides.
Said = Annotated[str, StringConstraints(max_length=1000)]
Scope = Annotated[str, StringConstraints(max_length=1000)]


class ActionQuery(Strict):
    """Which actions are wanted. A parameter that is given several times takes any of its values."""

    state: list[ActionState] = Field(default_factory=list, max_length=10, description="All, if none is given.")
    policy: Texts = Field(default_factory=list)
    action: Texts = Field(default_factory=list, description="The name with its target, like `nova:stop`.")
    object: Texts = Field(default_factory=list)
    plan: Texts = Field(default_factory=list, description="The plan that it belongs to.")
    since: Moment | None = Field(default=None, description="Planned at this time or later.")
    until: Moment | None = Field(default=None, description="Planned before this time.")
    limit: Limit = 100
    cursor: Cursor | None = Field(default=None, description="`next` of the page before.")

    def wanted(self) -> ActionFilter:
        """The same as the store takes it."""
        return ActionFilter(
            states=self.state,
            policies=self.policy,
            actions=self.action,
            objects=self.object,
            plans=self.plan,
            since=None if self.since is None else self.since.timestamp(),
            until=None if self.until is None else self.until.timestamp(),
        )


class Action(Strict):
    """An action and how it stands. `reason` says why, `guard` which guard stops it or lets it wait, `mend` what a
    person may do about it. `table` is the one that its object is in; `commanded`: the policy still wants it.
    """

    id: str
    plan: str
    policy: str
    rule: str
    mode: str
    action: str
    arguments: list[Scalar]
    object: str
    table: str | None
    tenant: str | None
    site: str | None
    state: ActionState
    reason: str
    guard: str | None
    mend: str | None
    attempt: int
    not_before: Time | None
    commanded: bool
    undoes: str | None
    created_at: Time
    changed_at: Time
    started_at: Time | None
    ended_at: Time | None
    approved_by: str | None
    reference: str | None = Field(description="What finds it at its target.")
    output: dict[str, Any] = Field(description="What its target said; empty for whoever is bound to a tenant.")

    @classmethod
    def of(cls, record: ActionRecord, tenant: str | None = None) -> Action:
        """An action as it is sent to somebody who is perhaps bound to a tenant."""
        return cls(
            id=record.id,
            plan=record.plan,
            policy=record.policy,
            rule=record.rule,
            mode=record.mode,
            action=record.action,
            arguments=list(record.arguments),
            object=record.object,
            table=record.kind or None,
            tenant=record.tenant,
            site=record.site,
            state=record.state,
            reason=record.reason,
            guard=record.guard or None,
            mend=mend_of(record),
            attempt=record.attempt,
            not_before=stamp_or_none(record.not_before),
            commanded=record.commanded,
            undoes=record.undoes,
            created_at=stamp(record.created_at),
            changed_at=stamp(record.changed_at),
            started_at=stamp_or_none(record.started_at),
            ended_at=stamp_or_none(record.ended_at),
            approved_by=record.approved_by or None,
            reference=record.reference or None,
            # What a script prints may name anything.
            output=dict(record.output) if tenant is None else {},
        )


class ActionList(Strict):
    """A page of actions, the latest first."""

    items: list[Action]
    next: str | None

    @classmethod
    def of(cls, records: Iterable[ActionRecord], next: str | None, tenant: str | None = None) -> ActionList:
        """Actions as they are sent to somebody who is perhaps bound to a tenant."""
        return cls(items=[Action.of(each, tenant) for each in records], next=next)


class StepOut(Strict):
    """A line of an action's record: what it came to, why, and by whom (null: by itself)."""

    at: Time
    state: ActionState
    attempt: int
    reason: str
    by: str | None

    @classmethod
    def of(cls, step: ActionStep) -> StepOut:
        """A line as it is sent."""
        return cls(
            at=stamp(step.at), state=step.state, attempt=step.attempt, reason=step.reason, by=step.by or None
        )  # fmt: skip


class ActionDetail(Strict):
    """An action with its record, in the order in which it happened."""

    action: Action
    steps: list[StepOut]

    @classmethod
    def of(cls, record: ActionRecord, steps: Sequence[ActionStep], tenant: str | None = None) -> ActionDetail:
        """An action as it is sent to somebody who is perhaps bound to a tenant."""
        return cls(action=Action.of(record, tenant), steps=[StepOut.of(each) for each in steps])


class Plan(Strict):
    """The actions that were planned together, in their order."""

    plan: str
    items: list[Action]
    next: None

    @classmethod
    def of(cls, plan: str, records: Iterable[ActionRecord], tenant: str | None = None) -> Plan:
        """A plan as it is sent to somebody who is perhaps bound to a tenant."""
        return cls(plan=plan, items=[Action.of(each, tenant) for each in records], next=None)


class Decision(Strict):
    """A decision on an action or a plan."""

    reason: Said = Field(default="", description="Why; the audit keeps it, and the record of the action.")


class PauseIn(Strict):
    """What to pause: everything (empty), a target, or `policy NAME`."""

    scope: Scope = ""
    reason: Said = ""


class ResumeIn(Strict):
    """What to resume, as it was paused."""

    scope: Scope = ""


class Pause(Strict):
    """What is paused, since when, by whom and why."""

    scope: str
    at: Time
    by: str
    reason: str

    @classmethod
    def of(cls, pause: Paused) -> Pause:
        """A pause as it is sent."""
        return cls(scope=pause.scope, at=stamp(pause.at), by=pause.by, reason=pause.reason)


class PauseList(Strict):
    """Everything that is paused."""

    items: list[Pause]
    next: None

    @classmethod
    def of(cls, pauses: Iterable[Paused]) -> PauseList:
        """Pauses as they are sent."""
        return cls(items=[Pause.of(each) for each in pauses], next=None)


class ParameterOut(Strict):
    """A term that an action takes."""

    name: str
    type: Literal["str", "int", "float", "bool", "any"]
    required: bool
    help: str


class KindOut(Strict):
    """An action of a target; one called `*` stands for any other name. `rest`: it takes any more terms.

    `repeatable`: doing it twice is as doing it once. `inverse` undoes it. `effects` are what it does to the tables of
    its source, as rules.
    """

    name: str
    help: str
    parameters: list[ParameterOut]
    rest: bool
    repeatable: bool
    inverse: str | None
    effects: list[str]

    @classmethod
    def of(cls, kind: ActionKind, target: str, source: str) -> KindOut:
        """An action of a target as it is sent."""
        parameters = [
            ParameterOut(name=each.name, type=each.type, required=each.required, help=each.help)
            for each in kind.parameters
        ]
        return cls(
            name=kind.name,
            help=kind.help,
            parameters=parameters,
            rest=kind.rest,
            repeatable=kind.repeatable,
            inverse=kind.inverse,
            effects=list(kind.effects_at(target, source)),
        )


class ExecutorOut(Strict):
    """What actions are called at by this name, and what it can do. `site`: it is called for objects of no other."""

    target: str
    executor: str
    source: str
    site: str | None
    actions: list[KindOut]

    @classmethod
    def of(cls, target: Target) -> ExecutorOut:
        """A target as it is sent; its executor's own settings are not."""
        source = target.settings.source_of(target.name)
        return cls(
            target=target.name,
            executor=target.settings.executor,
            source=source,
            site=target.settings.site,
            actions=[KindOut.of(each, target.name, source) for each in target.executor.kinds.values()],
        )


class ExecutorList(Strict):
    """All targets of actions, in the order of the configuration."""

    items: list[ExecutorOut]
    next: None
