"""
Policies that come from the engine above, or that are translated here: stored like others, and changed by nobody else.

The rule to keep: what cannot be taken leaves what was there as it is, and is told; one that is wrong keeps no
other from being taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from congresslite.api import Policy
from congresslite.diagnostics import CongressliteError
from congresslite.federation.host import Given, HeldPolicy
from congresslite.live.core import Core
from congresslite.live.policies import Policies, named, stored
from congresslite.policy.declared import declared_settings
from congresslite.store.records import PolicyVersion
from congresslite.store.store import Store

log = structlog.get_logger("congresslite.tiers")


class TierPolicies:
    """The policies with another engine's name on them."""

    def __init__(self, core: Core, store: Store, policies: Policies) -> None:
        self._core, self._store, self._policies = core, store, policies

    def held(self) -> list[HeldPolicy]:
        """All policies that are stored."""
        return [self._held(each) for each in self._policies.current()]

    def hand(self, wanted: Mapping[str, Given], *, own: bool) -> Mapping[str, str]:
        """See `Host.hand`."""
        with self._core.lock:
            current = {each.name: each for each in self._policies.current()}
            mine = {name: each for name, each in current.items() if self._is_mine(each, own)}
            refused = {
                name: self._held(current[name]).collision() for name in wanted if name in current and name not in mine
            }
            held = {each.name: each.text for each in self._core.engine.policies}
            fresh = {
                name: each
                for name, each in wanted.items()
                if name not in refused and not self._holds(current.get(name), each, held.get(name))
            }
            gone = mine.keys() - wanted.keys()
            refused |= self._take(fresh, gone, current)
        return refused

    def restore(self) -> None:
        """Let the engine have what is stored and could not be loaded with the rest."""
        with self._core.lock:
            missing = {each.name: stored(each) for each in self._policies.current() if each.origin == "tier"}
            held = {each.name for each in self._core.engine.policies}
            for name, policy in missing.items():
                if name not in held:
                    self._revise({name: policy})

    def _held(self, version: PolicyVersion) -> HeldPolicy:
        policy = stored(version)
        tier, mode = self._policies.place.tier_of(policy), declared_settings(policy).mode
        return HeldPolicy(version.name, tier, mode, policy.text, version.path if policy.from_above else None)

    def _is_mine(self, version: PolicyVersion, own: bool) -> bool:
        return version.origin == "tier" and (version.path == self._policies.place.name) == own

    def _holds(self, known: PolicyVersion | None, given: Given, held: str | None) -> bool:
        """Whether a policy is here already, and in force (the text `held`) if it is for this tier."""
        if known is None or (known.text, known.path) != (given.text, given.origin):
            return False
        return not self._policies.place.evaluates(stored(known)) or held == given.text

    def _take(
        self, fresh: Mapping[str, Given], gone: Iterable[str], current: Mapping[str, PolicyVersion]
    ) -> Mapping[str, str]:
        """Let policies come and go; why each that is refused is refused."""
        refused: dict[str, str] = {}
        texts: dict[str, Policy | None] = dict.fromkeys(gone)
        for name, given in fresh.items():
            try:
                texts[name] = replace(named(name, given.text), from_above=True)
            except CongressliteError as error:
                refused[name] = _why(error)
        for name in self._revised(texts, refused):
            text = None if texts[name] is None else fresh[name].text
            path = current[name].path if text is None else fresh[name].origin
            self._store.policies.add(name, text, at=self._policies.latest(name), by=path, origin="tier", path=path)
        return refused

    def _revised(self, wanted: Mapping[str, Policy | None], refused: dict[str, str]) -> list[str]:
        """The names of those that the engine took: all at once, or else one by one, as often as another one helps."""
        if not wanted or self._revise(wanted) is None:
            return list(wanted)
        left, taken = dict(wanted), [""]
        done: list[str] = []
        while taken:
            taken = []
            for name in list(left):
                why = self._revise({name: left[name]})
                if why is None:
                    taken.append(name)
                    del left[name]
                else:
                    refused[name] = why
            done += taken
        for name in done:
            refused.pop(name, None)
        return done

    def _revise(self, wanted: Mapping[str, Policy | None]) -> str | None:
        """Why the engine does not take these; None if it did."""
        try:
            self._policies.revise(self._core, wanted)
        except CongressliteError as error:
            log.warning("policies from another engine are refused", policies=sorted(wanted), why=_why(error))
            return _why(error)
        return None


def _why(error: CongressliteError) -> str:
    return "; ".join(f"{each.code}: {each.message}" for each in error.diagnostics[:3])
