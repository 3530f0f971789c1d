"""`congresslite waiver`: violations that are accepted for a time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching, TeachingGroup
from congresslite.cli.terminal import remark

if TYPE_CHECKING:
    from congresslite.server.schemas.waivers import Waiver

_HEADER = ("id", "holds", "expires", "covers", "owner", "ticket", "reason")


@click.group(cls=TeachingGroup)
def waiver() -> None:
    """Show, grant and revoke waivers on a server.

    A violation with a waiver that holds does not block, and is listed as `waived`.

    For example:
      congresslite waiver list --server http://127.0.0.1:8181
      congresslite waiver add --policy nfv --object vm1 --owner ops --reason "moves on Monday" --expires 2027-01-31
    """


@waiver.command("list", cls=Teaching)
@shared("table", "json", "ndjson", server=True)
def list_(settings: Settings) -> int:
    """List the waivers, those that lapsed too.

    For example:
      congresslite waiver list
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.server.schemas.waivers import WaiverList

        reply = client.get(at("waivers"), WaiverList)
    show_list(settings, reply.document, _HEADER, [_row(each) for each in reply.body.items], "no waivers")
    return Exit.CLEAN


def _row(each: Waiver) -> tuple[str, ...]:
    holds = "yes" if each.holds else "lapsed"
    return each.id, holds, each.expires, _covers(each), each.owner, each.ticket, each.reason


def _covers(each: Waiver) -> str:
    if each.violation is not None:
        return each.violation
    parts = {"policy": each.policy, "rule": each.rule, "object": each.object}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


@waiver.command(cls=Teaching)
@click.argument("violation", required=False, metavar="[VIOLATION]")
@click.option("--policy", metavar="NAME", help="Instead of one violation, those of this policy.")
@click.option("--rule", metavar="NAME", help="Of the policy, only those of this rule.")
@click.option("--object", metavar="NAME", help="Of the policy, only those of this object.")
@click.option("--owner", required=True, metavar="NAME", help="Who answers for it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is accepted.")
@click.option("--expires", required=True, metavar="TIME",
              help="The last day on which it holds (2027-01-31), or the time at which it ends.")  # fmt: skip
@click.option("--ticket", default="", metavar="TEXT", help="Where more is said about it.")
@shared("table", "json", server=True)
def add(settings: Settings, *, violation: str | None, policy: str | None, **given: str | None) -> int:
    """Grant a waiver: for the violation with an id, or for those of a policy, of one rule or object of it.

    For example:
      congresslite waiver add 0123456789abcdef0123456789abcdef --owner ops --reason "known" --expires 2027-01-31
      congresslite waiver add --policy nfv --object vm1 --owner ops --reason "moves on Monday" --expires 2027-01-31
    """
    if (violation is None) == (policy is None):
        raise click.UsageError("give either VIOLATION or --policy")
    if violation is not None and (given["rule"] or given["object"]):
        raise click.UsageError("--rule and --object go with --policy")
    body = {"violation": violation, "policy": policy, **given}
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_table
        from congresslite.server.schemas.waivers import Waiver

        reply = client.send(
            "POST", at("waivers"), Waiver, {key: each for key, each in body.items() if each is not None}
        )
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    else:
        show_table(settings, _HEADER, [_row(reply.body)])
    return Exit.CLEAN


@waiver.command(cls=Teaching)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@shared(server=True)
def remove(settings: Settings, *, ids: tuple[str, ...]) -> int:
    """Revoke waivers.

    For example:
      congresslite waiver remove w-0123456789abcdef
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at

        for each in ids:
            client.delete(at("waivers", each))
            remark(f"waiver `{each}` is revoked", settings)
    return Exit.CLEAN
