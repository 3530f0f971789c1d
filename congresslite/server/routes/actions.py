"""Actions over REST: what is done about what policies command, and what people decide of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, g

from congresslite.enforcement.enforcer import RefusedError
from congresslite.live import LiveEstate
from congresslite.server.acting import action_of, checked_id, page_of, plan_of
from congresslite.server.audit import audit_detail, audit_target
from congresslite.server.contract import READ, Contract, Resource
from congresslite.server.problems import ProblemError, known
from congresslite.server.replies import reply
from congresslite.server.schemas.actions import (
    ActionDetail,
    ActionList,
    ActionQuery,
    Decision,
    ExecutorList,
    ExecutorOut,
    PauseIn,
    PauseList,
    Plan,
    ResumeIn,
)

EVERYTHING = "everything"


def actions(estate: LiveEstate) -> Resource:
    """The operations on actions, plans and targets."""
    bp = Resource("actions")
    _readings(bp, estate)
    _decisions(bp, estate)
    _switches(bp, estate)
    return bp


def _readings(bp: Resource, estate: LiveEstate) -> None:
    @bp.operation("GET", "/actions", READ, query=ActionQuery, replies=ActionList)
    def listed(query: ActionQuery) -> Response:
        """List actions, the latest first."""
        page = page_of(estate, g.caller, query.wanted(), limit=query.limit, cursor=query.cursor)
        return reply(ActionList.of(page.items, page.next, g.caller.tenant))

    @bp.operation("GET", "/actions/<id>", READ, replies=ActionDetail, fails=(422,))
    def read(id: str) -> Response:
        """Read an action with its record, by its id or at least eight digits of its beginning."""
        with known("action", id[:100]):
            record, steps = action_of(estate, g.caller, id)
        return reply(ActionDetail.of(record, steps, g.caller.tenant))

    @bp.operation("GET", "/plans/<plan>", READ, replies=Plan)
    def plan(plan: str) -> Response:
        """Read the actions that were planned together."""
        with known("plan", plan[:100]):
            return reply(Plan.of(plan, plan_of(estate, g.caller, plan), g.caller.tenant))

    @bp.operation("GET", "/executors", Contract("viewer"), replies=ExecutorList)
    def executors() -> Response:
        """List the targets of actions, and what each can do."""
        items = [ExecutorOut.of(each) for each in estate.actions.targets.all]
        return reply(ExecutorList(items=items, next=None))


def _decisions(bp: Resource, estate: LiveEstate) -> None:
    @bp.operation(
        "POST", "/actions/<string:id>:approve", Contract("operator", action="action.approve"),
        body=Decision, replies=ActionDetail, fails=(409,),
    )  # fmt: skip
    def approve(id: str, body: Decision) -> Response:
        """Let an action run that waits for approval, was stopped, or is held and was not done."""
        with deciding("action", id[:100], body.reason):
            record = estate.actions.approve(checked_id(id), g.caller.name, body.reason)
        audit_target(record.id)
        return reply(ActionDetail.of(*estate.actions.get(record.id)))

    @bp.operation(
        "POST", "/actions/<string:id>:cancel", Contract("operator", action="action.cancel"),
        body=Decision, replies=ActionDetail, fails=(409,),
    )  # fmt: skip
    def cancel(id: str, body: Decision) -> Response:
        """Let an action not run, or follow it no more."""
        with deciding("action", id[:100], body.reason):
            record = estate.actions.cancel(checked_id(id), g.caller.name, body.reason)
        audit_target(record.id)
        return reply(ActionDetail.of(*estate.actions.get(record.id)))

    @bp.operation(
        "POST", "/plans/<string:plan>:approve", Contract("operator", action="plan.approve"),
        body=Decision, replies=Plan, fails=(409,),
    )  # fmt: skip
    def approve_plan(plan: str, body: Decision) -> Response:
        """Let exactly the actions of a plan run, as they were shown, or none of them."""
        with deciding("plan", plan[:100], body.reason):
            return reply(Plan.of(plan, estate.actions.approve_plan(plan, g.caller.name, body.reason)))


def _switches(bp: Resource, estate: LiveEstate) -> None:
    @bp.operation("GET", "/actions:paused", Contract("viewer"), replies=PauseList)
    def paused() -> Response:
        """List what is paused."""
        return reply(PauseList.of(estate.actions.pauses))

    @bp.operation(
        "POST", "/actions:pause", Contract("operator", action="action.pause"), body=PauseIn, replies=PauseList,
        fails=(404,),
    )  # fmt: skip
    def pause(body: PauseIn) -> Response:
        """Give nothing to targets any more: of everything, of one target, or of one policy."""
        with deciding("target and no policy", body.scope[:200], body.reason):
            audit_target(body.scope or EVERYTHING)
            estate.actions.pause(body.scope, g.caller.name, body.reason)
        return reply(PauseList.of(estate.actions.pauses))

    @bp.operation(
        "POST", "/actions:resume", Contract("operator", action="action.resume"), body=ResumeIn, replies=PauseList,
        fails=(404,),
    )  # fmt: skip
    def resume(body: ResumeIn) -> Response:
        """Go on with what was paused."""
        with known("pause of", body.scope[:200] or EVERYTHING):
            audit_target(body.scope or EVERYTHING)
            estate.actions.resume(body.scope, g.caller.name)
        return reply(PauseList.of(estate.actions.pauses))


@contextmanager
def deciding(what: str, name: str, reason: str) -> Iterator[None]:
    """Within it, what cannot be decided is told as a conflict (409), what is not there as such; why is audited."""
    audit_detail(reason=reason)
    with known(what, name):
        try:
            yield
        except RefusedError as error:
            raise ProblemError(409, error.diagnostics) from None
