"""Pre-commit checks over REST: what would follow from a change of policies, and to commit exactly that."""

from __future__ import annotations

from flask import Response, g

from congresslite.analysis.limits import MaxAffected
from congresslite.diagnostics import Diagnostic
from congresslite.live import ConflictError, LiveEstate, Proposal, RefusedCheckError
from congresslite.server.contract import Contract, Resource
from congresslite.server.problems import ProblemError, known
from congresslite.server.replies import reply
from congresslite.server.routes.policies import BIG
from congresslite.server.schemas.checks import Applied, CheckIn, CheckList, CheckSummary, Report
from congresslite.server.schemas.policies import PolicySummary


def checks(estate: LiveEstate) -> Resource:
    """The operations on checks."""
    bp = Resource("checks")
    reading = Contract("author")

    @bp.operation("POST", "/policies:check", Contract("author", body_limit=BIG), body=CheckIn, replies=Report)
    def check(body: CheckIn) -> Response:
        """Say what would follow if these policies went in and those went out; nothing changes."""
        most = body.max_affected
        limit = None if most is None else MaxAffected(most.amount, most.percent)
        made = estate.check_policies(g.caller, Proposal(body.policies, tuple(body.remove), limit, body.limit))
        return reply(Report.model_validate(made.document))

    @bp.operation("GET", "/checks", reading, replies=CheckList)
    def listed() -> Response:
        """List the checks that are kept, the latest first."""
        return reply(CheckList(items=[CheckSummary.of(each) for each in estate.checks()], next=None))

    @bp.operation("GET", "/checks/<id>", reading, replies=Report)
    def read(id: str) -> Response:
        """Read the report of a check."""
        with known("check", id[:100]):
            return reply(Report.model_validate(estate.check(id).document))

    @bp.operation(
        "POST", "/checks/<string:id>:apply", Contract("author", action="check.apply"), replies=Applied, fails=(409,)
    )  # fmt: skip
    def apply(id: str) -> Response:
        """Commit exactly what was checked, in one change, or refuse."""
        with known("check", id[:100]):
            try:
                versions = estate.apply_check(g.caller, id)
            except RefusedCheckError as error:
                raise ProblemError(409, error.diagnostics) from None
            except ConflictError as error:
                raise ProblemError(409, Diagnostic("CL562", str(error), hint=error.hint or None)) from None
        return reply(Applied(id=id, policies=[PolicySummary.of(each) for each in versions]))

    return bp
