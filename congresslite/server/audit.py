"""
The audit: every change, done or refused, in one place, before its answer is sent.

What is a change is declared with the operation. A request by somebody unknown
changes nothing and is not audited: else anybody could fill the audit.
"""

from __future__ import annotations

import structlog
from flask import Flask, Response, current_app, g, request

from congresslite.diagnostics import Diagnostic
from congresslite.live import LiveEstate
from congresslite.server.contract import contract_of
from congresslite.server.problems import away, respond
from congresslite.store.errors import AwayError

log = structlog.get_logger(__name__)


def install_audit(app: Flask, estate: LiveEstate) -> None:
    """Audit the changes that an application makes."""

    def audited(response: Response) -> Response:
        if request.url_rule is None or g.get("caller") is None:
            return response
        contract = contract_of(current_app, request.url_rule.endpoint)
        if contract is None or contract.action is None:
            return response
        outcome = "done" if response.status_code < 400 else "refused" if response.status_code < 500 else "failed"
        detail = {"status": response.status_code, **g.get("audit_detail", {})}
        try:
            estate.audit(g.caller, contract.action, _target(), outcome, detail)
        except AwayError as error:
            return away(error)
        except Exception as error:  # whatever it is, a change without a record must not look like a success
            log.error("the audit cannot be written", exc_info=error)
            return respond(500, [Diagnostic("CL565", "the audit cannot be written; the log tells more")])
        return response

    app.after_request(audited)


def audit_target(target: str) -> None:
    """Say what a change is about, where the address does not."""
    g.audit_target = target


def audit_detail(**said: str) -> None:
    """Keep what somebody said of a change, that is no secret; empty words are not kept."""
    g.audit_detail = {name: text for name, text in said.items() if text}


def _target() -> str:
    named = g.get("audit_target") or ".".join(str(part) for part in (request.view_args or {}).values())
    return str(named)[:500]
