"""
What the options that every command shares say, and how a command comes by them.

They may stand before and after the command's name; the later one wins. Each
command names the formats that it can write, so that asking for another one is
an error of usage before anything is read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

Callback = Callable[..., Any]


@dataclass(slots=True)
class Settings:
    """The shared options of one run. `color` is None where the terminal decides.

    `server_named`: the server was named on this command line, and not by the environment.
    """

    output: str = "table"
    verbosity: int = 0
    color: bool | None = None
    config: Path | None = None
    server: str | None = None
    server_named: bool = False
    token_file: Path | None = None
    ca: Path | None = None

    @property
    def quiet(self) -> bool:
        """Whether only results and errors are wanted."""
        return self.verbosity < 0


def shared(*formats: str, server: bool = False) -> Callable[[Callback], Callback]:
    """Give a command the shared options and pass it the Settings; it writes these formats (none: it takes no `-o`).

    With `server`, a server can be asked to answer.
    """

    def decorate(function: Callback) -> Callback:
        @functools.wraps(function)
        @click.pass_obj
        def checked(settings: Settings, /, *args: Any, **named: Any) -> Any:
            # The group takes any format, before it is known which command will have to write it.
            if formats and settings.output not in formats:
                command = click.get_current_context().info_name
                raise click.UsageError(f"`{command}` has no {settings.output} output; it has {', '.join(formats)}")
            if settings.server_named and not server:
                command = click.get_current_context().info_name
                raise click.UsageError(f"`{command}` works on this machine; leave out --server")
            return function(settings, *args, **named)

        given = _options(formats)(checked)
        return _server_options(given) if server else given

    return decorate


def group_options(*formats: str) -> Callable[[Callback], Callback]:
    """Give the group the shared options, with every format there is."""

    def decorate(function: Callback) -> Callback:
        return _server_options(_options(formats)(function), environment=True)

    return decorate


def config_option(function: Callback) -> Callback:
    """Give a command the option that names the configuration file; the group has it too."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="CONGRESSLITE_CONFIG",
        metavar="FILE",
        help="The configuration; `congresslite.yaml` if it is there.",
        **_stored(_set_config),
    )(function)


def _server_options(function: Callback, *, environment: bool = False) -> Callback:
    """Give a command the options that say which server is to answer.

    Only the group looks into the environment: it goes first, so that what stands on the command line wins.
    """
    # Looked at when it is used: a variable that names a lost file must not stop what needs no server.
    file = click.Path(path_type=Path)
    options = (
        click.option(
            "--server",
            metavar="URL",
            envvar="CONGRESSLITE_SERVER" if environment else None,
            help="Let this server answer; or name it in CONGRESSLITE_SERVER.",
            expose_value=False,
            callback=_take_server,
        ),
        click.option(
            "--token-file",
            type=file,
            metavar="FILE",
            help="The token for it; or put that in CONGRESSLITE_TOKEN.",
            **_stored(_set_token_file),
        ),
        click.option(
            "--ca",
            type=file,
            metavar="FILE",
            envvar="CONGRESSLITE_CA" if environment else None,
            help="Who signed its certificate (PEM); or name it in CONGRESSLITE_CA.",
            **_stored(_set_ca),
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _take_server(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value:
        settings = context.ensure_object(Settings)
        settings.server = value
        settings.server_named = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE


def _options(formats: tuple[str, ...]) -> Callable[[Callback], Callback]:
    options = [
        click.option("-q", "--quiet", is_flag=True, help="Only results and errors.", **_stored(_set_quiet)),
        click.option("-v", "--verbose", count=True, help="Tell more; -vv shows tracebacks.", **_stored(_set_verbose)),
        click.option("--no-color", is_flag=True, help="No colours, even on a terminal.", **_stored(_set_color)),
    ]
    if formats:
        kinds = click.Choice(formats)
        options.insert(
            0, click.option("-o", "--output", type=kinds, help="Form of the results.", **_stored(_set_output))
        )

    def decorate(function: Callback) -> Callback:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _stored(store: Callable[[Settings, Any], None]) -> dict[str, Any]:
    def callback(context: click.Context, _: click.Parameter, value: Any) -> None:
        if value:
            store(context.ensure_object(Settings), value)

    return {"expose_value": False, "callback": callback}


def _set_output(settings: Settings, value: str) -> None:
    settings.output = value


def _set_quiet(settings: Settings, _: bool) -> None:
    settings.verbosity = -1


def _set_verbose(settings: Settings, count: int) -> None:
    settings.verbosity = max(settings.verbosity, 0) + count


def _set_color(settings: Settings, _: bool) -> None:
    settings.color = False


def _set_config(settings: Settings, value: Path) -> None:
    settings.config = value


def _set_token_file(settings: Settings, value: Path) -> None:
    settings.token_file = value


def _set_ca(settings: Settings, value: Path) -> None:
    settings.ca = value
