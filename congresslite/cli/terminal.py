"""What people read: results on stdout, findings and remarks on stderr, hostile text made harmless in all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

import click

from congresslite.diagnostics import Diagnostic, Severity, render
from congresslite.diagnostics.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

    from congresslite.cli.settings import Settings

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def console(settings: Settings, out: IO[str]) -> Console:
    """A console for results, that takes no markup and never breaks a line on its own."""
    from rich.console import Console

    return Console(
        file=out,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
        no_color=True if settings.color is False else None,
        color_system=None if settings.color is False else "auto",
    )


def tell(findings: Iterable[Diagnostic], settings: Settings, *, err: bool = True) -> None:
    """Print findings, with line and caret; when quiet, errors only."""
    for finding in findings:
        if settings.quiet and finding.severity is not Severity.ERROR:
            continue
        head, *rest = visible(render(finding), keep="\n\t").split("\n")
        styled = click.style(head, fg=_COLORS[finding.severity], bold=True)
        click.echo("\n".join([styled, *rest]), err=err, color=settings.color)


def remark(text: str, settings: Settings) -> None:
    """Tell something on the side, on stderr; nothing when quiet."""
    if not settings.quiet:
        click.echo(visible(text, keep="\n"), err=True, color=settings.color)


def warn(text: str, settings: Settings) -> None:
    """Tell what went wrong, on stderr, in one line."""
    click.echo(click.style(f"Error: {visible(text)}", fg="red"), err=True, color=settings.color)


def number(count: int, noun: str, plural: str | None = None) -> str:
    """A count and what is counted: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
