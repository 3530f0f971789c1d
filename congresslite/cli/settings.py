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
from typing import Any

import click

Callback = Callable[..., Any]


@dataclass(slots=True)
class Settings:
    """The shared options of one run. `color` is None where the terminal decides."""

    output: str = "table"
    verbosity: int = 0
    color: bool | None = None

    @property
    def quiet(self) -> bool:
        """Whether only results and errors are wanted."""
        return self.verbosity < 0


def shared(*formats: str) -> Callable[[Callback], Callback]:
    """Give a command the shared options and pass it the Settings; it writes these formats (none: it takes no `-o`)."""

    def decorate(function: Callback) -> Callback:
        @functools.wraps(function)
        @click.pass_obj
        def checked(settings: Settings, /, *args: Any, **named: Any) -> Any:
            # The group takes any format, before it is known which command will have to write it.
            if formats and settings.output not in formats:
                command = click.get_current_context().info_name
                raise click.UsageError(f"`{command}` has no {settings.output} output; it has {', '.join(formats)}")
            return function(settings, *args, **named)

        return _options(formats)(checked)

    return decorate


def group_options(*formats: str) -> Callable[[Callback], Callback]:
    """Give the group the shared options, with every format there is."""
    return _options(formats)


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
