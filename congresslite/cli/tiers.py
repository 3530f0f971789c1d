"""`congresslite tiers`: where a server stands among the engines above and below it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching

if TYPE_CHECKING:
    from congresslite.server.schemas.tiers import Child, Handed, Neighbour, Tiers

_HEADER = ("engine", "tier", "parent", "violations", "state")


@click.command(cls=Teaching)
@shared("table", "json", server=True)
def tiers(settings: Settings) -> int:
    """Show where a server stands among engines above and below.

    What of them is not current is told with the reason, and what became of the policies that were handed down.

    For example:
      congresslite tiers --server http://127.0.0.1:8181
      congresslite tiers -o json

    Exits with 3 if what an engine below says is not current.
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.tiers import Tiers

        reply = client.get(at("tiers"), Tiers)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        _show(reply.body, settings)
    return Exit.UNDETERMINED if any(each.not_current for each in reply.body.children) else Exit.CLEAN


def _show(found: Tiers, settings: Settings) -> None:
    from congresslite.cli.client.showing import moment, show_facts, show_table

    parent = None if found.parent is None else f"{found.parent.name}, {_state(found.parent)}"
    show_table(settings, None, [(f"{found.engine}, {found.level}",)])
    show_facts(settings, {"above": parent, "messages lost": str(found.messages_lost or "")})
    show_table(settings, _HEADER, [row for child in found.children for row in _below(child)], "no engines below")
    stale = [(f"  {child.link.name}:{table}", why) for child in found.children
             for table, why in sorted(child.not_current.items())]  # fmt: skip
    if stale:
        show_table(settings, ("not current", "why"), stale)
    handed = [_handed(each) for each in (*found.handed, *(each for child in found.children for each in child.handed))]
    if handed:
        show_table(settings, ("policy", "at", "became", "why"), handed)
    refused = [(each.code, each.peer, each.what, f"{each.count:,}", moment(each.last)) for each in found.refusals]
    if refused:
        show_table(settings, ("refused", "from", "what", "times", "last"), refused)
    told = [(each.code, each.message) for each in found.findings]
    if told:
        show_table(settings, ("translation", "finding"), told)


def _state(link: Neighbour) -> str:
    if link.connected:
        return "connected" if not link.behind else f"connected, {link.behind:,} changes behind"
    heard = "never heard" if link.silent_s is None else f"silent for {link.silent_s:,.0f} s"
    return f"{heard}: {link.fault}" if link.fault else heard


def _below(child: Child) -> Iterator[tuple[str, ...]]:
    link = child.link
    if all(each.engine != link.name for each in child.engines):
        yield link.name, "", "", "", _state(link)
    for each in child.engines:
        state = _state(link) if each.engine == link.name else f"by {link.name}"
        yield each.engine, each.level, each.parent or "", f"{each.violations:,}", state


def _handed(each: Handed) -> tuple[str, ...]:
    return each.policy, each.engine, each.became, each.why or ""
