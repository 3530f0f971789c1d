"""
Waivers of a running estate: which violations they cover, and when they lapse.

What a waiver means is said in `policy.waivers` alone. Here it is only applied:
the violations that a waiver covers carry its id, and a waiver that lapses is
taken off before the next question is answered.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.live.core import Core
from congresslite.live.rules import Rules
from congresslite.live.values import Caller
from congresslite.policy.conflicts import POLICY as CONFLICTS
from congresslite.policy.waivers import expiry, holds
from congresslite.store.records import WaiverRecord
from congresslite.store.store import Store


class Waivers:
    """All waivers. What changes them holds the core's lock."""

    def __init__(self, core: Core, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._core, self._store, self._clock = core, store, clock
        self._lapses = float("inf")  # when the next one does
        self._sweeping = threading.Lock()

    def begin(self) -> None:
        """Take up what is stored."""
        self._renew()

    def all(self) -> tuple[WaiverRecord, ...]:
        """All waivers, lapsed ones too."""
        return tuple(self._store.waivers.all())

    def add(self, caller: Caller, waiver: WaiverRecord) -> WaiverRecord:
        """See `LiveEstate.add_waiver`."""
        now = self._clock()
        made = replace(waiver, id=f"w-{secrets.token_hex(8)}", created_at=now, created_by=caller.name)
        if not holds(made, now):
            raise SourceError(_never_holds(made))
        with self._core.lock:
            self._check_names(made)
            self._store.waivers.add(made)
            self._renew()
        return made

    def _check_names(self, waiver: WaiverRecord) -> None:
        """Raise SourceError for a violation, a policy or a rule that there is not: it would look as if it were waived.

        The rules of policies for the tiers below are known there alone, and conflicts come and go with the rules.
        """
        if waiver.violation is not None and not self._is_stored(waiver.violation):
            hint = "take its id from the list of violations, or of conflicts"
            raise SourceError(_unknown("violation", waiver.violation, hint))
        if waiver.policy is None or waiver.policy == CONFLICTS:
            return
        policies = [each.name for each in self._store.policies.current()]
        if waiver.policy not in policies:
            raise SourceError(_unknown("policy", waiver.policy, _near(waiver.policy, policies)))
        snapshot = self._core.snapshot()
        if waiver.rule is None or all(each.name != waiver.policy for each in snapshot.program.policies):
            return
        rules = [each.rule for each in Rules(snapshot.program).records.values() if each.policy == waiver.policy]
        if waiver.rule not in rules:
            where = f" of violations in `{waiver.policy}`"
            raise SourceError(_unknown("rule", waiver.rule, _near(waiver.rule, rules), where))

    def _is_stored(self, violation: str) -> bool:
        """Whether a violation is open or was, under exactly this id: spelt otherwise, it would cover nothing."""
        return any(each.id == violation for each in self._store.violations.episodes(violation))

    def remove(self, id_: str) -> None:
        """See `LiveEstate.remove_waiver`."""
        with self._core.lock:
            if all(each.id != id_ for each in self.all()):
                raise KeyError(id_)
            self._store.waivers.remove(id_)
            self._renew()

    def sweep(self) -> None:
        """Take off what has lapsed; costs nothing while nothing has."""
        if self._clock() < self._lapses:
            return
        with self._sweeping, self._core.lock:
            if self._clock() >= self._lapses:
                self._renew()

    def _renew(self) -> None:
        """Mark exactly the open violations that waivers cover now."""
        now = self._clock()
        holding = tuple(each for each in self.all() if holds(each, now))
        self._store.violations.set_waivers(holding)
        self._core.history.waivers = holding
        self._lapses = min(
            (each for waiver in holding if (each := expiry(waiver.expires)) is not None), default=float("inf")
        )


def _near(name: str, known: Collection[str]) -> str | None:
    return near_or_listed(name, sorted(known), "there are" if len(known) > 1 else "there is")


def _unknown(what: str, name: str, hint: str | None, where: str = "") -> Diagnostic:
    return Diagnostic("CL580", f"there is no {what} `{name}`{where}", None, hint, place="waiver")


def _never_holds(waiver: WaiverRecord) -> Diagnostic:
    if waiver.violation is None and waiver.policy is None:
        message, hint = "a waiver has to say what it accepts", "name a violation by its id, or a policy"
    elif not waiver.owner.strip() or not waiver.reason.strip():
        message, hint = "a waiver needs an owner and a reason", "say who answers for it, and why"
    elif expiry(waiver.expires) is None:
        message = f"`{waiver.expires}` is no date until which a waiver could hold"
        hint = "write it as `2027-01-31`, or as `2027-01-31T12:00:00Z`"
    else:
        message, hint = f"a waiver until `{waiver.expires}` has lapsed already", "name a day that is still to come"
    return Diagnostic("CL580", message, None, hint, place="waiver")
