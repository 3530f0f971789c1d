"""`congresslite action`: what a server does about what policies command, and what people decide of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching, TeachingGroup
from congresslite.cli.terminal import number, remark
from congresslite.server.mends import STATES
from congresslite.store.records import WAITING

if TYPE_CHECKING:
    from congresslite.cli.client.http import Client
    from congresslite.server.schemas.actions import Plan


@click.group(cls=TeachingGroup)
def action() -> None:
    """Show the actions of a server, and decide on them.

    An action is planned, guarded, given to its target once, and followed to its end; its record says each step. One
    that waits for a person is in the state `approval`, was `stopped` by a guard, or is `held`, since nobody can tell
    whether it was done.

    For example:
      congresslite action list --waiting --server http://127.0.0.1:8181
      congresslite action show 0123456789ab
      congresslite action approve 0123456789ab
      congresslite action pause --reason "maintenance"
    """


@action.command("list", cls=Teaching)
@click.option("--state", multiple=True, type=click.Choice(STATES), help="In this state.  [default: all]")
@click.option("--waiting", is_flag=True, help="Those that wait for a person: approval, stopped, held.")
@click.option("--policy", multiple=True, metavar="NAME", help="Of this policy.")
@click.option("--action", multiple=True, metavar="NAME", help="Of this name, like nova:stop.")
@click.option("--object", multiple=True, metavar="NAME", help="On this object.")
@click.option("--plan", multiple=True, metavar="PLAN", help="Of this plan.")
@click.option("--since", metavar="TIME", help="Planned at this time (2026-05-01T12:00:00Z) or later.")
@click.option("--until", metavar="TIME", help="Planned before this time.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, metavar="N", help="At most N.")
@click.option("--cursor", metavar="TEXT", help="Go on where a list ended: `next` of its JSON.")
@shared("table", "json", "ndjson", server=True)
def list_(settings: Settings, *, state: tuple[str, ...], waiting: bool, limit: int, **wanted: Any) -> int:
    """List actions, the latest first, with why each stands as it does.

    For example:
      congresslite action list
      congresslite action list --waiting
      congresslite action list --state failed --policy nfv --since 2026-05-01T00:00:00Z -o ndjson
    """
    if waiting and state:
        raise click.UsageError("give either --waiting or --state")
    states = WAITING if waiting else state
    query = [("state", each) for each in states] + [("limit", str(limit))]
    for name, given in wanted.items():
        query += [(name, each) for each in ((given,) if isinstance(given, str) else given or ())]
    with asking(settings) as client:
        from congresslite.cli.client.actions import HEADER, row
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.server.schemas.actions import ActionList

        reply = client.get(at("actions"), ActionList, query)
        if settings.output == "table":
            _tell_pauses(client, settings)
    show_list(settings, reply.document, HEADER, [row(each) for each in reply.body.items], "no actions")
    if reply.body.next is not None and settings.output == "table":
        remark("there are more: --limit N lists more of them, --cursor goes on", settings)
    return Exit.CLEAN


def _tell_pauses(client: Client, settings: Settings) -> None:
    """Say on the side what is paused: else nobody sees why nothing moves."""
    from congresslite.cli.client.errors import ServerError
    from congresslite.cli.client.http import at
    from congresslite.server.schemas.actions import PauseList

    try:
        paused = client.get(at("actions:paused"), PauseList).body.items
    except ServerError as error:
        if error.status != 403:  # whoever is bound to a tenant may not know
            raise
        return
    for each in paused:
        why = f": {each.reason}" if each.reason else ""
        remark(f"{each.scope or 'everything'} is paused by {each.by}{why}", settings)


@action.command(cls=Teaching)
@click.argument("id", metavar="ID")
@shared("table", "json", server=True)
def show(settings: Settings, *, id: str) -> int:
    """Show an action with its record: each state that it came to, why, and by whom; what it waits for, and the mend.

    ID is the whole id, or at least eight digits of its beginning.

    For example:
      congresslite action show 0123456789ab
      congresslite action show 0123456789ab -o json
    """
    with asking(settings) as client:
        from congresslite.cli.client.actions import show_action
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.actions import ActionDetail

        reply = client.get(at("actions", id), ActionDetail)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        show_action(reply.body, settings)
    return Exit.CLEAN


@action.command(cls=Teaching)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--plan", metavar="PLAN", help="Instead of single ones, all actions of this plan, or none of them.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@shared(server=True)
def approve(settings: Settings, *, ids: tuple[str, ...], plan: str | None, reason: str) -> int:
    """Let actions run that wait for a person.

    One that needs approval, or was stopped, is run as soon as its guards let it. To approve one that is held says that
    it was not done: it is done again.

    Of a plan, exactly the actions are run that were shown; if one of them has changed since, none is.

    For example:
      congresslite action approve 0123456789ab
      congresslite action list --plan 633c0faaa671
      congresslite action approve --plan 633c0faaa671 --reason "as agreed"
    """
    if bool(ids) == (plan is not None):
        raise click.UsageError("give either IDs or --plan")
    if plan is not None:
        found = _approve_plan(settings, plan, reason)
        remark(f"{number(len(found.items), 'action')} of plan `{plan}` approved", settings)
    for each in ids:
        _decide(settings, each, "approve", reason)
    return Exit.CLEAN


def _approve_plan(settings: Settings, plan: str, reason: str) -> Plan:
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.actions import Plan

        return client.send("POST", at("plans", f"{plan}:approve"), Plan, {"reason": reason}).body


def _decide(settings: Settings, id: str, decision: str, reason: str) -> None:
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.actions import ActionDetail

        found = client.send("POST", at("actions", f"{id}:{decision}"), ActionDetail, {"reason": reason}).body.action
    remark(f"`{found.action}` on `{found.object}` is {found.state}: {found.reason}", settings)


@action.command(cls=Teaching)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in its record.")
@shared(server=True)
def cancel(settings: Settings, *, ids: tuple[str, ...], reason: str) -> int:
    """Let actions not run.

    What a target has already cannot be called back. One that is held, or takes too long, is followed no more: whoever
    cancels it says that nothing is left to be done.

    For example:
      congresslite action cancel 0123456789ab --reason "replaced by hand"
    """
    for each in ids:
        _decide(settings, each, "cancel", reason)
    return Exit.CLEAN


@action.command(cls=Teaching)
@click.option("--target", metavar="NAME", help="Only what goes to this target.")
@click.option("--policy", metavar="NAME", help="Only what this policy commands.")
@click.option("--reason", default="", metavar="TEXT", help="Why, as whoever waits is told.")
@shared("table", "json", server=True)
def pause(settings: Settings, *, target: str | None, policy: str | None, reason: str) -> int:
    """Give nothing to targets any more: the kill switch, for everything unless a target or a policy is named.

    What a target has already goes on, and is followed. It stays paused until it is resumed, over restarts too.

    For example:
      congresslite action pause --reason "something is wrong"
      congresslite action pause --target nova
      congresslite action pause --policy nfv --reason "maintenance until 18:00"
    """
    return _switch(settings, "pause", {"scope": _scope(target, policy), "reason": reason})


@action.command(cls=Teaching)
@click.option("--target", metavar="NAME", help="Only what goes to this target.")
@click.option("--policy", metavar="NAME", help="Only what this policy commands.")
@shared("table", "json", server=True)
def resume(settings: Settings, *, target: str | None, policy: str | None) -> int:
    """Go on with what was paused; each pause is ended by itself, as it was begun.

    For example:
      congresslite action resume
      congresslite action resume --target nova
    """
    return _switch(settings, "resume", {"scope": _scope(target, policy)})


def _scope(target: str | None, policy: str | None) -> str:
    if target is not None and policy is not None:
        raise click.UsageError("give either --target or --policy")
    return target if target is not None else "" if policy is None else f"policy {policy}"


def _switch(settings: Settings, verb: str, body: dict[str, str]) -> int:
    """Pause or resume, and write what is paused now."""
    with asking(settings) as client:
        from congresslite.cli.client.actions import PAUSES, pause_row
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.server.schemas.actions import PauseList

        reply = client.send("POST", at(f"actions:{verb}"), PauseList, body)
    show_list(settings, reply.document, PAUSES, [pause_row(each) for each in reply.body.items], "nothing is paused")
    return Exit.CLEAN
