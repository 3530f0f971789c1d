"""
Actions as a caller may see them.

The rule to keep: whoever is bound to a tenant sees the actions on that tenant's objects, and decides nothing. REST
and the console ask here, so that both say the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from congresslite.diagnostics import Diagnostic
from congresslite.live import Caller, LiveEstate
from congresslite.server.contract import allows
from congresslite.server.problems import ProblemError
from congresslite.store.actions import ActionPage
from congresslite.store.records import ActionFilter, ActionRecord, ActionStep

# A whole id, or so much of its beginning that nobody means another one.
_ID = re.compile(r"[0-9a-f]{8,32}")
_WHOLE = 32


def decides(caller: Caller) -> bool:
    """Whether somebody may approve, cancel, pause and resume."""
    return caller.tenant is None and allows(caller.role, "operator")


def page_of(
    estate: LiveEstate, caller: Caller, wanted: ActionFilter, *, limit: int, cursor: str | None = None
) -> ActionPage:
    """A page of the actions that a caller may see, the latest first. Raises StoreError for a cursor that is none."""
    return estate.actions.page(replace(wanted, tenant=caller.tenant), limit=limit, cursor=cursor)


def action_of(estate: LiveEstate, caller: Caller, id: str) -> tuple[ActionRecord, Sequence[ActionStep]]:
    """An action and its record, by its id or the beginning of it. Raises KeyError, ProblemError, StoreError."""
    record, steps = estate.actions.get(checked_id(id, whole=caller.tenant is not None))
    if caller.tenant is not None and record.tenant != caller.tenant:
        raise KeyError(id)
    return record, steps


def plan_of(estate: LiveEstate, caller: Caller, plan: str) -> tuple[ActionRecord, ...]:
    """The actions of a plan that a caller may see, in their order. Raises KeyError if there is none."""
    found = tuple(each for each in estate.actions.plan(plan) if caller.tenant in (None, each.tenant))
    if not found:
        raise KeyError(plan)
    return found


def checked_id(id: str, *, whole: bool = False) -> str:
    """An id of an action, or a beginning of one. Raises KeyError, ProblemError for too short a beginning."""
    if re.fullmatch(r"[0-9a-f]{1,7}", id):
        raise ProblemError(422, Diagnostic("CL550", f"`{id}` is too little of an id", hint="write at least 8 digits"))
    if not _ID.fullmatch(id) or (whole and len(id) != _WHOLE):
        raise KeyError(id)
    return id
