"""
Pre-commit checks of the running estate, and how what was checked is committed.

A check is made on a snapshot, so nobody waits for it. It is kept with what was proposed; `apply` makes it again while
nothing else can change, and commits only if it finds the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from congresslite.analysis.documents import report_document
from congresslite.analysis.fingerprint import differences
from congresslite.analysis.limits import MaxAffected
from congresslite.analysis.precommit import Context, Elsewhere, precommit, with_tiers
from congresslite.analysis.report import Document, Report
from congresslite.diagnostics import Diagnostic
from congresslite.live.core import Core
from congresslite.live.policies import Policies, named, stored
from congresslite.live.values import Caller, RefusedCheckError
from congresslite.store.records import CheckRecord, PolicyVersion
from congresslite.store.store import Store

# What the engines below find, by their names, for policies that are proposed and names that are to go.
Below = Callable[[Mapping[str, str], Sequence[str]], Mapping[str, Document]]
# What a check of policies with these texts needs to know of the estate, once their tables have been looked at.
AskContext = Callable[[Collection[str]], Context]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would go in (texts by name), what would go out, the limit if it is another one, and how much is told."""

    policies: Mapping[str, str] = field(default_factory=dict)
    remove: Sequence[str] = ()
    max_affected: MaxAffected | None = None
    limit: int = 100

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        most = self.max_affected
        return {
            "policies": dict(self.policies),
            "remove": list(self.remove),
            "max_affected": None if most is None else [most.amount, most.percent],
            "limit": self.limit,
        }

    @staticmethod
    def of(document: Mapping[str, Any]) -> Proposal:
        """As it was stored."""
        most = document["max_affected"]
        limit = None if most is None else MaxAffected(*most)
        return Proposal(document["policies"], tuple(document["remove"]), limit, document["limit"])


class Checks:
    """Makes checks and applies them. `below` asks the engines below; none are asked without it."""

    def __init__(self, core: Core, store: Store, policies: Policies, context: AskContext) -> None:
        self._core, self._store, self._policies, self._context = core, store, policies, context
        self.below: Below | None = None

    def make(self, caller: Caller, proposal: Proposal) -> CheckRecord:
        """See `LiveEstate.check_policies`."""
        found = self._asked(self._report(proposal, self._context_of(proposal)), proposal)
        record = CheckRecord(found.id, found.at, caller.name, proposal.document(), report_document(found))
        self._store.checks.add(record)
        return record

    def apply(self, caller: Caller, id_: str) -> tuple[PolicyVersion, ...]:
        """See `LiveEstate.apply_check`."""
        check = self._store.checks.get(id_)
        if check.document["verdict"] == "reject":
            raise RefusedCheckError(
                Diagnostic("CL332", f"the check `{id_}` rejects these policies", hint="mend them first")
            )
        proposal = Proposal.of(check.proposal)
        # Sources and the engines below are asked while others may still change something here: they take their time.
        context = self._context_of(proposal)
        below = self._found_below(proposal) if check.document["tiers"] else {}
        with self._core.lock:
            now = report_document(with_tiers(self._report(proposal, context), below))
            if _said(now) != _said(check.document):
                raise RefusedCheckError(_other(check, now))
            versions = self._policies.exchange(self._core, caller, proposal.policies, proposal.remove)
            self._store.checks.applied(id_, time.time(), caller.name)
        return tuple(versions)

    def _context_of(self, proposal: Proposal) -> Context:
        context = replace(self._context(tuple(proposal.policies.values())), limit=proposal.limit)
        return context if proposal.max_affected is None else replace(context, max_affected=proposal.max_affected)

    def _report(self, proposal: Proposal, context: Context) -> Report:
        policies = [named(name, text) for name, text in proposal.policies.items()]
        place = self._policies.place
        here = [each for each in policies if place.evaluates(each)]
        below = [each for each in policies if each not in here]
        held = {each.name for each in self._core.engine.policies}
        # What is for the tiers below is checked there; what was evaluated here until now, and moves there, goes.
        live = [stored(each) for each in self._policies.current() if each.name not in held]
        names = {each.name for each in live}
        moving = [each.name for each in below if each.name in held]
        going = [name for name in proposal.remove if name not in names]
        elsewhere = Elsewhere(live, below, [name for name in proposal.remove if name in names])
        return precommit(self._core.engine, here, (*going, *moving), replace(context, elsewhere=elsewhere))

    def report(self, policies: Mapping[str, str], remove: Sequence[str]) -> Document:
        """The report about policies of this tier alone; it is not kept."""
        proposal = Proposal(policies, remove)
        return report_document(self._report(proposal, self._context_of(proposal)))

    def _asked(self, found: Report, proposal: Proposal) -> Report:
        return found if found.verdict == "reject" else with_tiers(found, self._found_below(proposal))

    def _found_below(self, proposal: Proposal) -> Mapping[str, Document]:
        return {} if self.below is None else self.below(proposal.policies, proposal.remove)


def _said(document: Mapping[str, Any]) -> tuple[Any, ...]:
    """What must be the same for a check to be applied."""
    return document["fingerprint"], {name: each.get("fingerprint") for name, each in document["tiers"].items()}


def _other(check: CheckRecord, now: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        "CL333",
        f"what `{check.id}` found is not so any more",
        hint="make the check again, and look at what it finds",
        notes=tuple(differences(check.document, now)),
    )
