"""`congresslite conflicts`: which rules contradict each other on a server's tables, and who wins."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching, TeachingGroup
from congresslite.cli.terminal import remark, tell

if TYPE_CHECKING:
    from congresslite.server.schemas.conflicts import Conflict, ConflictDetail, Side

_STATES = ("open", "waived", "resolved", "undetermined")
_HEADER = ("id", "kind", "state", "object", "wins", "by", "first seen", "message")


@click.group(cls=TeachingGroup)
def conflicts() -> None:
    """Show the conflicts between rules that a server holds.

    For example:
      congresslite conflicts list --server http://127.0.0.1:8181
      congresslite conflicts show 0123456789abcdef0123456789abcdef --explain
    """


@conflicts.command("list", cls=Teaching)
@click.option("--object", multiple=True, metavar="NAME", help="Of this object.")
@click.option("--site", multiple=True, metavar="NAME", help="At this point of presence.")
@click.option("--state", multiple=True, type=click.Choice(_STATES), help="In this state.  [default: open]")
@click.option("--text", metavar="TEXT", help="With this text in the message.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, metavar="N", help="At most N.")
@click.option("--cursor", metavar="TEXT", help="Go on where a list ended: `next` of its JSON.")
@shared("table", "json", "ndjson", server=True)
def list_(
    settings: Settings,
    *,
    object: tuple[str, ...],
    site: tuple[str, ...],
    state: tuple[str, ...],
    text: str | None,
    limit: int,
    cursor: str | None,
) -> int:
    """List conflicts, the latest first.

    For example:
      congresslite conflicts list
      congresslite conflicts list --object vm17 --state open --state resolved -o json

    Exits with 3 if some of what was asked for cannot be told at the moment.
    """
    query = [("object", each) for each in object] + [("site", each) for each in site]
    query += [("state", each) for each in state] + [("limit", str(limit))]
    query += [(name, each) for name, each in (("text", text), ("cursor", cursor)) if each]
    with asking(settings) as client:
        from congresslite.cli.client.findings import undetermined
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.policy.conflicts import POLICY
        from congresslite.server.schemas.conflicts import ConflictPage

        reply = client.get(at("conflicts"), ConflictPage, query)
        lacking = undetermined(reply.body.undetermined, [POLICY])
    tell(lacking, settings)
    show_list(settings, reply.document, _HEADER, [_row(each) for each in reply.body.items], "no conflicts")
    if reply.body.next is not None and settings.output == "table":
        remark("there are more: --limit N lists more of them, --cursor goes on", settings)
    return Exit.UNDETERMINED if lacking else Exit.CLEAN


def _row(each: Conflict) -> tuple[str, ...]:
    from congresslite.cli.client.showing import moment

    state = f"{each.state} ?" if each.undetermined else each.state
    seen = moment(each.first_seen)
    return each.id, each.kind or "", state, each.object or "", _winner(each), each.decided_by or "", seen, each.message


def _winner(each: Conflict) -> str:
    if each.winner is None:
        return "none" if each.sides else ""
    side = each.sides[each.winner]
    return f"{side.policy}/{side.rule}"


@conflicts.command(cls=Teaching)
@click.argument("id", metavar="ID")
@click.option("--explain", is_flag=True, help="With the proofs of both sides, down to the rows of the sources.")
@click.option("--depth", type=click.IntRange(min=0), default=20, show_default=True, metavar="N",
              help="Levels of the proofs that are shown; 0 for all.")  # fmt: skip
@shared("table", "json", server=True)
def show(settings: Settings, *, id: str, explain: bool, depth: int) -> int:
    """Show a conflict with both sides and its history.

    For example:
      congresslite conflicts show 0123456789abcdef0123456789abcdef
      congresslite conflicts show 0123456789abcdef0123456789abcdef --explain -o json

    Exits with 3 if it rests on tables that are not current.
    """
    with asking(settings) as client:
        from congresslite.cli.client.findings import undetermined
        from congresslite.cli.client.http import at
        from congresslite.policy.conflicts import POLICY
        from congresslite.server.schemas.conflicts import ConflictDetail

        reply = client.get(at("conflicts", id), ConflictDetail, [("explain", str(explain).lower())])
        found = reply.body
        lacking = undetermined(found.undetermined, [POLICY]) if found.conflict.undetermined else ()
    tell(lacking, settings)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        _show(found, depth, settings)
    return Exit.UNDETERMINED if lacking else Exit.CLEAN


def _side(side: Side) -> str:
    from congresslite.language.printing import value_text

    where = f"{side.engine}: " if side.engine else ""
    said = f"{side.modal or 'says'} {side.atom}({', '.join(map(value_text, side.row))})"
    return f"{where}{side.policy}/{side.rule} (tier {side.tier}): {said}"


def _not_stopped(told: Conflict) -> list[str]:
    """The engines below that know nothing of the conflict, and do what has lost it."""
    if told.winner is None or told.resolved_at is not None:
        return []
    loser = told.sides[1 - told.winner]
    return [loser.engine] if loser.engine and loser.modal == "execute" else []


def _show(found: ConflictDetail, depth: int, settings: Settings) -> None:
    from congresslite.cli.client.showing import moment, show_facts, show_sides, show_table

    told = found.conflict
    show_table(settings, None, [(told.message,)])
    sides = {f"side {number}": _side(side) for number, side in enumerate(told.sides, start=1)}
    decided = f"{_winner(told)}, by {told.decided_by}" if told.decided_by else _winner(told)
    show_facts(
        settings,
        {"id": told.id, "state": told.state, "kind": told.kind, **sides, "wins": decided, "object": told.object,
         "tenant": told.tenant, "site": told.site, "waiver": told.waiver},
    )  # fmt: skip
    for engine in _not_stopped(told):
        show_table(
            settings, None, [(f"`{engine}` does it all the same: to stop it, put the policy that wins at its tier",)]
        )
    rows = [(f"  {moment(each.first_seen)}", moment(each.resolved_at) or "now") for each in found.episodes]
    show_table(settings, ("  from", "until"), rows)
    show_sides(settings, found.explanations or (), depth)
