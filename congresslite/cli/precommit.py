"""`congresslite precommit`: say what would follow if policies went in, before they do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from congresslite.cli.client.asking import asking, asks_server
from congresslite.cli.estate import tables_of
from congresslite.cli.formats import FORMATS
from congresslite.cli.rehearsal import Proposal, max_affected_option, read_policies, rehearse, texts_of
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import remark, tell


@click.command(cls=Teaching)
@click.argument("policies", nargs=-1, type=click.Path(path_type=Path), metavar="[POLICY]...")
@click.option("--policies", "live", type=click.Path(exists=True, path_type=Path), metavar="DIR",
              help="The policies that are live; without them, POLICY is compared with nothing.")  # fmt: skip
@click.option("--against", metavar="REV", help="What is live is POLICY as git has it at this revision, like HEAD.")
@click.option("--remove", multiple=True, metavar="NAME", help="A policy that is to go; may be repeated.")
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Folder of SOURCE/TABLE.csv (.json, .ndjson, .parquet).")  # fmt: skip
@click.option("--example", is_flag=True, help="Use the tables of the example estate that ships.")
@click.option("--max-affected", callback=max_affected_option, metavar="N|N%",
              help="How many objects may be acted upon at once.  [default: 100, and 10%]")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1, max=10_000), default=100, show_default=True, metavar="N",
              help="How many violations and conflicts are told one by one.")  # fmt: skip
@shared(*FORMATS, server=True)
def precommit(
    settings: Settings,
    *,
    policies: tuple[Path, ...],
    live: Path | None,
    against: str | None,
    remove: tuple[str, ...],
    data: Path | None,
    example: bool,
    max_affected: str | None,
    limit: int,
) -> int:
    """Say what would follow if policies went in: violations, conflicts, loops, actions. Nothing changes.

    POLICY, files or folders, is what is proposed; --policies is what is live. The tables are those of --data, or of the
    folder `inventory`. With --server, it is the running estate that has the tables and the policies.

    For example:
      congresslite precommit proposed/ --policies rules --data inventory
      congresslite precommit rules --against HEAD --data inventory
      congresslite precommit --remove nfv --policies rules --data inventory
      congresslite precommit rules/nfv.dl --policies rules --max-affected 5% -o json
      congresslite precommit proposed/ --server http://127.0.0.1:8181

    The verdict is `ok`, `warn`, `needs_decision` or `reject`; `apply` commits what was checked, by the id of the check.

    Exits with 1 for `needs_decision` and `reject`, and with 3 if nothing blocks and something is not current.
    """
    if not policies and not remove:
        raise click.UsageError("name the policies that are proposed, or some that are to go with --remove")
    if against is None:
        _must_exist(each for each in policies if not each.exists())
    if asks_server(settings, ("live", "against", "data", "example")):
        with asking(settings) as client:
            from congresslite.cli.client.prechecking import check_policies

            return check_policies(client, settings, policies, remove=remove, max_affected=max_affected, limit=limit)
    proposal = _proposal(policies, remove, live=live, against=against)
    tables = tables_of(data, example=example)
    return _checked(replace(proposal, data=tables, max_affected=max_affected, limit=limit), live, settings)


def _proposal(
    policies: tuple[Path, ...], remove: tuple[str, ...], *, live: Path | None, against: str | None
) -> Proposal:
    """What is proposed, and what is live. Raises UsageError, SourceError, PolicyError."""
    there = [each for each in policies if each.exists()]
    proposed = read_policies(there) if there else ()
    both = sorted(set(remove) & {each.name for each in proposed})
    if both:
        raise click.UsageError(f"policy `{both[0]}` cannot both go in and go out")
    if against is None:
        known = () if live is None else read_policies([live])
    else:
        from congresslite.cli.revisions import policies_at

        if live is not None:
            raise click.UsageError("give either --policies or --against")
        known = policies_at(against, policies)
        _must_exist(each for each in policies if each not in there and not policies_at(against, [each]))
        # The whole set is proposed: what is in it no more is to go.
        remove = tuple(sorted({*remove, *({each.name for each in known} - {each.name for each in proposed})}))
    if remove and live is None and against is None:
        raise click.UsageError("--remove takes a policy from what is live: name that with --policies")
    return Proposal(proposed, remove, known)


def _must_exist(missing: Iterable[Path]) -> None:
    """Raise BadParameter for the first of these, if there is one."""
    for path in missing:
        raise click.BadParameter(f"Path '{path}' does not exist.", param_hint="'[POLICY]...'")


def _checked(proposal: Proposal, live: Path | None, settings: Settings) -> int:
    from congresslite.analysis.documents import report_document
    from congresslite.cli.prechecked import write_checked

    report = rehearse(proposal, settings)
    document = report_document(report)
    tell(report.findings, settings)
    code = write_checked(document, settings, findings=report.findings, texts=texts_of(proposal))
    if live is not None and live.is_dir() and report.verdict != "reject":
        _save(proposal, live, document, settings)
    return code


def _save(proposal: Proposal, live: Path, document: dict[str, object], settings: Settings) -> None:
    """Keep the check for `apply`, if this folder can be written to."""
    from congresslite.cli.prechecked import remark_apply
    from congresslite.cli.saved import SavedCheck, save

    try:
        save(SavedCheck(replace(proposal, live=()), live, document))
    except OSError as error:
        remark(f"the check cannot be kept for `apply`: {(error.strerror or 'it failed').lower()}", settings)
        return
    remark_apply(document, "", settings)
