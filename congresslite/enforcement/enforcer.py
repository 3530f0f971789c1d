"""
The enforcer: the journal, the planner and the runner as one, and what people may decide.

What changes something returns when it is durable, or raises with nothing changed. A KeyError means that there is no
such action; a RefusedError that it cannot be done to it as it stands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from congresslite.api import Snapshot
from congresslite.config.enforcement import EnforcementSettings
from congresslite.config.models import MaxAffectedSettings
from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.enforcement.commands import Commanding
from congresslite.enforcement.guards import Gate
from congresslite.enforcement.host import Host
from congresslite.enforcement.journal import Journal, Listener
from congresslite.enforcement.planner import Planner
from congresslite.enforcement.runner import Runner
from congresslite.enforcement.targets import Targets
from congresslite.store.actions import ActionPage, Actions, Pause
from congresslite.store.records import (
    CANCELLABLE,
    UNAPPROVED,
    WAITING,
    ActionFilter,
    ActionRecord,
    ActionState,
    ActionStep,
)

_PATIENCE = 5.0  # seconds for the planner to look at the latest state

log = structlog.get_logger("congresslite.action")


class RefusedError(CongressliteError):
    """What was asked cannot be done to an action as it stands."""


class Enforcer:
    """Runs what the policies of an engine command. Made when the engine is open, begun by `start`."""

    def __init__(
        self,
        settings: EnforcementSettings,
        affected: MaxAffectedSettings,
        *,
        host: Host,
        store: Actions,
        targets: Targets,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self.targets = targets
        self.journal = Journal(store, remember=_remembered(settings, affected), clock=clock)
        self._planner = Planner(settings, affected, host=host, journal=self.journal, targets=self.targets)
        # Why else an action is not to be begun for now; asked with the journal's lock held.
        self.doubt: Callable[[ActionRecord], str | None] = lambda record: None
        gate = Gate(settings, self.journal, self.targets, lambda each: self._planner.stale(each) or self.doubt(each))
        self._runner = Runner(
            settings,
            journal=self.journal,
            targets=self.targets,
            gate=gate,
            host=host,
            current=self._current,
            undo=self._planner.undo_late,
            enforced=self._planner.enforced,
        )
        self._wanted = threading.Condition()
        self._asked = self._planned = 0  # how often it was asked to plan, and which of these have been answered
        self._gone: set[str] = set()
        self._ending = False
        self._thread = threading.Thread(target=self._plan, name="planner", daemon=True)

    def start(self) -> None:
        """Take up what the journal has, and begin to plan."""
        self.journal.load()
        self._runner.start()
        self._thread.start()
        self.changed()

    def stop(self) -> None:
        """Begin nothing more; what targets have goes on, and is looked up at the next start."""
        with self._wanted:
            self._ending = True
            self._wanted.notify_all()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)
        self._runner.stop()
        self.targets.close()

    def changed(self, gone: Iterable[str] = ()) -> None:
        """The engine, or what is known of its sources, has changed: look at what is wanted. Returns at once.

        `gone` are the ids of wishes that went: should one be back when that is looked at, it is another one.
        """
        with self._wanted:
            self._asked += 1
            self._gone.update(gone)
            self._wanted.notify_all()

    @property
    def alive(self) -> bool:
        """Whether it plans, and runs what is planned."""
        return self._thread.is_alive() and self._runner.alive

    def rules(self, snapshot: Snapshot) -> Commanding:
        """The commanding rules of a state, found once for each program."""
        return self._planner.rules(snapshot)

    def listen(self, listener: Listener) -> None:
        """Tell somebody of each change of an action from now on."""
        self.journal.listen(listener)

    # -- questions -------------------------------------------------------------------------------

    def page(self, wanted: ActionFilter, *, limit: int = 100, cursor: str | None = None) -> ActionPage:
        """A page of actions, the latest first."""
        return self.journal.store.page(wanted, limit=limit, cursor=cursor)

    def get(self, id: str) -> tuple[ActionRecord, tuple[ActionStep, ...]]:
        """An action and its record. Raises KeyError."""
        record = self.journal.store.get(id)
        return record, self.journal.store.steps(record.id)

    def plan(self, plan: str) -> tuple[ActionRecord, ...]:
        """The actions of a plan, in their order. Raises KeyError."""
        found = self.journal.store.page(ActionFilter(plans=(plan,)), limit=100_000).items[::-1]
        if not found:
            raise KeyError(plan)
        return found

    def counts(self) -> Mapping[tuple[str, ActionState], int]:
        """How many there are of each action in each state."""
        return self.journal.store.counts()

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """What is paused."""
        return self.journal.pauses

    # -- decisions -------------------------------------------------------------------------------

    def approve(self, id: str, by: str, reason: str = "") -> ActionRecord:
        """Let an action run that waits for a person: one to be approved, stopped by a guard, or held.

        To approve one that is held says that it was not done. Raises KeyError, RefusedError, also for one that
        nothing wants any more, or whose policy is not enforced at the moment.
        """
        self._current()
        with self.journal.lock:
            record = self._find(id)
            _refuse_unless(record, WAITING, "approved", _NOT_APPROVED)
            if not record.wanted:
                raise _refused(f"action {record.id[:12]} is wanted no more, and cannot be approved", _NOT_WANTED)
            if not self._planner.enforced(record):
                why = f"its policy `{record.policy}` is not enforced"
                raise _refused(f"action {record.id[:12]} cannot be approved: {why}", _NOT_ENFORCED)
            approved = self.journal.change(record, by, **_approved(by, record, reason))
        self._runner.wake(approved.id)
        return approved

    def approve_plan(self, plan: str, by: str, reason: str = "") -> tuple[ActionRecord, ...]:
        """Let exactly the actions of a plan run, as they were shown, or none. Raises KeyError, RefusedError."""
        self._current()
        with self.journal.lock:
            found = self.plan(plan)
            changed = [each for each in found if each.state not in UNAPPROVED]
            if changed:
                now = f"{len(changed)} of its {len(found)} actions are {changed[0].state} by now"
                raise _refused(
                    f"plan {plan} is not what it was: {now}", "look at what is planned now, and approve that"
                )
            at = self.journal.clock()
            approved = [replace(each, changed_at=at, **_approved(by, each, reason)) for each in found]
            written = self.journal.write(changed=approved, by=by)
        for each in written:
            self._runner.wake(each.id)
        return written

    def cancel(self, id: str, by: str, reason: str = "") -> ActionRecord:
        """Let an action not run, or be followed no more. Raises KeyError, RefusedError for what its target has."""
        with self.journal.lock:
            record = self._find(id)
            _refuse_unless(record, CANCELLABLE, "cancelled", _NOT_CANCELLED)
            why = f"cancelled by {by}{f': {reason}' if reason else ''}"
            return self.journal.change(record, by, state="cancelled", reason=why, not_before=None)

    def pause(self, scope: str, by: str, reason: str = "") -> None:
        """Give nothing to targets any more: of everything (empty), of a target, or of a policy (`policy NAME`).

        What a target has goes on, and is followed. Raises KeyError for a scope that there is not.
        """
        self._check(scope)
        self.journal.pause(scope, by, reason)
        log.warning("actions are paused", scope=scope or "everything", by=by, why=reason)

    def resume(self, scope: str, by: str) -> None:
        """Go on. Raises KeyError if it was not paused."""
        if not self.journal.resume(scope):
            raise KeyError(scope)
        log.warning("actions are resumed", scope=scope or "everything", by=by)

    def _check(self, scope: str) -> None:
        kind, _, policy = scope.partition(" ")
        known: Collection[str] = {each.name for each in self._host.snapshot().program.policies}
        if scope and scope not in self.targets and not (kind == "policy" and policy in known):
            raise KeyError(scope)

    def _find(self, id: str) -> ActionRecord:
        record = self.journal.store.get(id)
        return self.journal.find(record.id) or record

    # -- planning --------------------------------------------------------------------------------

    def _plan(self) -> None:
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._ending or self._asked > self._planned)
                if self._ending:
                    return
                asked, gone, self._gone = self._asked, self._gone, set()
            self._plan_now(gone)
            with self._wanted:
                self._planned = asked
                self._wanted.notify_all()

    def _plan_now(self, gone: set[str]) -> None:
        if not self._host.held():
            return
        try:
            planned = self._planner.plan(gone)
        except Exception:
            with self._wanted:
                self._gone |= gone
            log.exception("planning failed; it is done with the next change")
            return
        self._runner.take(planned)

    def _current(self) -> None:
        """Wait until the latest state has been looked at."""
        with self._wanted:
            asked = self._asked
            self._wanted.wait_for(lambda: self._ending or self._planned >= asked, timeout=_PATIENCE)


_NOT_APPROVED = "those that wait for approval, were stopped, or are held can be approved"
_NOT_WANTED = "cancel it, once you know what became of it"
_NOT_ENFORCED = "give the policy the mode `enforce` again, or cancel the action"
_NOT_CANCELLED = "what its target has cannot be called back; see what becomes of it"


def _approved(by: str, record: ActionRecord, why: str) -> dict[str, Any]:
    reason = f"approved by {by}{f': {why}' if why else ''}"
    reason += f" (before: {record.reason})" if record.state == "held" else ""
    return {"state": "planned", "approved_by": by, "reason": reason, "guard": "", "not_before": None}


def _refuse_unless(record: ActionRecord, states: Collection[ActionState], what: str, hint: str) -> None:
    if record.state not in states:
        hint = "it is over" if record.ended else hint
        raise _refused(f"action {record.id[:12]} is {record.state}, and cannot be {what}", hint)


def _refused(message: str, hint: str) -> RefusedError:
    return RefusedError(Diagnostic("CL673", message, None, hint, place="action"))


def _remembered(settings: EnforcementSettings, affected: MaxAffectedSettings) -> float:
    """How far back a guard may look, in seconds."""
    said = [settings.of(action) for action in ("", *settings.actions)]
    times = [time for each in said for time in (each.cooldown, each.rate.per, each.object_rate.per, each.loop.within)]
    return max(affected.within, *times)
