"""
The executor `netconf`: templates of configuration, sent to devices.

A device that has a candidate configuration gets the change there first, and then it is committed, so that it is in
effect wholly or not at all. If the device can, the commit has to be confirmed: one that cuts us off, or does not do
what the device says, is taken back by the device itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from congresslite.actions import ActionKind, kinds_of
from congresslite.config.units import Seconds
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.enforcement.contained.opening import usable
from congresslite.enforcement.executor import Order, OrderError, Outcome
from congresslite.enforcement.netconf.edits import Manner, edit, look
from congresslite.enforcement.netconf.session import (
    Device,
    DeviceRefusedError,
    LostError,
    Session,
    UnreachedError,
    known_hosts_fault,
    session,
)
from congresslite.enforcement.netconf.templates import as_config, document
from congresslite.enforcement.terms import as_text, refused
from congresslite.sources.driver import Deadline

_KEPT = 2000  # characters of a reply


class Address(BaseModel):
    """Where a device is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1)
    port: int = Field(default=830, gt=0, lt=65536)


class Settings(BaseModel):
    """What the executor wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str | None = Field(default=None, min_length=1, description="The one device; objects are things on it.")
    port: int = Field(default=830, gt=0, lt=65536, description="Its port.")
    devices: Mapping[str, Address] = Field(default={}, description="Devices by name; then objects are their names.")
    username: str = Field(description="Who we are to the devices.")
    password: SecretStr | None = Field(default=None, description="The password of the user, or of the key.")
    key: Path | None = Field(default=None, description="The file of the private key.")
    known_hosts: Path | None = Field(default=None, description="The keys of the devices, as `ssh-keyscan` writes them.")
    verify: bool = Field(default=True, description="Whether a device must show its key.")
    directory: Path = Field(description="The folder of the templates.")
    timeout: Seconds = Field(default=30, gt=0, description="The longest wait for a session.")
    confirm: Seconds = Field(
        default=60, ge=1, description="When a device takes back what was not confirmed, if it can do that."
    )
    save: bool = Field(default=True, description="Copy what was committed to the configuration that it starts with.")
    check: bool = Field(default=True, description="Read back whether the device is then as the template says.")
    repeatable: bool = Field(
        default=False, description="Whether any edit may be repeated of which nobody knows whether it was done."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.host is None) == (not self.devices):
            raise ValueError("give either `host` or `devices`")
        if self.verify and self.known_hosts is None:
            raise ValueError("`known_hosts` is missing; `verify: false` believes whoever answers")
        if self.password is None and self.key is None:
            raise ValueError("give `password` or `key`")
        return self


def open_executor(target: str, settings: Settings, state: Path) -> NetconfExecutor:
    """An executor that changes devices; none of them is called yet."""
    return NetconfExecutor(settings)


class NetconfExecutor:
    """Changes devices."""

    place = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._manner = Manner(settings.confirm, settings.save, settings.check)
        self._locks: dict[str, threading.Lock] = {}
        self.kinds: Mapping[str, ActionKind] = {
            name: replace(kind, repeatable=settings.repeatable and name == "edit_config")
            for name, kind in kinds_of("netconf").items()
        }

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Send a template to a device."""
        try:
            root = self._document(order)
            with self._session(order, deadline) as opened:
                if order.action == "rpc":
                    return _called(opened, root)
                return edit(opened, as_config(root), self._manner)
        except OrderError as error:
            return refused(error)
        except UnreachedError as error:
            return Outcome("failed", str(error), retry=error.retry)

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """Nothing is ever under way."""
        return self.inspect(order, deadline)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """Whether the device is as the edit says; what an operation did, nobody can tell."""
        if order.action == "rpc":
            return Outcome("unknown", "nobody can tell what an operation did")
        try:
            config = as_config(self._document(order))
            with self._session(order, deadline) as opened:
                return look(opened, config)
        except (OrderError, UnreachedError) as error:
            return Outcome("unknown", f"the device cannot be asked: {error}")

    def reachable(self, deadline: Deadline) -> str | None:
        """Whether the templates, the keys and, if it is one, the device are there."""
        settings = self._settings
        if (fault := usable(settings.directory)) is not None:
            return fault
        if settings.verify and settings.known_hosts is not None and (wrong := known_hosts_fault(settings.known_hosts)):
            return wrong.diagnostics[0].message
        if settings.host is not None:
            try:
                with session(self._device(settings.host, settings.port), settings.timeout, deadline):
                    return None
            except UnreachedError as error:
                return str(error)
        return None

    def close(self) -> None:
        """There are no sessions between orders."""

    def _document(self, order: Order) -> etree._Element:
        values = {**order.arguments, "key": order.key}
        return document(self._settings.directory, as_text("template", order.arguments["template"]), values)

    @contextmanager
    def _session(self, order: Order, deadline: Deadline) -> Iterator[Session]:
        """A session with the device of an order, which has one at a time. Raises OrderError and UnreachedError."""
        address = self._address(as_text("object", order.arguments["object"]))
        device = self._device(address.host, address.port)
        if device.known_hosts is not None and (fault := known_hosts_fault(device.known_hosts)) is not None:
            raise UnreachedError("CL626", fault.diagnostics[0].message, device.place, retry=False)
        lock = self._locks.setdefault(device.place, threading.Lock())
        if not _taken(lock, deadline):
            raise UnreachedError("CL625", "it was busy with other orders all the time", device.place, retry=True)
        try:
            with session(device, self._settings.timeout, deadline) as opened:
                yield opened
        finally:
            lock.release()

    def _address(self, name: str) -> Address:
        settings = self._settings
        if settings.host is not None:
            return Address(host=settings.host, port=settings.port)
        if name not in settings.devices:
            hint = near_or_listed(name, settings.devices, "devices are")
            raise OrderError(Diagnostic("CL622", f"the object `{name}` is none of the target's devices", None, hint))
        return settings.devices[name]

    def _device(self, host: str, port: int) -> Device:
        settings = self._settings
        password = None if settings.password is None else settings.password.get_secret_value()
        known = settings.known_hosts if settings.verify else None
        return Device(host, port, settings.username, password, settings.key, known)


def _taken(lock: threading.Lock, deadline: Deadline) -> bool:
    try:
        return lock.acquire(timeout=deadline.left(threading.TIMEOUT_MAX))
    except SourceError:
        return False


def _called(opened: Session, root: Any) -> Outcome:
    try:
        reply = opened.do("rpc", root)
    except DeviceRefusedError as error:
        return Outcome("failed", f"the device refuses it: {error}", retry=False)
    except LostError as error:
        return Outcome("unknown", str(error))
    return Outcome("succeeded", output={"reply": str(reply.xml)[:_KEPT]})
