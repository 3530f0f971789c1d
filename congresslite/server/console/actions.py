"""
The pages of actions: what waits for a person first, one action with its record, and the forms by which people decide.

The rule to keep: a form changes something only if one of our own pages sent it, for a caller who may decide; whatever
is decided is audited as over REST, and then a page is shown that says how things stand.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from flask import abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from congresslite.live import LiveEstate
from congresslite.server.acting import action_of, checked_id, decides, page_of
from congresslite.server.audit import audit_detail, audit_target
from congresslite.server.console.door import Door
from congresslite.server.console.filters import SINCE, any_of, since_choices
from congresslite.server.mends import STATES, mend_of
from congresslite.server.problems import ProblemError
from congresslite.store.actions import Pause
from congresslite.store.records import (
    CANCELLABLE,
    UNAPPROVED,
    WAITING,
    ActionFilter,
    ActionRecord,
    ActionState,
)

PAGE = 50  # actions on a page
_LONGEST = 1000  # characters of a reason
_OTHERS = tuple(state for state in STATES if state not in WAITING)
# What can be chosen, and the states that this asks for; empty: what waits for a person, and then all others.
CHOICES: Mapping[str, tuple[ActionState, ...]] = {
    "": (), "waiting": WAITING, **{state: (state,) for state in STATES}, "any": STATES,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ActionFilters:
    """What the form is set to; an empty text asks for everything."""

    state: str = ""
    policy: str = ""
    action: str = ""
    object: str = ""
    plan: str = ""
    since: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> ActionFilters:
        """The filters that parameters ask for; one that says nothing sensible is as if it were not there."""
        known: Mapping[str, Mapping[str, object]] = {"state": CHOICES, "since": SINCE}
        given = {name: parameters.get(name, "").strip() for name in asdict(cls())}
        return cls(**{name: value for name, value in given.items() if value in known.get(name, (value,))})

    def parameters(self) -> dict[str, Any]:
        """The parameters that give these filters again."""
        return {name: value for name, value in asdict(self).items() if value}

    def wanted(self, states: tuple[ActionState, ...], now: float) -> ActionFilter:
        """What is asked of the estate, of actions in these states."""
        return ActionFilter(
            states=states,
            policies=(self.policy,) if self.policy else (),
            actions=(self.action,) if self.action else (),
            objects=(self.object,) if self.object else (),
            plans=(self.plan,) if self.plan else (),
            since=now - SINCE[self.since] if self.since else None,
        )


@dataclass(frozen=True, slots=True)
class ActionPages:
    """The pages of the actions of one estate, for those whom the door lets in."""

    estate: LiveEstate
    door: Door

    def actions(self) -> ResponseReturnValue:
        """A page of the list that the form asks for; without a choice, what waits for a person goes first."""
        filters, cursor = ActionFilters.of(request.args), request.args.get("cursor") or None
        now = time.time()
        waiting = None
        if not filters.state and cursor is None:
            waiting = page_of(self.estate, g.caller, filters.wanted(WAITING, now), limit=PAGE)
        states = CHOICES[filters.state] or _OTHERS
        page = page_of(self.estate, g.caller, filters.wanted(states, now), limit=PAGE, cursor=cursor)
        return self.door.render(
            "actions.html",
            filters=filters,
            choices=self._choices(filters),
            waiting=waiting,
            page=page,
            first=cursor is None,
            address=url_for("console.actions", cursor=cursor, **filters.parameters()),
            pauses=pauses_for(self.estate),
            plan=self._plan(filters.plan),
            mend_of=mend_of,
        )

    def _choices(self, filters: ActionFilters) -> Mapping[str, Mapping[str, str]]:
        """What can be chosen for each filter: values and how they are told."""
        return {
            "state": {each: each.replace("_", " ") or "what waits first" for each in CHOICES},
            "policy": any_of({each.name for each in self.estate.policies()}, filters.policy),
            "since": since_choices(),
        }

    def _plan(self, plan: str) -> tuple[ActionRecord, ...]:
        """The actions of a plan that can be approved as a whole, by this caller."""
        if not plan or not decides(g.caller):
            return ()
        try:
            found = self.estate.actions.plan(plan)
        except KeyError:
            return ()
        return found if all(each.state in UNAPPROVED for each in found) else ()

    def action(self, id: str) -> ResponseReturnValue:
        """One action: how it stands, what may be done, and its record."""
        with _known("action"):
            record, steps = action_of(self.estate, g.caller, id)
        can = decides(g.caller)
        return self.door.render(
            "action.html",
            action=record,
            output=record.output if g.caller.tenant is None else {},
            steps=steps,
            mend=mend_of(record),
            approvable=can and record.state in WAITING and record.wanted,
            cancellable=can and record.state in CANCELLABLE,
            address=url_for("console.action", id=record.id),
            pauses=pauses_for(self.estate),
        )

    # -- decisions ---------------------------------------------------------------------------------

    def approve_action(self, id: str) -> ResponseReturnValue:
        """Let an action run that waits for a person."""
        reason = self._decided()
        with _known("action"):
            record = self.estate.actions.approve(checked_id(id), g.caller.name, reason)
        audit_target(record.id)
        return redirect(url_for("console.action", id=record.id), 303)

    def cancel_action(self, id: str) -> ResponseReturnValue:
        """Let an action not run, or follow it no more."""
        reason = self._decided()
        with _known("action"):
            record = self.estate.actions.cancel(checked_id(id), g.caller.name, reason)
        audit_target(record.id)
        return redirect(url_for("console.action", id=record.id), 303)

    def approve_plan(self, plan: str) -> ResponseReturnValue:
        """Let the actions of a plan run, as they were shown, or none."""
        reason = self._decided()
        with _known("plan"):
            self.estate.actions.approve_plan(plan, g.caller.name, reason)
        return redirect(url_for("console.actions", plan=plan, state="any"), 303)

    def pause_actions(self) -> ResponseReturnValue:
        """Give nothing to targets any more."""
        self._switched(partial(self.estate.actions.pause, by=g.caller.name, reason=self._decided()))
        return redirect(url_for("console.actions"), 303)

    def resume_actions(self) -> ResponseReturnValue:
        """Go on with what was paused."""
        self._decided()
        self._switched(partial(self.estate.actions.resume, by=g.caller.name))
        return redirect(url_for("console.actions"), 303)

    def _switched(self, switch: partial[None]) -> None:
        scope = request.form.get("scope", "")
        audit_target(scope or "everything")
        with _known("target, policy or pause"):
            switch(scope)

    def _decided(self) -> str:
        """Why the caller decides as the form says; refuses one that is not ours, and whoever may not decide."""
        self.door.check_form()
        if not decides(g.caller):
            abort(403, "only operators decide on actions, and nobody who is bound to a tenant")
        reason = request.form.get("reason", "").strip()[:_LONGEST]
        audit_detail(reason=reason)
        return reason


def pauses_for(estate: LiveEstate) -> tuple[Pause, ...]:
    """What is paused, for whoever may know of it."""
    return estate.actions.pauses if g.caller.tenant is None else ()


@contextmanager
def _known(what: str) -> Iterator[None]:
    """Within it, what is not there is told as such."""
    try:
        yield
    except (KeyError, ProblemError):
        abort(404, f"there is no such {what}")
