"""
Operation occurrences: what a VNF manager says of its lifecycle operations, and which of them is ours.

The rule to keep: an operation is ours if it carries our key. Where keys do not come back, the operation, its time and
its parameters must agree, and that is said; what fits only in part is not claimed, and not denied either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.sol003.requests import ATTEMPT, GOALS, KEY, Request

ACTIVE = frozenset({"STARTING", "PROCESSING", "ROLLING_BACK"})
FAILED_TEMP = "FAILED_TEMP"
MEND = "`retry`, `rollback` or `fail` ends it"

_MOST_TEXT = 600  # characters of what the VNF manager says
_MOST_NAME = 255  # characters of an id or a name
_MOST_PARTS = 50
_CLOCK = 2.0  # seconds by which times may differ that are told in whole seconds
_NO_CLOCK = 300.0  # the same, where nobody tells what time it is over there
_FREE = frozenset({"additionalParams", "extVirtualLinks", "vimConnectionInfo"})  # which a VNF manager may complete


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One operation, as the VNF manager tells it."""

    id: str
    state: str
    operation: str = ""
    vnf: str = ""
    started: datetime | None = None
    entered: datetime | None = None  # when it came into its state
    parameters: Mapping[str, Any] | None = field(default=None, repr=False)  # None: they do not come back
    error: str = field(default="", repr=False)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # added, removed and changed ones

    @property
    def key(self) -> str | None:
        """The key of the order that it was made by, if that came back."""
        return _text(_mapping((self.parameters or {}).get("additionalParams")).get(KEY)) or None

    @property
    def attempt(self) -> str | None:
        """Which attempt of that order it was, as a text: not every VNF manager keeps numbers what they are."""
        found = _mapping((self.parameters or {}).get("additionalParams")).get(ATTEMPT)
        return None if found is None else str(found)

    def told(self, secrets: Iterable[str]) -> dict[str, Any]:
        """What a person may want to read of it."""
        times = {"started": self.started, "entered": self.entered}
        found: dict[str, Any] = {"occurrence": self.id, "operation": self.operation, "state": self.state}
        found |= {name: time.isoformat() for name, time in times.items() if time is not None}
        if self.error:
            found["error"] = bounded(self.error, secrets)
        return found | ({"parts": dict(self.parts)} if self.parts else {})


def occurrence_of(raw: Any) -> Occurrence | None:
    """An occurrence from its JSON; None for what is none."""
    given = _mapping(raw)
    id_, state = _text(given.get("id")), _text(given.get("operationState"))[:_MOST_NAME]
    if not id_ or not state or len(id_) > _MOST_NAME:
        return None
    return Occurrence(
        id=id_,
        state=state,
        operation=_text(raw.get("operation"))[:_MOST_NAME],
        vnf=_text(raw.get("vnfInstanceId")),
        started=_time(raw.get("startTime")),
        entered=_time(raw.get("stateEnteredTime")),
        parameters=_parameters(raw.get("operationParams")),
        error=problem(raw.get("error")),
        parts=_parts(raw.get("resourceChanges")),
    )


def outcome_of(found: Occurrence, action: str, secrets: Sequence[str], note: str = "") -> Outcome:
    """What the state of an occurrence means for the action that made it, or that was to end it."""
    output = found.told(secrets)
    goal = GOALS.get(action, "COMPLETED")
    said = f": {output['error']}" if "error" in output else ""
    what = f"{found.operation or 'the operation'} {found.id}"
    match found.state:
        case state if state == goal:
            return Outcome("succeeded", note, found.id, output)
        case state if state in ACTIVE:
            return Outcome("underway", note, found.id, output)
        case "FAILED_TEMP":
            why = f"{what} failed{said}; the VNF takes no other operation until {MEND}"
            return Outcome("failed", _joined(note, why), found.id, {**output, "mend": list(GOALS)}, retry=False)
        case "FAILED":
            return Outcome("failed", _joined(note, f"{what} failed for good{said}"), found.id, output, retry=False)
        case "ROLLED_BACK":
            # Nothing of it is left, so that nothing speaks against another try.
            why = f"{what} failed and was rolled back{said}"
            return Outcome("failed", _joined(note, why), found.id, output, retry=action not in GOALS)
        case "COMPLETED":
            return Outcome("failed", f"{what} has completed after all", found.id, output, retry=False)
        case other:
            return Outcome("unknown", f"{what} is in a state that SOL003 does not have: `{other}`", found.id, output)


def since(order: Order, ahead: float | None) -> tuple[float, float]:
    """When, by the clock over there, an order was sent at the earliest, and by when it certainly had been begun."""
    slack = _NO_CLOCK if ahead is None else _CLOCK
    start = order.started_at + (ahead or 0.0)
    return start - slack, start + slack


def ours(
    listed: Sequence[Occurrence], request: Request, order: Order, ahead: float | None, *, keys: bool
) -> tuple[list[Occurrence], list[Occurrence]]:
    """Those that are an order's for certain, and those that may be.

    `listed` are all occurrences of its VNF instance. `keys`: whether orders carry their key.
    """
    certain = [each for each in listed if each.key == order.key and each.attempt in (None, str(order.attempt))]
    if certain or (keys and any(each.key for each in listed)):
        return certain, []  # Keys come back from here: what has none is somebody else's.
    earliest = since(order, ahead)[0]
    return [], [
        each
        for each in listed
        if each.key is None
        and each.operation == request.operation
        and (each.started is None or each.started.timestamp() >= earliest)
        and not _other(each, request)
    ]


def agrees(found: Occurrence, request: Request) -> bool:
    """Whether an occurrence has the parameters of a request, as far as rules determine them."""
    sent = {key: value for key, value in request.body.items() if key not in _FREE}
    return found.parameters is not None and all(found.parameters.get(key) == value for key, value in sent.items())


def _other(found: Occurrence, request: Request) -> bool:
    """Whether an occurrence certainly is of another request."""
    given = found.parameters or {}
    return any(key in given and given[key] != value for key, value in request.body.items() if key not in _FREE)


def latest(found: Sequence[Occurrence]) -> Occurrence:
    """The one that tells how things stand: what is under way, or else what came last."""
    past = datetime.min.replace(tzinfo=UTC)
    return max(found, key=lambda each: (each.state in ACTIVE, each.started or past, each.entered or past))


def is_problem(raw: Any) -> bool:
    """Whether these are the details of a problem as SOL013 wants them; a web server has others, or a page."""
    details = _mapping(raw)
    return isinstance(details.get("status"), int) and isinstance(details.get("detail"), str)


def problem(raw: Any) -> str:
    """What the details of a problem (RFC 7807) say, in one line."""
    details = _mapping(raw)
    parts = [_text(details.get("title")), _text(details.get("detail"))]
    return ": ".join(dict.fromkeys(part for part in parts if part))


def bounded(text: str, secrets: Iterable[str]) -> str:
    """A text of somebody else for people: one line, bounded, without these secrets."""
    for secret in secrets:
        text = text.replace(secret, "…")
    line = " ".join(re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]", " ", text).replace("`", "'").split())
    return line if len(line) <= _MOST_TEXT else line[:_MOST_TEXT] + "…"


def _joined(note: str, why: str) -> str:
    return f"{note}; {why}" if note else why


def _time(value: Any) -> datetime | None:
    """A time; SOL003 wants a zone, and where there is none, it is UTC."""
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _parameters(raw: Any) -> Mapping[str, Any] | None:
    """The parameters of an operation; the first version of the interface is often given them as a text."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            return None
    return raw if isinstance(raw, dict) else None


def _parts(raw: Any) -> dict[str, list[str]]:
    """The parts that an operation added, removed or changed."""
    found: dict[str, list[str]] = {}
    changes = _mapping(raw).get("affectedVnfcs")
    for each in changes[:_MOST_PARTS] if isinstance(changes, list) else ():
        resource = _mapping(_mapping(each).get("computeResource")).get("resourceId")
        name = _text(resource) or _text(_mapping(each).get("id"))
        change = _text(_mapping(each).get("changeType")).lower()[:_MOST_NAME] or "changed"
        found.setdefault(change, []).append(name[:_MOST_NAME])
    return found


def _mapping(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""
