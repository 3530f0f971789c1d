"""
What is sent to a VNF manager: the request of SOL003 that an order stands for.

The rule to keep: a request is whole and right before anything is sent, and it carries the order's key, so that its
operation is found again by whoever looks for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.enforcement.executor import Order
from congresslite.schema import Scalar

# What an operation is found again by. An attempt after one that failed has the same key.
KEY, ATTEMPT = "congresslite_key", "congresslite_attempt"
# What an occurrence is to become: by these actions, or else COMPLETED.
GOALS: Mapping[str, str] = {"retry": "COMPLETED", "rollback": "ROLLED_BACK", "fail": "FAILED"}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SUFFIXES = (".yaml", ".yml", ".json")
_DEFAULT = "default"  # the profile of requests that name none
_MOST = 1024 * 1024  # bytes of a profile
_SECRET = re.compile(r"passw|secret|token|credential", re.IGNORECASE)


class RequestError(CongressliteError):
    """An order that is no request of SOL003 (CL611), or whose profile cannot be used (CL610)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, but for what a profile and the settings add to it."""

    kind: str  # of the object that it is about: `vnf_instances` or `vnf_lcm_op_occs`
    object: str
    task: str  # the last part of its path
    operation: str = ""  # what SOL003 calls it in occurrences
    body: Mapping[str, Any] = field(default_factory=dict)
    profile: str | None = None  # "": the default one, if there is one; None: it takes none

    @property
    def object_path(self) -> str:
        """The path of its object, below that of the interface."""
        return f"{self.kind}/{quote(self.object, safe='')}"


def request_of(order: Order) -> Request:
    """The request that an order stands for. Raises RequestError (CL611)."""
    terms = _Terms(order)
    if order.action in GOALS:
        return Request("vnf_lcm_op_occs", terms.identifier("occurrence"), order.action)
    task, operation, body_of = _OPERATIONS[order.action]
    profile = terms.text("profile") if order.action in ("instantiate", "change_flavour") else None
    return Request("vnf_instances", terms.identifier("vnf"), task, operation, body_of(terms), profile)


def marked(body: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """A body with what its operation is found again by."""
    return with_parameters(body, {KEY: order.key, ATTEMPT: order.attempt})


def with_parameters(body: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A body with more of the parameters that SOL003 leaves to the VNF."""
    merged = {**(body.get("additionalParams") or {}), **parameters}
    return {**body, "additionalParams": merged} if merged else dict(body)


class _Terms:
    """The terms of an order, taken as what SOL003 wants. Each method raises RequestError (CL611)."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def identifier(self, name: str) -> str:
        """An id that can stand in a path."""
        value = self.needed(name)
        if value in (".", ".."):
            raise self._misfit(name, f"`{value}` is no id")
        return value

    def needed(self, name: str) -> str:
        """A text that is there."""
        value = self.text(name)
        if not value:
            raise self._misfit(name, "it is empty")
        return value

    def text(self, name: str) -> str:
        """A text; empty if it was left out."""
        value = self._value(name)
        if not isinstance(value, str):
            raise self._misfit(name, f"{value!r} is no text")
        return value

    def number(self, name: str, least: int = 1) -> int | None:
        """A whole number; None if it was left out."""
        value = self._value(name)
        if value == "":
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._misfit(name, f"{value!r} is no whole number from {least} on")
        return value

    def ending(self, default: str | None, type_key: str, timeout_key: str) -> dict[str, Any]:
        """How something is ended, gracefully or by force, and how long that may take."""
        kind = self.text("type") or default
        if kind not in (None, "GRACEFUL", "FORCEFUL"):
            raise self._misfit("type", f"`{kind}` is neither GRACEFUL nor FORCEFUL")
        timeout = self.number("timeout")
        if timeout is not None and kind != "GRACEFUL":
            raise self._misfit("timeout", "only a graceful end is waited for")
        return _without_none({type_key: kind, timeout_key: timeout})

    def links(self, name: str) -> list[Any]:
        """A list of objects in JSON."""
        try:
            found = json.loads(self.needed(name))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
            raise self._misfit(name, "it is no list of objects in JSON")
        return found

    def _value(self, name: str) -> Scalar:
        value = self._order.arguments.get(name)
        return "" if value is None else value

    def _misfit(self, name: str, why: str) -> RequestError:
        hint = "see to the rule that commands it"
        return RequestError(Diagnostic("CL611", f"`{name}` of `{self._order.action}`: {why}", hint=hint))


def _without_none(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}


def _scale(kind: str) -> Callable[[_Terms], dict[str, Any]]:
    return lambda terms: {
        "type": kind, "aspectId": terms.needed("aspect"), "numberOfSteps": terms.number("steps") or 1
    }  # fmt: skip


def _instantiate(terms: _Terms) -> dict[str, Any]:
    return _without_none({"flavourId": terms.needed("flavour"), "instantiationLevelId": terms.text("level") or None})


def _change_flavour(terms: _Terms) -> dict[str, Any]:
    return _without_none({"newFlavourId": terms.needed("flavour"), "instantiationLevelId": terms.text("level") or None})


def _heal(terms: _Terms) -> dict[str, Any]:
    part = terms.text("part")
    return _without_none({"cause": terms.text("cause") or None, "vnfcInstanceId": [part] if part else None})


def _terminate(terms: _Terms) -> dict[str, Any]:
    return terms.ending("GRACEFUL", "terminationType", "gracefulTerminationTimeout")


def _stop(terms: _Terms) -> dict[str, Any]:
    return {"changeStateTo": "STOPPED", **terms.ending(None, "stopType", "gracefulStopTimeout")}


# By action: the last part of the path, the name of the operation in occurrences, and what makes the body.
_OPERATIONS: Mapping[str, tuple[str, str, Callable[[_Terms], dict[str, Any]]]] = {
    "instantiate": ("instantiate", "INSTANTIATE", _instantiate),
    "scale_out": ("scale", "SCALE", _scale("SCALE_OUT")),
    "scale_in": ("scale", "SCALE", _scale("SCALE_IN")),
    "scale_to_level": (
        "scale_to_level", "SCALE_TO_LEVEL", lambda terms: {"instantiationLevelId": terms.needed("level")}
    ),
    "change_flavour": ("change_flavour", "CHANGE_FLAVOUR", _change_flavour),
    "heal": ("heal", "HEAL", _heal),
    "terminate": ("terminate", "TERMINATE", _terminate),
    "start": ("operate", "OPERATE", lambda terms: {"changeStateTo": "STARTED"}),
    "stop": ("operate", "OPERATE", _stop),
    "change_ext_conn": (
        "change_ext_conn", "CHANGE_EXT_CONN", lambda terms: {"extVirtualLinks": terms.links("links")}
    ),
}  # fmt: skip


class Profiles:
    """The members of requests that no rule should have to know: networks, VIMs, credentials.

    Each is a file of one folder, read when it is used, so that it may be changed at any time.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, name: str) -> dict[str, Any]:
        """The members of a profile; without a name, those of the default one, if there is one. Raises RequestError."""
        path = self._path(name or _DEFAULT)
        if path is None and not name:
            return {}
        if path is None:
            raise _unusable(name, "there is no file of that name", self._folder)
        return _members(name or _DEFAULT, path)

    def secrets(self) -> Iterator[str]:
        """Whatever in any profile must not be told."""
        for path in self._files():
            try:
                yield from secrets_in(_members(path.stem, path))
            except RequestError:
                continue  # What cannot be read was not sent either.

    def _path(self, name: str) -> Path | None:
        if not _NAME.fullmatch(name):
            raise _unusable(name, "its name has other characters than letters, digits and `_.-`", self._folder)
        return next((path for path in self._files() if path.stem == name), None)

    def _files(self) -> list[Path]:
        if self._folder is None or not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())


def secrets_in(value: Any, named: bool = False) -> Iterator[str]:
    """The texts under names such as `password`, at any depth."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from secrets_in(each, named or bool(_SECRET.search(str(key))))
    elif isinstance(value, list):
        for each in value:
            yield from secrets_in(each, named)
    elif named and isinstance(value, str) and value:
        yield value


def _members(name: str, path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST + 1)
        found = yaml.safe_load(text) if len(text) <= _MOST else None
    except OSError as error:
        raise _unusable(name, f"it cannot be read: {error.strerror or 'an error'}", path) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        # What exactly is wrong may quote a secret.
        raise _unusable(name, "it is no YAML", path) from None
    extra = found.get("additionalParams", {}) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(extra, dict):
        raise _unusable(name, "it is no mapping of the members of a request", path)
    return found


def _unusable(name: str, why: str, place: Path | None) -> RequestError:
    hint = "profiles are the files NAME.yaml in the folder that `profiles` of the target names"
    where = None if place is None else str(place)
    return RequestError(Diagnostic("CL610", f"the profile `{name}`: {why}", None, hint, place=where))
