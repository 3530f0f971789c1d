"""
Waivers: violations that somebody accepted, for a reason and for a time.

The rule to keep: whoever wants to know whether a waiver holds, or what it
covers, asks here; the command line, the server and the store must never answer
differently. A waiver with a malformed expiry, or without an owner or a reason,
is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.yamltree import Item, YamlFile
from congresslite.store.records import WaiverRecord

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_DAY_SECONDS = 86400.0
_KEYS = ("id", "owner", "reason", "ticket", "expires", "violation", "policy", "rule", "object")
_REQUIRED = ("owner", "reason", "expires")
EXPIRES_HINT = "write a day, like `2027-01-31`, or a moment with its zone, like `2027-01-31T18:00Z`"


def expiry(text: str) -> float | None:
    """When a waiver ends that says so: after a day (UTC), or at a moment. None for anything else."""
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() + _DAY_SECONDS
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        pass
    return None


def holds(waiver: WaiverRecord, now: float) -> bool:
    """Whether a waiver is one at this time."""
    end = expiry(waiver.expires)
    return fault(waiver) is None and end is not None and now < end


def fault(waiver: WaiverRecord) -> str | None:
    """Why a waiver can never hold, whatever the time is; None if it could."""
    if not waiver.owner.strip():
        return "a waiver without an owner can never hold"
    if not waiver.reason.strip():
        return "a waiver without a reason can never hold"
    if expiry(waiver.expires) is None:
        return f"`{waiver.expires}` is no day and no moment at which a waiver could end"
    if waiver.violation is None and waiver.policy is None:
        return "a waiver covers a violation, or a policy; this one says neither"
    return None


def matches(waiver: WaiverRecord, *, id: str, policy: str, rule: str, object: str | None) -> bool:
    """Whether a waiver is about a violation; everything that it says must be so."""
    return (
        (waiver.violation is not None or waiver.policy is not None)
        and waiver.violation in (None, id)
        and waiver.policy in (None, policy)
        and waiver.rule in (None, rule)
        and waiver.object in (None, object)
    )


def covers(waiver: WaiverRecord, *, id: str, policy: str, rule: str, object: str | None, now: float) -> bool:
    """Whether a violation is waived by this waiver at this time."""
    return holds(waiver, now) and matches(waiver, id=id, policy=policy, rule=rule, object=object)


@dataclass(frozen=True, slots=True)
class Holding:
    """The waivers that hold at one time, to be asked about very many violations."""

    by_violation: Mapping[str, tuple[WaiverRecord, ...]]
    by_policy: Mapping[str, tuple[WaiverRecord, ...]]

    @staticmethod
    def of(waivers: Iterable[WaiverRecord], now: float) -> Holding:
        """Those of these waivers that hold."""
        by_violation: dict[str, tuple[WaiverRecord, ...]] = {}
        by_policy: dict[str, tuple[WaiverRecord, ...]] = {}
        for waiver in waivers:
            if holds(waiver, now):
                if waiver.violation is not None:
                    by_violation[waiver.violation] = (*by_violation.get(waiver.violation, ()), waiver)
                elif waiver.policy is not None:
                    by_policy[waiver.policy] = (*by_policy.get(waiver.policy, ()), waiver)
        return Holding(by_violation, by_policy)

    def covering(self, policy: str, rule: str, object: str | None, id: Callable[[], str]) -> WaiverRecord | None:
        """The first waiver that covers a violation; its id is asked for only if a waiver names one."""
        known = id() if self.by_violation else ""
        for waiver in (*self.by_policy.get(policy, ()), *self.by_violation.get(known, ())):
            if matches(waiver, id=known, policy=policy, rule=rule, object=object):
                return waiver
        return None


def read_waivers(path: Path) -> tuple[WaiverRecord, ...]:
    """The waivers of a YAML file, those that lapsed too. Raises SourceError with everything that is wrong with it."""
    findings: list[Diagnostic] = []
    file = YamlFile(path, findings)
    root = file.root()
    waivers: list[WaiverRecord] = []
    if root is not None and (root.kind != "list" or not isinstance(root.value, tuple)):
        file.tell("CL422", f"a list of waivers is expected (`- owner: …`), not {root.what}", root.span)
    elif root is not None:
        items = [each for each in root.value if isinstance(each, Item)]  # type: ignore[union-attr]
        waivers = [waiver for each in items if (waiver := _read(file, each)) is not None]
    if findings:
        raise SourceError(findings)
    return tuple(waivers)


def _read(file: YamlFile, item: Item) -> WaiverRecord | None:
    """One waiver; None with findings if it can never hold."""
    fields = file.fields(item, "a waiver", _KEYS, _REQUIRED)
    texts = {key: file.text(value, f"`{key}`") for key, value in fields.items()}
    if item.kind != "mapping" or not fields.keys() >= set(_REQUIRED) or None in texts.values():
        return None
    said = {key: text for key, text in texts.items() if text is not None}
    waiver = WaiverRecord(
        id=said.get("id", f"{file.path}:{item.span.line}"),
        owner=said["owner"],
        reason=said["reason"],
        ticket=said.get("ticket", ""),
        expires=said["expires"],
        violation=said.get("violation"),
        policy=said.get("policy"),
        rule=said.get("rule"),
        object=said.get("object"),
    )
    wrong = fault(waiver)
    if wrong is None:
        return waiver
    malformed = expiry(waiver.expires) is None
    place = fields["expires"].span if malformed and "`" in wrong else item.span
    file.tell("CL498", wrong, place, EXPIRES_HINT if malformed else None)
    return None
