"""Whether a server is to answer, and a client that asks it."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from congresslite.cli.client.target import target
from congresslite.cli.extras import needing
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import remark

if TYPE_CHECKING:
    from congresslite.cli.client.http import Client


@contextmanager
def asking(settings: Settings) -> Iterator[Client]:
    """Ask the server that the settings name. Raises SourceError if none is, ClickException if parts are missing.

    What else of this package speaks to a server is to be imported within.
    """
    goal = target(settings)
    with needing("server"):
        from congresslite.cli.client.http import Client
    if goal.token is not None and goal.url.startswith("http:") and not _is_near(goal.url):
        remark(f"the token goes to {goal.url} for everybody on the way to read: use https", settings)
    with Client(goal) as client:
        yield client


def asks_server(settings: Settings, local: Collection[str]) -> bool:
    """Whether a server is to answer a command that can do without; `local` are its parameters for this machine.

    A server of the environment gives way to them, one of the command line does not (UsageError).
    """
    if settings.server is None:
        return False
    context = click.get_current_context()
    given = [
        parameter.human_readable_name if isinstance(parameter, click.Argument) else f"`{parameter.opts[-1]}`"
        for parameter in context.command.params
        if parameter.name in local and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given and settings.server_named:
        raise click.UsageError(f"a server has tables and policies of its own: leave out --server, or {given[0]}")
    return not given


def _is_near(url: str) -> bool:
    """Whether an address is one of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
