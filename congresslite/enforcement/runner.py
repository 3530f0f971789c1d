"""
The runner: from actions that are planned to those that are over, whatever happens to us or to their targets meanwhile.

The rules to keep: an attempt is in the journal before the target is called, and its outcome after. An attempt of which
nothing was heard is looked up at its target until it is certain, or until the target must long have forgotten it; then
it is done again if that does no harm, and else held for a person. Only one attempt of one action acts on an object.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import structlog

from congresslite.config.enforcement import EnforcementSettings
from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.guards import Gate, Verdict
from congresslite.enforcement.host import Host
from congresslite.enforcement.journal import ACTING, Journal
from congresslite.enforcement.targets import Targets, UnfitError
from congresslite.sources.driver import Deadline
from congresslite.store.records import ActionRecord, ActionState

# How soon what is under way is asked about again: after the first time, and at most.
_FIRST, _MOST = 0.5, 15.0
# How often what is held, or takes too long, is looked up at its target.
_RARELY = 60.0
# How soon an engine that lost its lease looks whether it has it again.
_WITHOUT = 1.0
# How long calls that are being made are waited for at the end, in seconds.
_ENDING = 5.0
# A call may reach a target this many times later than we wait for its reply, before we take it not to have come.
_SETTLED = 2

log = structlog.get_logger("congresslite.action")


class Runner:
    """Runs the actions of a journal, each step in a thread of a pool."""

    def __init__(
        self,
        settings: EnforcementSettings,
        *,
        journal: Journal,
        targets: Targets,
        gate: Gate,
        host: Host,
        current: Callable[[], None],
        undo: Callable[[ActionRecord], Sequence[ActionRecord]],
        enforced: Callable[[ActionRecord], bool],
    ) -> None:
        """`current` returns once what is wanted has been looked at in the engine's latest state.

        `undo` says what undoes an action that has just succeeded, if it is wanted no more; `enforced` whether the mode
        of its policy lets an action be tried again.
        """
        self._settings, self._journal, self._targets = settings, journal, targets
        self._gate, self._host, self._current = gate, host, current
        self._undo, self._enforced = undo, enforced
        self._due: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._at_work: set[str] = set()
        self._again: dict[str, float] = {}  # what is to be looked at once its present step is over
        self._delays: dict[str, float] = {}
        self._unsure_since: dict[str, float] = {}
        self._changed = threading.Condition()
        self._ending = False
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="action")
        self._thread = threading.Thread(target=self._run, name="actions", daemon=True)

    def start(self) -> None:
        """Take up everything that is not over."""
        for record in self._journal.live("planned", *ACTING):
            self.wake(record.id, 0.0 if record.not_before is None else record.not_before)
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; returns when the calls that are being made have been written down, within seconds."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_ENDING)
        with self._changed:
            self._changed.wait_for(lambda: not self._at_work, timeout=_ENDING)
        self._pool.shutdown(wait=False, cancel_futures=True)
        # What a call says that is still being made is not written any more: it is looked up at the next start.
        self._journal.close()

    @property
    def alive(self) -> bool:
        """Whether it hands out work."""
        return self._thread.is_alive()

    def wake(self, id: str, at: float = 0.0) -> None:
        """Take the next step of an action then (by the journal's clock), or at once."""
        with self._changed:
            if id in self._at_work:
                self._again[id] = min(at, self._again.get(id, at))
            else:
                heapq.heappush(self._due, (at, next(self._order), id))
                self._changed.notify()

    def take(self, planned: Sequence[ActionRecord]) -> None:
        """Take up actions that are new: tell of them, and begin those that wait for nobody."""
        # A runaway may be of thousands, which are stopped for one reason.
        stopped = Counter(
            (each.plan, each.action, each.guard, each.reason) for each in planned if each.state == "stopped"
        )
        for (plan, action, guard, why), count in stopped.items():
            log.warning("actions are stopped", plan=plan, action=action, count=count, guard=guard, why=why)
        for record in planned:
            if record.state != "stopped":
                log.info("an action is planned", **_named(record), state=record.state)
            if record.state == "planned":
                self.wake(record.id)

    # -- the thread that hands out -----------------------------------------------------------------

    def _run(self) -> None:
        while (id_ := self._next()) is not None:
            try:
                self._pool.submit(self._work, id_)
            except RuntimeError:
                return  # the pool is closed

    def _next(self) -> str | None:
        """The next action that is due, when it is; None at the end."""
        with self._changed:
            while not self._ending:
                if len(self._at_work) >= self._settings.workers or not self._due:
                    self._changed.wait()
                    continue
                wait = self._due[0][0] - self._journal.clock()
                if wait > 0:
                    self._changed.wait(min(wait, 1.0))
                    continue
                id_ = heapq.heappop(self._due)[2]
                if id_ not in self._at_work:
                    self._at_work.add(id_)
                    return id_
            return None

    def _work(self, id: str) -> None:
        again: float | None = None
        try:
            # Without its lease an engine calls nobody; it may get it back, if nobody else has taken it.
            again = self._step(id) if self._host.held() else self._journal.clock() + _WITHOUT
        except Exception:
            log.exception("a step of an action failed; it is taken again", key=id)
            again = self._journal.clock() + _MOST
        finally:
            with self._changed:
                self._at_work.discard(id)
                asked = self._again.pop(id, None)
                due = min((each for each in (again, asked) if each is not None), default=None)
                if due is not None:
                    heapq.heappush(self._due, (due, next(self._order), id))
                self._changed.notify_all()

    # -- one step ----------------------------------------------------------------------------------

    def _step(self, id: str) -> float | None:
        """Take the next step of an action; when the one after is due, if there is one."""
        record = self._journal.find(id)
        if record is None or record.state not in ("planned", *ACTING):
            self._delays.pop(id, None)
            self._unsure_since.pop(id, None)
            return None
        if record.state == "planned":
            return self._begin(record)
        try:
            order = self._order_of(record)
        except UnfitError as error:
            return self._hold(record, f"what became of it cannot be looked up: {error}")
        executor = self._targets.of(record.action).executor
        deadline = Deadline.after(self._settings.of(record.action).call_timeout)
        ask = executor.follow if record.reference and record.state != "held" else executor.inspect
        return self._heard(record, _asked(ask, order, deadline))

    def _begin(self, record: ActionRecord) -> float | None:
        """Give an action to its target, if nothing speaks against it."""
        self._current()
        settings = self._settings.of(record.action)
        with self._journal.lock:
            latest = self._journal.find(record.id)
            if latest is None or latest.state != "planned":
                return None
            now = self._journal.clock()
            if latest.not_before is not None and latest.not_before > now:
                return latest.not_before
            verdict = self._gate.check(latest)
            if verdict is not None:
                return self._waits(latest, verdict)
            executor = self._targets.of(latest.action).executor
            self._unsure_since.pop(latest.id, None)  # what was not known of another attempt is not about this one
            record = self._journal.change(
                latest,
                state="running",
                attempt=latest.attempt + 1,
                started_at=now,
                not_before=None,
                reason="",
                guard="",
                reference=executor.place,
                epoch=self._host.epoch,
            )
        order = self._order_of(record)
        if not self._host.held():
            return now + _WITHOUT  # whoever has it then looks it up, and finds nothing
        return self._heard(record, _asked(executor.perform, order, Deadline.after(settings.call_timeout)))

    def _waits(self, record: ActionRecord, verdict: Verdict) -> float | None:
        """A guard speaks against it."""
        if verdict.until is None:
            log.warning("an action is stopped", **_named(record), guard=verdict.guard, why=verdict.reason)
            self._journal.change(record, state="stopped", guard=verdict.guard, reason=verdict.reason)
            return None
        if (record.guard, record.reason) != (verdict.guard, verdict.reason):
            self._journal.change(record, guard=verdict.guard, reason=verdict.reason)
        return verdict.until

    # -- what was heard ----------------------------------------------------------------------------

    def _heard(self, record: ActionRecord, outcome: Outcome) -> float | None:
        """Write down what is known of an attempt; when to ask again, if that is to be done."""
        known = self._journal.find(record.id)
        if outcome.state == "succeeded" and known is not None and not known.wanted:
            self._current()  # what went may be back, and then it is not undone
        with self._journal.lock:
            latest = self._journal.find(record.id)
            if latest is None or latest.attempt != record.attempt or latest.state not in ACTING:
                return None  # a person has decided meanwhile
            if outcome.state not in ("unknown", "absent"):
                self._unsure_since.pop(record.id, None)
            told = {"reference": outcome.reference or latest.reference, "output": dict(outcome.output) or latest.output}
            match outcome.state:
                case "succeeded":
                    self._ended(latest, "succeeded", outcome.why, told)
                    return None
                case "failed":
                    return self._failed(latest, outcome.why, told, retry=outcome.retry)
                case "underway":
                    return self._underway(latest, outcome, told)
                case _:
                    return self._unsure(latest, outcome, told)

    def _ended(self, record: ActionRecord, state: ActionState, why: str, told: dict[str, Any]) -> None:
        now = self._journal.clock()
        ended = replace(record, changed_at=now, state=state, reason=why, not_before=None, guard="", **told)
        undo = self._undo(ended)
        self._journal.write(undo, [ended])
        log.info("an action ended", **_named(record), state=state, why=why)
        self.take(undo)

    def _failed(self, record: ActionRecord, why: str, told: dict[str, Any], *, retry: bool) -> float | None:
        """It is certain that this attempt came to nothing: another one, later, or none."""
        settings = self._settings.of(record.action)
        if not retry or record.attempt >= settings.attempts or not record.wanted:
            tried = f" (attempt {record.attempt} of {settings.attempts})" if retry and settings.attempts > 1 else ""
            self._ended(record, "failed", f"{why}{tried}", told)
            return None
        if not self._enforced(record):
            self._ended(record, "failed", f"{why}; it is not tried again, as its policy is not enforced", told)
            return None
        due = self._journal.clock() + settings.backoff * 2.0 ** (record.attempt - 1)
        self._journal.change(record, state="planned", reason=f"{why}; it is tried again", not_before=due, **told)
        return due

    def _underway(self, record: ActionRecord, outcome: Outcome, told: dict[str, Any]) -> float:
        now = self._journal.clock()
        limit = self._settings.of(record.action).timeout
        late = now - (record.started_at or now) > limit
        state = "timed_out" if late else "running"
        reason = f"its target still has it after {limit:.0f} s" if late else outcome.why
        if (state, reason, told["reference"]) != (record.state, record.reason, record.reference):
            self._journal.change(record, state=state, reason=reason, **told)
        return now + (_RARELY if late else self._delay(record.id))

    def _unsure(self, record: ActionRecord, outcome: Outcome, told: dict[str, Any]) -> float | None:
        """Nobody can tell yet, or any more, whether it was done."""
        now = self._journal.clock()
        settings = self._settings.of(record.action)
        lasting = _SETTLED * settings.call_timeout
        lost = outcome.state == "absent"
        said = f" ({outcome.why})" if outcome.why else ""
        # What is not there yet may still be on its way; what cannot be asked now may be asked in a moment.
        settled = lasting + ((record.started_at or 0.0) if lost else self._unsure_since.setdefault(record.id, now))
        repeatable = self._targets.kind(record.action).repeatable
        if record.state == "held" and not lost:
            return now + _RARELY
        if now < settled and not (repeatable and lost):
            reason = f"it is not known whether it was done ({outcome.why}); its target is asked again"
            if record.reason != reason:
                self._journal.change(record, reason=reason, **told)
            return min(settled, now + self._delay(record.id))
        if repeatable or (lost and self._certain(record)):
            why = f"its target never got it{said}" if lost else f"it is not known whether it was done ({outcome.why})"
            return self._failed(record, why, told, retry=True)
        if lost:
            why = f"its target has not got it{said}, but the engine that was to call it may still be running"
            return self._hold(record, why)
        return self._hold(record, f"it is not known whether it was done: {outcome.why}")

    def _certain(self, record: ActionRecord) -> bool:
        """Whether whoever started an attempt will certainly not call the target any more."""
        return record.epoch == self._host.epoch or self._host.over(record.epoch)

    def _hold(self, record: ActionRecord, reason: str) -> float:
        """A person must say what became of it; it is looked up now and then meanwhile."""
        if record.state != "held" or record.reason != reason:
            log.warning("an action is held", **_named(record), why=reason)
            self._journal.change(record, state="held", reason=reason, guard="")
        return self._journal.clock() + _RARELY

    def _delay(self, id: str) -> float:
        """The time until the next question; it grows."""
        delay = self._delays.get(id, _FIRST / 2) * 2
        self._delays[id] = min(delay, _MOST)
        return self._delays[id]

    def _order_of(self, record: ActionRecord) -> Order:
        return Order(
            key=record.id,
            action=record.action.rpartition(":")[2],
            arguments=self._targets.arguments(record.action, record.arguments),
            attempt=record.attempt,
            started_at=record.started_at or 0.0,
            reference=record.reference,
        )


def _named(record: ActionRecord) -> dict[str, str]:
    """What an action is called in the log."""
    return {"key": record.id, "action": record.action, "object": record.object}


def _asked(ask: Callable[[Order, Deadline], Outcome], order: Order, deadline: Deadline) -> Outcome:
    """What an executor says; one that fails has said nothing."""
    try:
        return ask(order, deadline)
    except Exception as error:
        log.exception("an executor failed", key=order.key, action=order.action)
        return Outcome("unknown", f"its executor failed: {type(error).__name__}")
