"""
Guards: what must hold before an action is given to its target, whichever executor calls it.

The rule to keep: every call goes through all of them, in this order, and whatever stops one says why. A guard that
waits lets the action run later by itself; one that stops it wants a person. They ask the journal, never the target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from congresslite.config.enforcement import ActionSettings, EnforcementSettings, window
from congresslite.enforcement.journal import Journal, Start
from congresslite.enforcement.targets import Targets, UnfitError
from congresslite.store.records import ActionRecord

# How soon something is looked at again that nobody tells the end of.
_SOON = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guard says against an action: it waits until then (`until`), or it is stopped (None).

    The reason stays the same for as long as nothing changes, so that it is written down once.
    """

    guard: str
    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """All guards, over one journal. `stale` tells why what an action rests on may not be believed."""

    settings: EnforcementSettings
    journal: Journal
    targets: Targets
    stale: Callable[[ActionRecord], str | None] = field(default=lambda record: None)

    def check(self, record: ActionRecord) -> Verdict | None:
        """What speaks against giving this action to its target now; None if nothing does."""
        case = Case(record, self.settings.of(record.action), self.journal.clock(), self)
        return next((found for guard in GUARDS if (found := guard(case)) is not None), None)


@dataclass(frozen=True, slots=True)
class Case:
    """An action at a moment, as guards look at it."""

    record: ActionRecord
    settings: ActionSettings
    now: float
    gate: Gate

    def clock(self, at: float) -> str:
        """A time as people in charge read it."""
        return datetime.fromtimestamp(at, ZoneInfo(self.gate.settings.timezone)).strftime("%H:%M:%S %Z")

    def starts(self, since: float, *, of_object: bool = False, of_action: bool = False) -> list[Start]:
        """The attempts of other actions in these last seconds, the latest first."""
        found = self.gate.journal.starts(
            since=self.now - since,
            object=self.record.object if of_object else None,
            action=self.record.action if of_action else None,
        )
        return [each for each in found if each.id != self.record.id]


def switch(case: Case) -> Verdict | None:
    """The kill switch, in the configuration or pressed by somebody."""
    if not case.gate.settings.enabled:
        return Verdict("switch", "enforcement is switched off in the configuration", case.now + _SOON)
    scopes = {"": "everything", case.record.target: "its target", f"policy {case.record.policy}": "its policy"}
    for pause in case.gate.journal.pauses:
        if pause.scope in scopes:
            why = f": {pause.reason}" if pause.reason else ""
            return Verdict("switch", f"{scopes[pause.scope]} is paused by {pause.by}{why}", case.now + _SOON)
    return None


def block_list(case: Case) -> Verdict | None:
    """What is never done, or never to this."""
    for each in case.gate.settings.block:
        if fnmatchcase(case.record.action, each.action) and fnmatchcase(case.record.object, each.object):
            why = f": {each.reason}" if each.reason else ""
            return Verdict("block", f"`{each.action}` on `{each.object}` is blocked{why}")
    return None


def target(case: Case) -> Verdict | None:
    """The target is there, and takes what is commanded."""
    try:
        case.gate.targets.arguments(case.record.action, case.record.arguments)
    except UnfitError as error:
        return Verdict("target", str(error))
    return None


def site(case: Case) -> Verdict | None:
    """The object is where its target is."""
    at = case.gate.targets.of(case.record.action).settings.site
    if at is None or case.record.site is None or case.record.site == at:
        return None
    return Verdict("site", f"`{case.record.object}` is at {case.record.site}, and its target is at {at}")


def freshness(case: Case) -> Verdict | None:
    """What the command rests on is current."""
    why = case.gate.stale(case.record)
    return None if why is None else Verdict("freshness", why, case.now + _SOON)


def time_window(case: Case) -> Verdict | None:
    """The time of the day, and of the week."""
    windows = case.settings.windows
    if not windows:
        return None
    at = datetime.fromtimestamp(case.now, ZoneInfo(case.gate.settings.timezone))
    opens = min(_opens(each, at) for each in windows)
    if opens <= at:
        return None
    return Verdict(
        "window", f"it may run from {opens.strftime('%a %H:%M')} on ({', '.join(windows)})", opens.timestamp()
    )


def busy(case: Case) -> Verdict | None:
    """Nothing else acts on the object."""
    for each in case.gate.journal.acting(case.record.object):
        if each.id != case.record.id:
            how = {"held": "is held, for a person to say what became of it"}.get(each.state, "is under way")
            reason = f"`{each.action}` on `{each.object}` {how} ({each.id[:12]})"
            return Verdict("conflict", reason, case.now + _SOON)
    return None


def cooldown(case: Case) -> Verdict | None:
    """The same was not done to the same a moment ago."""
    last = next(iter(case.starts(case.settings.cooldown, of_object=True, of_action=True)), None)
    if last is None:
        return None
    until = last.at + case.settings.cooldown
    reason = f"`{last.action}` on `{last.object}` ran a moment ago; it cools down until {case.clock(until)}"
    return Verdict("cooldown", reason, until)


def loop(case: Case) -> Verdict | None:
    """The same is not done to the same again and again."""
    limit = case.settings.loop
    if case.record.approved_by:
        return None
    again = case.starts(limit.within, of_object=True, of_action=True)
    if len(again) < limit.times:
        return None
    between = {each.action: each.policy for each in case.starts(limit.within, of_object=True)}
    between.pop(case.record.action, None)
    also = ", ".join(f"`{action}` of policy `{policy}`" for action, policy in sorted(between.items()))
    also = f", and between that ran {also}: do the two undo each other?" if also else ""
    reason = f"`{case.record.action}` ran {len(again)} times on `{case.record.object}` in {limit.within:.0f} s{also}"
    return Verdict("loop", reason)


def object_rate(case: Case) -> Verdict | None:
    """Not too much is done to one object."""
    limit = case.settings.object_rate
    found = case.starts(limit.per, of_object=True)
    if len(found) < limit.amount:
        return None
    reason = f"{len(found)} actions ran on `{case.record.object}` in {limit.per:.0f} s, of {limit.amount}"
    return Verdict("object_rate", reason, _freed(found, limit.amount, limit.per, case.now))


def rate(case: Case) -> Verdict | None:
    """An action is not run too often, on whatever objects."""
    limit = case.settings.rate
    found = case.gate.journal.starts(since=case.now - limit.per, action=case.record.action, most=limit.amount)
    if len(found) < limit.amount:
        return None
    reason = f"`{case.record.action}` ran {len(found)} times in {limit.per:.0f} s, of {limit.amount}"
    return Verdict("rate", reason, _freed(found, limit.amount, limit.per, case.now))


# The blast radius and approval are decided before, when actions are planned together.
GUARDS: tuple[Callable[[Case], Verdict | None], ...] = (
    switch, block_list, target, site, freshness, time_window, busy, loop, cooldown, object_rate, rate,
)  # fmt: skip


def _freed(starts: list[Start], amount: int, per: float, now: float) -> float:
    """When there is room again for one more."""
    return starts[amount - 1].at + per if amount else now + per


def _opens(text: str, at: datetime) -> datetime:
    """When a window opens next; `at` itself if it is open."""
    days, begin, end = window(text)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    length = end - begin if end > begin else end - begin + 24 * 60
    for day in range(-1, 8):
        opens = midnight + timedelta(days=day, minutes=begin)
        if (midnight + timedelta(days=day)).weekday() in days and at < opens + timedelta(minutes=length):
            return max(opens, at)
    raise AssertionError(text)
