"""
Filters of the list of violations: a form's parameters, and what they ask for.

A parameter that says nothing sensible is as if it were not there: a link that
somebody shortened still shows a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import get_args

from congresslite.language.annotations import SEVERITIES
from congresslite.store.records import State, ViolationFilter, ViolationRecord

WORST_FIRST = SEVERITIES[::-1]
STATES: dict[str, tuple[State, ...]] = {**{state: (state,) for state in get_args(State)}, "any": get_args(State)}
SORTS = {
    "-first_seen": "newest first",
    "first_seen": "oldest first",
    "severity": "by severity",
    "policy": "by policy",
    "object": "by object",
}
SINCE = {"1h": 3600, "24h": 86400, "7d": 7 * 86400}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the form is set to; an empty text asks for everything."""

    text: str = ""
    severity: str = ""
    policy: str = ""
    rule: str = ""
    site: str = ""
    source: str = ""
    object: str = ""
    since: str = ""
    state: str = "open"
    sort: str = "-first_seen"

    def wanted(self, now: float) -> ViolationFilter:
        """What is asked of the estate."""
        return ViolationFilter(
            policies=_one(self.policy),
            rules=_one(self.rule),
            severities=_one(self.severity),
            objects=_one(self.object),
            sources=_one(self.source),
            states=STATES[self.state],
            sites=_one(self.site),
            since=now - SINCE[self.since] if self.since else None,
            text=self.text or None,
        )

    def parameters(self) -> dict[str, str]:
        """The parameters that give these filters again, without those that say nothing new."""
        usual = asdict(Filters())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}


def filters_of(parameters: Mapping[str, str]) -> Filters:
    """The filters that parameters ask for."""
    known: dict[str, Iterable[str]] = {"severity": SEVERITIES, "since": SINCE, "state": STATES, "sort": SORTS}
    given = {name: parameters.get(name, "").strip() for name in asdict(Filters())}
    return Filters(**{name: value for name, value in given.items() if value and value in known.get(name, (value,))})


def since_choices() -> Mapping[str, str]:
    """The spans of time that can be chosen, and how they are told."""
    return {"": "any time", **{each: f"the last {each.replace('h', ' h').replace('d', ' d')}" for each in SINCE}}


def any_of(values: set[str], chosen: str) -> Mapping[str, str]:
    """A choice of these values; what is chosen stays one of them."""
    return {"": "any", **{each: each for each in sorted(values | {chosen} - {""})}}


def state_of(violation: ViolationRecord) -> State:
    """The state of an episode."""
    if violation.resolved_at is not None:
        return "resolved"
    return "open" if violation.waiver is None else "waived"


def _one(value: str) -> tuple[str, ...]:
    return (value,) if value else ()
