"""`congresslite source`: the sources of a server, how current they are, and how they are set up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching, TeachingGroup
from congresslite.cli.terminal import remark, tell
from congresslite.diagnostics import SourceError

if TYPE_CHECKING:
    from congresslite.server.schemas.sources import Feed, Source

_HEADER = ("source", "driver", "health", "last pulled", "kept in")
_FEEDS = ("  feed", "health", "last pulled", "next pull", "tables")


@click.group(cls=TeachingGroup)
def source() -> None:
    """Show and change the sources of a server.

    For example:
      congresslite source list --server http://127.0.0.1:8181
      congresslite source put nova nova.yaml
      congresslite source refresh nova
    """


@source.command("list", cls=Teaching)
@shared("table", "json", "ndjson", server=True)
def list_(settings: Settings) -> int:
    """List the sources, and how current they are.

    For example:
      congresslite source list
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.server.schemas.sources import SourceList

        reply = client.get(at("sources"), SourceList)
    show_list(settings, reply.document, _HEADER, [_row(each) for each in reply.body.items], "no sources")
    return Exit.CLEAN


def _row(each: Source) -> tuple[str, ...]:
    from congresslite.cli.client.showing import moment

    # A source is as old as the oldest of its feeds.
    pulled = min((feed.last_success for feed in each.feeds if feed.last_success), default=None)
    kept = "configuration" if each.managed == "file" else "server"
    return each.name, each.driver, _health(each), moment(pulled), kept


def _health(each: Source | Feed) -> str:
    return each.health.replace("_", " ")


@source.command(cls=Teaching)
@click.argument("name")
@shared("table", "json", server=True)
def show(settings: Settings, *, name: str) -> int:
    """Show a source: its feeds, what is wrong with them, and for an administrator its settings.

    Secrets are masked.

    For example:
      congresslite source show nova
      congresslite source show nova -o json
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.sources import SourceDetail

        reply = client.get(at("sources", name), SourceDetail)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        _write(reply.body, settings)
        _write_settings(reply.body.settings, settings)
    return Exit.CLEAN


def _write(found: Source, settings: Settings) -> None:
    """Write how a source is, and tell what is wrong with it."""
    from congresslite.cli.client.findings import diagnostics
    from congresslite.cli.client.showing import moment, show_facts, show_table

    told = [each for feed in found.feeds for each in diagnostics(feed.findings, {})]
    tell(told, settings)
    show_table(settings, None, [(f"{found.name} ({found.driver}): {_health(found)}",)])
    watching = "tells of changes by itself" if found.watching else None
    show_facts(settings, {"watching": found.watch_fault or watching})
    rows = [
        (
            f"  {feed.name}",
            _health(feed),
            moment(feed.last_success),
            moment(feed.next_pull),
            ", ".join(feed.tables),
        )
        for feed in found.feeds
    ]
    show_table(settings, _FEEDS, rows)


def _write_settings(given: dict[str, Any] | None, settings: Settings) -> None:
    from congresslite.cli.client.showing import show_facts, show_table

    if given:
        show_table(settings, None, [("settings",)])
        show_facts(settings, {key: entries.dumps(value) for key, value in given.items() if value is not None})


@source.command(cls=Teaching)
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@shared("table", "json", server=True)
def put(settings: Settings, *, name: str, file: Path) -> int:
    """Add a source, or replace the settings of one.

    FILE is YAML, with what would stand under the source's name in a configuration. `{env: NAME}` and `{file: PATH}`
    take a text from this machine, so that no secret has to stand in it. A secret that is masked stays as it is.

    For example:
      congresslite source put nova nova.yaml
    """
    from congresslite.config.written import Written

    written = Written(os.environ)
    written.read_file(file)
    if written.findings:
        raise SourceError(written.told())
    with asking(settings) as client:
        from congresslite.cli.client import versions
        from congresslite.server.schemas.sources import SourceDetail

        known = versions.current(client, "sources", name, SourceDetail)
        reply = versions.put(client, "sources", name, SourceDetail, body={"settings": written.values}, known=known)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        remark(f"source `{name}` is {'added' if known is None else 'replaced'}", settings)
        _write(reply.body, settings)
    return Exit.CLEAN


@source.command(cls=Teaching)
@click.argument("name")
@shared(server=True)
def remove(settings: Settings, *, name: str) -> int:
    """Remove a source and its tables; policies that read them must go first.

    For example:
      congresslite source remove nova
    """
    with asking(settings) as client:
        from congresslite.cli.client import versions
        from congresslite.server.schemas.sources import SourceDetail

        versions.remove(client, "sources", name, SourceDetail)
    remark(f"source `{name}` is removed", settings)
    return Exit.CLEAN


@source.command(cls=Teaching)
@click.argument("name")
@click.option("--feed", metavar="NAME", help="Only this feed.")
@click.option("--accept-empty", is_flag=True, help="Also take what empties a table or a column.")
@shared("table", "json", server=True)
def refresh(settings: Settings, *, name: str, feed: str | None, accept_empty: bool) -> int:
    """Pull a source now, and wait for it.

    For example:
      congresslite source refresh nova
      congresslite source refresh nova --feed servers --accept-empty
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.sources import Source

        body = {"accept_empty": accept_empty, **({} if feed is None else {"feed": feed})}
        reply = client.send("POST", at("sources", f"{name}:refresh"), Source, body)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        _write(reply.body, settings)
    return Exit.CLEAN


@source.command(cls=Teaching)
@click.argument("name")
@shared("table", "json", server=True)
def schema(settings: Settings, *, name: str) -> int:
    """Show the tables of a source, with their columns; a key column is marked with a star.

    For example:
      congresslite source schema nova
    """
    with asking(settings) as client:
        from congresslite.cli.client.catalog import source_schemas
        from congresslite.cli.schema import write_schemas

        write_schemas(source_schemas(client, name), settings)
    return Exit.CLEAN
