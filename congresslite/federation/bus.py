"""
The bus: bytes from one engine to another, by name. kombu carries them: in this process by default, RabbitMQ between
machines, with the same code.

The rule to keep: a bus may lose what it is given, and never makes anybody wait:
who needs certainty numbers what it sends. Queues are short-lived and bounded; an
engine that was away asks for a snapshot instead of reading what piled up.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol
from urllib.parse import urlsplit

from congresslite.diagnostics import Diagnostic, SourceError

SCHEMES = ("amqp", "amqps", "memory")
_EXAMPLE = "such as `amqp://USER:PASSWORD@HOST:5672/`, or `memory://NAME` within one process"


class Bus(Protocol):
    """One engine's place on a bus."""

    @property
    def fault(self) -> str | None:
        """Why nothing comes or goes at the moment, without a password; None while all is well."""

    @property
    def lost(self) -> int:
        """How many messages were not sent, since too many waited."""

    def send(self, to: str, body: bytes) -> None:
        """Send to an engine; what cannot be sent now is lost. Never blocks, safe from any thread."""

    def close(self) -> None:
        """Leave; returns when its threads have ended."""


def open_bus(url: str, name: str, receive: Callable[[bytes], None], ca: str | None = None) -> Bus:
    """Take the place `name` on the bus at `url` (`memory://NAME`, `amqp://USER:PASSWORD@HOST/VHOST`).

    `receive` is called in a thread of the bus with each message, and should soon return; what it raises is logged. It
    connects by itself, and again whenever the broker was away. With `amqps`, `ca` is the file with the certificates of
    those who sign the broker's; without it, those of the system count.

    Raises SourceError for a URL that is none (CL350), and if the libraries are not installed (CL351).
    """
    _check(url)
    try:
        module = import_module("congresslite.federation.engine_bus")
    except ModuleNotFoundError as error:
        message = f"the bus between engines needs `{error.name}`, which is not installed"
        raise SourceError(Diagnostic("CL351", message, None, "pip install 'congresslite[tiers]'")) from None
    bus: Bus = module.EngineBus(module.line_to(url, ca), name, receive)
    return bus


def _check(url: str) -> None:
    """Refuse what is no address of a bus, without telling the password in it."""
    why = hint = None
    try:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            why = "it does not begin with `amqp://`, `amqps://` or `memory://`"
        elif parts.scheme != "memory" and not parts.hostname:
            why = "it names no host"
        elif parts.port == 0:
            why = "its port is 0"
    except ValueError:
        why = "its host or port cannot be read"
        hint = (
            "in user and password, write `@`, `:`, `/`, `?`, `#` and `[` as `%40`, `%3A`, `%2F`, `%3F`, `%23` and `%5B`"
        )
    if why is not None:
        raise SourceError(Diagnostic("CL350", f"the address of the bus is none: {why}", None, hint or _EXAMPLE))
