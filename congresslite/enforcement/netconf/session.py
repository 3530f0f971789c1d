"""
Sessions with devices: NETCONF over SSH, with known host keys and within a deadline.

The rule to keep: nobody is believed to be a device without its key, and whatever hangs is cut at the deadline. Each
operation ends in one of three ways: done, refused by the device, or lost, of which nothing is known.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ncclient.transport.session
import paramiko
from ncclient import NCClientError
from ncclient.manager import Manager, make_device_handler
from ncclient.operations import RaiseMode
from ncclient.transport import SSHSession
from ncclient.transport.errors import AuthenticationError, SSHUnknownHostError

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.driver import Deadline

# They write whole configurations into the log, with the passwords that may be in them.
for _name in ("ncclient", "paramiko"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# How often it looks whether there is something to send; each operation waits for that, and a session is short.
ncclient.transport.session.TICK = 0.01

_LOST = (NCClientError, paramiko.SSHException, OSError, EOFError)
_CLOSING = 5.0  # seconds
_SLOW = 1.0  # seconds until the first operation of a session is thought to lie unread
_RSA = "ssh-rsa"


class UnreachedError(Exception):
    """There is no session; nothing was sent. Its text says why."""

    def __init__(self, code: str, message: str, place: str, *, retry: bool) -> None:
        super().__init__(f"{place}: {message} ({code})")
        self.retry = retry


class DeviceRefusedError(Exception):
    """The device refused an operation. `tag` is its own word for why."""

    def __init__(self, told: str, tag: str) -> None:
        super().__init__(told)
        self.tag = tag


class LostError(Exception):
    """No reply came to an operation."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where a device is, and who we are to it."""

    host: str
    port: int
    username: str
    password: str | None = field(repr=False)
    key: Path | None
    known_hosts: Path | None  # None: whoever answers is believed

    @property
    def place(self) -> str:
        """Its address, for people."""
        return f"{self.host}:{self.port}"


class Session:
    """A session with a device. Once a reply was lost, it is over: nothing more is asked in it."""

    def __init__(self, made: SSHSession, deadline: Deadline) -> None:
        self._manager = _manager(made)
        self._asker = _manager(made)
        self._asker.async_mode = True
        self._deadline = deadline
        self._heard = self._lost = False

    def can(self, capability: str) -> bool:
        """Whether the device says that it can do something, as `:candidate`."""
        return capability in self._manager.server_capabilities

    def do(self, operation: str, *arguments: Any, **named: Any) -> Any:
        """Do an operation, and its reply. Raises DeviceRefusedError and LostError."""
        if self._lost:
            raise LostError(f"the session was over before `{operation}`")
        try:
            self._manager.timeout = self._deadline.left()
            with self._woken():
                reply = getattr(self._manager, operation)(*arguments, **named)
            errors = [each for each in reply.errors if each.severity != "warning"]
        except SourceError:
            raise LostError(f"there was no time left for `{operation}`") from None
        except _LOST as error:
            self._lost = True
            raise LostError(f"no reply to `{operation}`: {_said(error)}") from None
        if errors:
            told = "; ".join(_line(each.message or each.tag or "it failed") for each in errors[:3])
            raise DeviceRefusedError(told, str(errors[0].tag or ""))
        return reply

    @contextmanager
    def _woken(self) -> Iterator[None]:
        """
        Make a device read on if it does not answer the first operation.

        Yuma's server, and those built upon it, leave it unread if it came in one piece with our hello, until more
        comes. So more comes: a question for nothing, whose reply nobody waits for.
        """
        if self._heard:
            yield
            return
        timer = threading.Timer(_SLOW, self._ask_for_nothing)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            self._heard = True
            timer.cancel()

    def _ask_for_nothing(self) -> None:
        with suppress(*_LOST):
            self._asker.get(filter=[])

    def end(self) -> None:
        """End the session; quietly, as what had to be said was said before."""
        if self._lost:
            return
        with suppress(*_LOST, SourceError):
            self._manager.timeout = self._deadline.left(_CLOSING)
            self._manager.close_session()


def _manager(made: SSHSession) -> Manager:
    return Manager(made, make_device_handler(None), raise_mode=RaiseMode.NONE)


@contextmanager
def session(device: Device, timeout: float, deadline: Deadline) -> Iterator[Session]:
    """A session for as long as it is needed, and not beyond the deadline. Raises UnreachedError."""
    with ExitStack() as stack:
        try:
            line = socket.create_connection((device.host, device.port), deadline.left(timeout))
            stack.callback(line.close)
            timer = threading.Timer(deadline.left(threading.TIMEOUT_MAX), _shut, (line,))
        except SourceError:
            raise UnreachedError("CL625", "there was no time left to connect", device.place, retry=True) from None
        except OSError as error:
            why = (error.strerror or "it took too long").lower()
            raise UnreachedError("CL625", f"no connection: {why}", device.place, retry=True) from None
        timer.daemon = True
        timer.start()
        stack.callback(timer.cancel)
        made = _Session(make_device_handler(None), device.known_hosts)
        stack.callback(_close, made)
        stack.callback(_shut, line)
        _connect(made, device, line, timeout)
        opened = Session(made, deadline)
        stack.callback(opened.end)
        yield opened


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _close(made: SSHSession) -> None:
    if made.transport is not None:
        with suppress(*_LOST):
            made.close()


def _connect(made: SSHSession, device: Device, line: socket.socket, timeout: float) -> None:
    """Open a session over a line, once both sides know who the other is. Raises UnreachedError."""
    try:
        made.connect(
            host=device.host,
            port=device.port,
            sock=line,
            timeout=timeout,
            username=device.username,
            password=device.password,
            key_filename=None if device.key is None else str(device.key),
            hostkey_verify=device.known_hosts is not None,
            # Nothing of the environment: no agent, and no keys of whoever runs us.
            allow_agent=False,
            look_for_keys=False,
        )
    except (*_LOST, ValueError) as error:
        raise _unreached(error, made, device) from None


def _unreached(error: Exception, made: SSHSession, device: Device) -> UnreachedError:
    if isinstance(error, SSHUnknownHostError):
        key = made.transport.get_remote_server_key()
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        message = f"its key, {key.get_name()} SHA256:{digest}, is not that of `{device.known_hosts}`"
        return UnreachedError("CL626", message, device.place, retry=False)
    if isinstance(error, AuthenticationError):
        message = f"the device refuses the user `{device.username}`, or the key cannot be read"
        return UnreachedError("CL625", message, device.place, retry=False)
    return UnreachedError("CL625", f"no session: {_said(error)}", device.place, retry=True)


class _KnownKeys(paramiko.HostKeys):  # type: ignore[misc]
    """Keys of hosts. One of RSA also signs in newer ways than the one that it is named after."""

    def lookup(self, hostname: str) -> dict[str, paramiko.PKey] | None:
        found = super().lookup(hostname)
        if found is None:
            return None
        keys = dict(found.items())
        if _RSA in keys:
            keys = {"rsa-sha2-512": keys[_RSA], "rsa-sha2-256": keys.pop(_RSA), **keys}
        return keys

    def check(self, hostname: str, key: paramiko.PKey) -> bool:
        return any(each.asbytes() == key.asbytes() for each in (self.lookup(hostname) or {}).values())


class _Session(SSHSession):  # type: ignore[misc]
    """A session that believes the keys of one file alone."""

    def __init__(self, handler: Any, known_hosts: Path | None) -> None:
        super().__init__(handler)
        self._known_hosts = known_hosts
        self._host_keys = _KnownKeys()

    def load_known_hosts(self, filename: str | None = None) -> None:
        self._host_keys.load(str(self._known_hosts))


def known_hosts_fault(path: Path) -> SourceError | None:
    """What is wrong with a file of known keys; None if nothing is."""
    try:
        _KnownKeys(str(path))
    except (OSError, paramiko.SSHException) as error:
        message = f"the keys of the devices cannot be read: {_said(error)}"
        hint = "make it with `ssh-keyscan -p 830 HOST`, and compare the keys with the devices'"
        return SourceError(Diagnostic("CL626", message, None, hint, place=str(path)))
    return None


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return _line(str(error)) or "the connection broke off"


def _line(text: str) -> str:
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return f"{line[:1].lower()}{line[1:300]}".rstrip(".")
