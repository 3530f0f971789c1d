"""
What a VNF manager for tests has done: a book on disk that outlives it, and the state that follows from the book.

The rule to keep: what is entered is on the disk before anybody is told of it, so that "done twice" can be counted
whatever was killed when.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

BLOCKING = ("STARTING", "PROCESSING", "ROLLING_BACK", "FAILED_TEMP")


@dataclass
class Operation:
    """A lifecycle operation, with what came over it: (when, the state while it lasts, for how long, its end)."""

    id: str
    vnf: str
    operation: str
    parameters: Mapping[str, Any]
    spans: list[tuple[float, str, float, str]] = field(default_factory=list)

    def state(self, now: float) -> tuple[str, float]:
        """The state, and since when."""
        begun = [span for span in self.spans if span[0] <= now] or self.spans[:1]
        at, during, seconds, end = begun[-1]
        return (during, at) if now < at + seconds else (end, at + seconds)


def done(book: Path) -> Counter[str]:
    """How often an operation was begun, by the key in its parameters."""
    keys = (_key(entry["parameters"]) for entry in _entries(book) if entry["entry"] == "operation")
    return Counter(key for key in keys if key)


def _entries(book: Path) -> Iterator[dict[str, Any]]:
    """What is in a book, without a last line that was being written as its writer was killed: nobody was told of it."""
    for line in book.read_text("utf-8").splitlines(keepends=True):
        if line.endswith("\n") and line.strip():
            yield json.loads(line)


def _key(parameters: Mapping[str, Any]) -> str:
    return str((parameters.get("additionalParams") or {}).get("congresslite_key", ""))


class Book:
    """All instances and operations. Any number of threads use it at once."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.instances: dict[str, Mapping[str, Any]] = {}
        self.operations: dict[str, Operation] = {}
        self.ahead = 0.0  # seconds of its clock
        if path.exists():
            found = list(_entries(path))
            path.write_text("".join(json.dumps(each) + "\n" for each in found), "utf-8")
            for each in found:
                self._take(each)
        self._file = path.open("a", encoding="utf-8")

    def now(self) -> float:
        """The time by its clock."""
        return time.time() + self.ahead

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def make(self, members: Mapping[str, Any], id_: str = "") -> str:
        """A new instance."""
        made = id_ or str(uuid4())
        self._enter({"entry": "instance", "id": made, "members": dict(members)})
        return made

    def begin(self, vnf: str, operation: str, parameters: Mapping[str, Any], seconds: float, end: str) -> str:
        """A new operation, which ends after so many seconds in this state."""
        id_ = str(uuid4())
        entry = {"entry": "operation", "id": id_, "vnf": vnf, "operation": operation, "parameters": dict(parameters)}
        self._enter({**entry, "span": (self.now(), "PROCESSING", seconds, end)})
        return id_

    def go_on(self, operation: str, during: str, seconds: float, end: str, delay: float = 0.0) -> None:
        """A retry, rollback or fail of an operation."""
        self._enter({"entry": "span", "id": operation, "span": (self.now() + delay, during, seconds, end)})

    def blocking(self, vnf: str) -> Operation | None:
        """The operation that lets no other one begin."""
        return next((each for each in self._of(vnf) if each.state(self.now())[0] in BLOCKING), None)

    def instance(self, vnf: str) -> dict[str, Any]:
        """An instance as it is by all that has completed."""
        found = {"id": vnf, "instantiationState": "NOT_INSTANTIATED", **self.instances[vnf]}
        now = self.now()
        completed = [(each.state(now)[1], each) for each in self._of(vnf) if each.state(now)[0] == "COMPLETED"]
        for _, each in sorted(completed, key=lambda pair: pair[0]):
            _apply(found, each)
        return found

    def _of(self, vnf: str) -> Iterator[Operation]:
        return (each for each in list(self.operations.values()) if each.vnf == vnf)

    def _enter(self, entry: dict[str, Any]) -> None:
        with self.lock:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._take(entry)

    def _take(self, entry: Mapping[str, Any]) -> None:
        match entry["entry"]:
            case "instance":
                self.instances[entry["id"]] = entry["members"]
            case "operation":
                made = Operation(entry["id"], entry["vnf"], entry["operation"], entry["parameters"])
                self.operations[made.id] = made
                made.spans.append(tuple(entry["span"]))
            case "span":
                self.operations[entry["id"]].spans.append(tuple(entry["span"]))


def told(operation: Operation, now: float, echo: str) -> dict[str, Any]:
    """An operation as SOL003 tells it.

    `echo` says how parameters come back: all, as a text (text), without what SOL003 leaves to the VNF (plain), none.
    """
    state, entered = operation.state(now)
    found: dict[str, Any] = {
        "id": operation.id,
        "operationState": state,
        "stateEnteredTime": _written(entered),
        "startTime": _written(operation.spans[0][0]),
        "vnfInstanceId": operation.vnf,
        "operation": operation.operation,
        "isAutomaticInvocation": False,
        "isCancelPending": False,
    }
    given = {key: value for key, value in operation.parameters.items() if echo != "plain" or key != "additionalParams"}
    if echo != "none":
        found["operationParams"] = json.dumps(given) if echo == "text" else given
    if state in ("FAILED_TEMP", "FAILED", "ROLLED_BACK"):
        secret = json.dumps(operation.parameters.get("vimConnectionInfo", {}))
        found["error"] = {"status": 500, "title": "Stack failed", "detail": f"no valid host was found {secret}"}
    return found


def _apply(instance: dict[str, Any], operation: Operation) -> None:
    info = instance.get("instantiatedVnfInfo") or {}
    given = operation.parameters
    match operation.operation:
        case "INSTANTIATE":
            instance["instantiationState"] = "INSTANTIATED"
            info = {"flavourId": given["flavourId"], "vnfState": "STARTED", "scaleStatus": []}
        case "TERMINATE":
            instance["instantiationState"] = "NOT_INSTANTIATED"
            info = {}
        case "SCALE":
            levels = {each["aspectId"]: each["scaleLevel"] for each in info["scaleStatus"]}
            by = given.get("numberOfSteps", 1) * (1 if given["type"] == "SCALE_OUT" else -1)
            levels[given["aspectId"]] = levels.get(given["aspectId"], 0) + by
            info["scaleStatus"] = [{"aspectId": key, "scaleLevel": level} for key, level in levels.items()]
        case "OPERATE":
            info["vnfState"] = given["changeStateTo"]
        case "CHANGE_FLAVOUR":
            info["flavourId"] = given["newFlavourId"]
    instance["instantiatedVnfInfo"] = info


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
