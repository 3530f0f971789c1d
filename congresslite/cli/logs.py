"""`congresslite logs`: what a server has told of what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import remark

if TYPE_CHECKING:
    from congresslite.server.schemas.logs import LogLine

_LEVELS = ("debug", "info", "warning", "error", "critical")
_HEADER = ("at", "level", "category", "message", "tags")


@click.command(cls=Teaching)
@click.option("--category", multiple=True, metavar="NAME", help="Of this category, or one below it.")
@click.option("--tag", multiple=True, metavar="KEY:VALUE", help="With this tag, like object:vm1; several: with all.")
@click.option("--level", type=click.Choice(_LEVELS), help="At least so grave.")
@click.option("--text", metavar="TEXT", help="With this text in the message.")
@click.option("--since", metavar="TIME", help="Told at this time (2026-05-01T12:00:00Z) or later.")
@click.option("--until", metavar="TIME", help="Told before this time.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, metavar="N", help="At most N.")
@click.option("--cursor", metavar="TEXT", help="Go on where a list ended: `next` of its JSON.")
@shared("table", "json", "ndjson", server=True)
def logs(settings: Settings, **given: Any) -> int:
    """Search the log of a server, the latest line first.

    For example:
      congresslite logs --level warning --since 2026-05-01T12:00:00Z
      congresslite logs --category congresslite.action --tag object:vm1
      congresslite logs --text "took over" -o ndjson
    """
    query = [
        (name, str(each))
        for name, value in given.items()
        for each in (value if isinstance(value, tuple) else (value,))
        if each is not None
    ]
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.server.schemas.logs import LogPage

        reply = client.get(at("logs"), LogPage, query)
    show_list(settings, reply.document, _HEADER, [_row(each) for each in reply.body.items], "no lines")
    if reply.body.next is not None and settings.output == "table":
        remark(f"there are more: --cursor {reply.body.next} goes on", settings)
    return Exit.CLEAN


def _row(line: LogLine) -> tuple[str, ...]:
    from congresslite.cli.client.showing import moment

    tags = " ".join(f"{key}:{value}" for key, value in line.tags.items())
    return moment(line.at), line.level, line.category, line.message, tags
