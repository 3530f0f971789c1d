"""`congresslite violations`: what a server holds, one of them with its proof and its history, and what changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.report import SEVERITIES
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching, TeachingGroup
from congresslite.cli.terminal import remark, tell

if TYPE_CHECKING:
    from congresslite.cli.client.http import Reply
    from congresslite.server.schemas.violations import Violation, ViolationDetail, ViolationPage

_STATES = ("open", "waived", "resolved", "undetermined")
_SORTS = tuple(f"{way}{key}" for key in ("first_seen", "severity", "policy", "object") for way in ("", "-"))
_SIGNS = (("+", "opened"), ("-", "resolved"), ("~", "changed"))
_HEADER = ("id", "severity", "state", "policy", "object", "first seen", "message")


@click.group(cls=TeachingGroup)
def violations() -> None:
    """Show the violations that a server holds, and watch them come and go.

    For example:
      congresslite violations list --severity critical --server http://127.0.0.1:8181
      congresslite violations show 0123456789abcdef0123456789abcdef --explain
      congresslite violations watch
    """


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which violations are wanted; each may be given several times."""
    options = [
        click.option(f"--{name}", multiple=True, metavar="NAME", help=help_)
        for name, help_ in (
            ("policy", "Of this policy."),
            ("rule", "Of this rule."),
            ("table", "In this table, like nfv:error."),
            ("object", "Of this object."),
            ("source", "Of rules that rest on this source."),
            ("site", "At this point of presence."),
        )
    ]
    options += [
        click.option("--severity", multiple=True, type=click.Choice(SEVERITIES), help="Of this severity."),
        click.option("--kind", multiple=True, type=click.Choice(["error", "warning"]), help="Of this kind."),
        click.option("--state", multiple=True, type=click.Choice(_STATES), help="In this state.  [default: open]"),
        click.option("--since", metavar="TIME", help="First seen at this time (2026-05-01T12:00:00Z) or later."),
        click.option("--until", metavar="TIME", help="First seen before this time."),
        click.option("--text", metavar="TEXT", help="With this text in the message."),
        click.option("--tier", metavar="TIER", help="Of the engines below that are of this tier."),
        click.option("--engine", metavar="NAME", help="Of this engine below."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@violations.command("list", cls=Teaching)
@_filters
@click.option("--sort", type=click.Choice(_SORTS), default="-first_seen", show_default=True, metavar="KEY",
              help="Order by first_seen, severity, policy or object; with `-` the other way round.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="At most N.")
@click.option("--all", "everything", is_flag=True, help="All of them, however many.")
@click.option("--cursor", metavar="TEXT", help="Go on where a list ended: `next` of its JSON.")
@shared("table", "json", "ndjson", server=True)
def list_(settings: Settings, *, sort: str, limit: int, everything: bool, cursor: str | None, **filters: Any) -> int:
    """List violations.

    A policy whose tables are not current has the state `undetermined`: its violations are marked with `?`, and are
    those of the last time that it could be told.

    For example:
      congresslite violations list
      congresslite violations list --policy nfv --severity high --severity critical --sort -severity
      congresslite violations list --state resolved --since 2026-05-01T00:00:00Z --all -o ndjson

    Exits with 3 if some of what was asked for cannot be told at the moment.
    """
    query = [(name, each) for name, given in filters.items() for each in _values(given)]
    query += [("sort", sort), *([("cursor", cursor)] if cursor else [])]
    with asking(settings) as client:
        from congresslite.cli.client.findings import undetermined
        from congresslite.cli.client.listing import pages

        found = pages(client, query, None if everything else limit)
        last = {"json": _json, "ndjson": _ndjson}.get(settings.output, _table)(found, settings)
        lacking = undetermined(last.undetermined, filters["policy"] or None)
    tell(lacking, settings)
    if last.next is not None and settings.output == "table":
        remark("there are more: --all lists them, --limit N more of them", settings)
    return Exit.UNDETERMINED if lacking else Exit.CLEAN


def _values(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if given is None else (given,) if isinstance(given, str) else given


def _json(found: Iterator[Reply[ViolationPage]], settings: Settings) -> ViolationPage:
    """One document with the items of all pages, written as they come."""
    from congresslite.cli.formats.json import write_list

    del settings
    page = next(found)

    def items() -> Iterator[entries.Entry]:
        nonlocal page
        yield from page.document["items"]
        for page in found:
            yield from page.document["items"]

    sys.stdout.write('{"items": ')
    write_list(sys.stdout, items())
    rest = {key: value for key, value in page.document.items() if key != "items"}
    sys.stdout.write(f",\n{entries.dumps(rest)[1:]}\n")
    return page.body


def _ndjson(found: Iterator[Reply[ViolationPage]], settings: Settings) -> ViolationPage:
    del settings
    for page in found:
        for item in page.document["items"]:
            sys.stdout.write(entries.dumps(item) + "\n")
    return page.body


def _table(found: Iterator[Reply[ViolationPage]], settings: Settings) -> ViolationPage:
    """A table for each page, so that however many there are, the first are seen at once."""
    from congresslite.cli.client.showing import show_table

    header: tuple[str, ...] | None = _HEADER
    for page in found:
        show_table(settings, header, [_row(each) for each in page.body.items], "no violations" if header else "")
        header = None
    return page.body


def _row(each: Violation) -> tuple[str, ...]:
    from congresslite.cli.client.showing import moment

    state = f"{each.state} ?" if each.undetermined else each.state
    seen = moment(each.first_seen)
    return each.id, each.severity, state, each.policy, each.object or "", seen, each.message


@violations.command(cls=Teaching)
@click.argument("id", metavar="ID")
@click.option("--explain", is_flag=True, help="With its proof, down to the rows of the sources and their age.")
@click.option("--engine", metavar="NAME", help="Of this engine below, which is asked for the proof.")
@click.option("--depth", type=click.IntRange(min=0), default=20, show_default=True, metavar="N",
              help="Levels of the proof that are shown; 0 for all.")  # fmt: skip
@shared("table", "json", server=True)
def show(settings: Settings, *, id: str, explain: bool, engine: str | None, depth: int) -> int:
    """Show a violation with its history.

    For example:
      congresslite violations show 0123456789abcdef0123456789abcdef
      congresslite violations show 0123456789abcdef0123456789abcdef --explain -o json

    Exits with 3 if it rests on tables that are not current.
    """
    with asking(settings) as client:
        from congresslite.cli.client.findings import undetermined
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.violations import ViolationDetail

        query = [("explain", str(explain).lower()), *([("engine", engine)] if engine else [])]
        reply = client.get(at("violations", id), ViolationDetail, query)
    detail = reply.body
    lacking = undetermined(detail.undetermined, [detail.violation.policy]) if detail.violation.undetermined else ()
    tell(lacking, settings)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        _show(detail, depth, settings)
        if explain and detail.explanation is None and detail.explanations is None:
            remark("it is not there any more: nothing can be explained", settings)
    return Exit.UNDETERMINED if lacking else Exit.CLEAN


def _show(detail: ViolationDetail, depth: int, settings: Settings) -> None:
    from congresslite.cli.client.showing import moment, show_facts, show_proof, show_sides, show_table
    from congresslite.cli.terminal import console
    from congresslite.language.printing import value_text

    found = detail.violation
    values = ", ".join(f"{name}={value_text(value)}" for name, value in zip(found.columns, found.row, strict=False))
    show_table(settings, None, [(found.message,)])
    show_facts(
        settings,
        {
            "id": found.id,
            "engine": found.engine,
            "state": f"{found.state}, not current" if found.undetermined else found.state,
            "kind": f"{found.kind} {found.severity}, policy {found.policy} ({found.mode})",
            "rule": f"{found.rule} ({found.file}:{found.line})",
            "row": f"{found.table}({values})",
            "object": found.object,
            "tenant": found.tenant,
            "site": found.site,
            "waiver": found.waiver,
            "last seen": moment(found.last_seen),
        },
    )
    rows = [
        (f"  {moment(each.first_seen)}", moment(each.resolved_at) or "now", each.resolved_by or "", each.waiver or "")
        for each in detail.episodes
    ]
    show_table(settings, ("  from", "until", "ended by", "waiver"), rows)
    if detail.explanations is not None:
        show_sides(settings, detail.explanations, depth)
    if detail.explanation is not None:
        console(settings, sys.stdout).print()
        show_proof(settings, detail.explanation, depth)


@violations.command(cls=Teaching)
@click.option("--after", type=click.IntRange(min=0), metavar="N", help="Begin after the event with this number.")
@click.option("--events", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@shared("table", "ndjson", server=True)
def watch(settings: Settings, *, after: int | None, events: int | None) -> int:
    """Show violations come (+), change (~), go (-), until Ctrl-C.

    A connection that breaks is made anew, and the events that were missed are shown.

    For example:
      congresslite violations watch
      congresslite violations watch --after 1200 -o ndjson
    """
    with asking(settings) as client:
        from congresslite.cli.client.events import follow

        def broken() -> None:
            remark("the connection was lost; it is made anew", settings)

        for number, event in enumerate(follow(client, after, broken), start=1):
            _tell_event(event.id, event.kind, event.data, settings)
            sys.stdout.flush()
            if number == events:
                break
    return Exit.CLEAN


def _tell_event(id_: str, kind: str, data: str, settings: Settings) -> None:
    """Write an event: the changes of a batch each on a line, or that something else changed."""
    from congresslite.cli.client.showing import moment, show_table

    try:
        told = json.loads(data)
        document = told if isinstance(told, dict) else {}
    except (ValueError, RecursionError):
        document = {}
    if settings.output == "ndjson":
        sys.stdout.write(entries.dumps({"event": kind, "id": id_, **document}) + "\n")
        return
    at = moment(str(document.get("at", "")))
    if kind == "violations":
        rows = [(at, sign, *_change(each)) for sign, key in _SIGNS for each in _objects(document.get(key))]
        show_table(settings, None, rows)
    elif kind == "reload":
        show_table(settings, None, [(at, "much changed: `congresslite violations list` shows what there is now")])
    elif kind == "sources":
        show_table(settings, None, [(at, "sources changed: `congresslite source list` shows how current they are")])


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _change(each: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(each.get(key) or "") for key in ("severity", "policy", "object", "message", "id"))
