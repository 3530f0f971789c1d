"""`congresslite policy`: the policies of a server and their versions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from congresslite.cli.client.asking import asking
from congresslite.cli.client.errors import ServerError
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching, TeachingGroup
from congresslite.cli.terminal import remark, tell
from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from congresslite.cli.client.http import Client, Reply
    from congresslite.diagnostics import Source
    from congresslite.server.schemas.policies import Policy, PolicySummary

_HEADER = ("policy", "version", "from", "since", "by")


@click.group(cls=TeachingGroup)
def policy() -> None:
    """Show and change the policies of a server.

    `congresslite check POLICY --server URL` says beforehand what would follow.

    For example:
      congresslite policy list --server http://127.0.0.1:8181
      congresslite policy put rules/nfv.dl
      congresslite policy versions nfv
    """


@policy.command("list", cls=Teaching)
@shared("table", "json", "ndjson", server=True)
def list_(settings: Settings) -> int:
    """List the policies.

    For example:
      congresslite policy list
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.server.schemas.policies import PolicyList

        reply = client.get(at("policies"), PolicyList)
    show_list(settings, reply.document, _HEADER, [_row(each) for each in reply.body.items], "no policies")
    return Exit.CLEAN


@policy.command(cls=Teaching)
@click.argument("name")
@shared("table", "json", "ndjson", server=True)
def versions(settings: Settings, *, name: str) -> int:
    """List the versions of a policy, the latest first.

    For example:
      congresslite policy versions nfv
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.cli.client.showing import show_list
        from congresslite.server.schemas.policies import PolicyList

        reply = client.get(at("policies", name, "versions"), PolicyList)
    show_list(settings, reply.document, _HEADER, [_row(each) for each in reply.body.items], "no versions")
    return Exit.CLEAN


def _row(each: PolicySummary) -> tuple[str, ...]:
    from congresslite.cli.client.showing import moment

    put = f"from {each.path}" if each.origin == "tier" else "put"
    origin = each.path if each.origin == "file" else "removed" if each.removed else put
    return each.name, str(each.version), origin, moment(each.created_at), each.created_by


@policy.command(cls=Teaching)
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="This version instead of the current one.")
@shared("table", "json", server=True)
def show(settings: Settings, *, name: str, version: int | None) -> int:
    """Print the text of a policy.

    For example:
      congresslite policy show nfv > nfv.dl
      congresslite policy show nfv --version 3
    """
    with asking(settings) as client:
        from congresslite.cli.client.http import at
        from congresslite.server.schemas.policies import Policy

        path = at("policies", name) if version is None else at("policies", name, "versions", str(version))
        reply = client.get(path, Policy)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(reply.document) + "\n")
    elif reply.body.text is None:
        remark(f"version {reply.body.version} says that `{name}` was removed; it has no text", settings)
    else:
        text = reply.body.text
        # A file gets the text as it is; on a terminal, no character of it may do more than show.
        click.echo(visible(text, keep="\n\t") if sys.stdout.isatty() else text, nl=not text.endswith("\n"))
    return Exit.CLEAN


@policy.command(cls=Teaching)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE...")
@click.option("--replaces", type=click.IntRange(min=1), metavar="N",
              help="Only if the version that is there is N; of one policy.")  # fmt: skip
@shared("table", "json", "ndjson", server=True)
def put(settings: Settings, *, files: tuple[Path, ...], replaces: int | None) -> int:
    """Add policies to a server, or replace those of the same names.

    FILE is a policy or a folder of them. They may read each other's tables, in whatever order they are given; those
    that are wrong are not taken, and said what is wrong with them.

    For example:
      congresslite policy put rules/nfv.dl
      congresslite policy put rules/nfv.dl --replaces 3

    Exits with 1 if a policy is wrong.
    """
    with asking(settings) as client:
        from congresslite.cli.client.proposed import read_proposed
        from congresslite.cli.client.showing import show_list

        proposed = read_proposed(files)
        if replaces is not None and len(proposed) > 1:
            raise click.UsageError("--replaces is about one policy: give one FILE")
        done, refused = _put_all(client, proposed, replaces)
    items = [each.document for each, _ in done]
    rows = [(each.body.name, what, f"version {each.body.version}") for each, what in done]
    show_list(settings, {"items": items}, None, rows)
    for error in refused:
        tell(error.diagnostics, settings)
    if not refused:
        return Exit.CLEAN
    return Exit.BLOCKING if all(error.about_policies for error in refused) else Exit.FAILED


Done = list[tuple["Reply[Policy]", str]]


def _put_all(client: Client, proposed: Mapping[str, Source], replaces: int | None) -> tuple[Done, list[ServerError]]:
    """Put policies, and once more those that were refused, as long as that helps: one may read another's tables."""
    done: Done = []
    left = dict(proposed)
    while left:
        refused: dict[str, ServerError] = {}
        for name, source in left.items():
            try:
                done.append(_put(client, name, source, replaces))
            except ServerError as error:
                refused[name] = error
        if len(refused) == len(left) or not all(error.about_policies for error in refused.values()):
            return done, list(refused.values())
        left = {name: left[name] for name in refused}
    return done, []


def _put(client: Client, name: str, source: Source, replaces: int | None) -> tuple[Reply[Policy], str]:
    from congresslite.cli.client import versions as versioned
    from congresslite.cli.client.proposed import by_file
    from congresslite.server.schemas.policies import Policy

    known = versioned.current(client, "policies", name, Policy)
    if known is not None and known.body.text == source.text:
        return known, "unchanged"
    there = None if known is None else known.body.version
    if replaces is not None and there != replaces:
        raise ServerError(_other_version(name, there))
    body = {"text": source.text}
    reply = versioned.put(client, "policies", name, Policy, body=body, known=known, texts=by_file({name: source}))
    return reply, "added" if known is None else "replaced"


def _other_version(name: str, there: int | None) -> Diagnostic:
    message = f"policy `{name}` is not there" if there is None else f"policy `{name}` is in version {there} by now"
    hint = f"look at it with `congresslite policy show {name}`, and put yours again if it is right"
    return Diagnostic("CL561", message, hint=hint, place=name)


@policy.command(cls=Teaching)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@shared(server=True)
def remove(settings: Settings, *, names: tuple[str, ...]) -> int:
    """Remove policies; their violations are resolved, their versions stay.

    For example:
      congresslite policy remove nfv
    """
    with asking(settings) as client:
        from congresslite.cli.client import versions as versioned
        from congresslite.server.schemas.policies import Policy

        for name in names:
            versioned.remove(client, "policies", name, Policy)
            remark(f"policy `{name}` is removed", settings)
    return Exit.CLEAN
