"""`congresslite check`: evaluate policies over tables and report the violations."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.client.asking import asking, asks_server
from congresslite.cli.estate import LOCAL, NO_TABLES, Estate, choose, estate_options, shipped_rules
from congresslite.cli.exits import Exit
from congresslite.cli.formats import FORMATS, write
from congresslite.cli.report import DRYRUN, SEVERITIES, Report, blocks
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import remark, tell
from congresslite.diagnostics import CongressliteError, PolicyError

if TYPE_CHECKING:
    from congresslite.api import Engine, Violation
    from congresslite.policy.waivers import Holding

_COUNTED = ("table", "json", "ndjson")


@click.command(cls=Teaching)
@click.argument("policies", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[POLICY]...")
@estate_options
@click.option("--counts", is_flag=True, help="Count the rows of every derived table; list no violations.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, metavar="N",
              help="Rows of each policy that a table shows; 0 for all.")  # fmt: skip
@click.option("--waivers", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Violations that somebody accepted; they do not block.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Errors below this severity do not block.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if violations block.")
@shared(*FORMATS, server=True)
def check(
    settings: Settings,
    *,
    policies: tuple[Path, ...],
    counts: bool,
    limit: int,
    waivers: Path | None,
    fail_on: str | None,
    exit_zero: bool,
    **estate: Any,
) -> int:
    """Evaluate policies over tables and list the violations.

    POLICY is a file or a folder; without one, the policies that ship are taken. The tables are files in a folder,
    DIR/SOURCE/TABLE.csv; without --data, the folder `inventory`. With --server, the violations that the server holds;
    or, if policies are named, what would follow if they went in: nothing changes.

    For example:
      congresslite check --example
      congresslite check rules/nfv.dl --data inventory
      congresslite check rules --data inventory -o sarif > report.sarif
      congresslite check rules --data inventory -o json --counts
      congresslite check rules --data inventory --waivers waivers.yaml
      congresslite check rules/nfv.dl --server http://127.0.0.1:8181

    Exits with 1 if a policy is wrong, or if an `error` rule of a policy that is not in dry run has rows; a server may
    have waived them. Exits with 3 if nothing blocks and the server cannot tell of everything.
    """
    if counts and settings.output not in _COUNTED:
        raise click.UsageError(f"--counts has no {settings.output} output; it has {', '.join(_COUNTED)}")
    if asks_server(settings, (*LOCAL, "waivers")):
        return _ask(settings, policies, listed=not counts, limit=limit, fail_on=fail_on, exit_zero=exit_zero)
    chosen = choose(policies, (shipped_rules(),), **estate)
    accepted = None if waivers is None else _accepted(waivers, settings)
    try:
        engine = chosen.load(settings)
    except CongressliteError as error:
        if chosen.data is None and any(each.code == "CL102" for each in error.diagnostics):
            raise click.UsageError(NO_TABLES) from error
        # A policy that is wrong is a finding about it; what cannot be read or evaluated is a failure.
        report = Report(Exit.BLOCKING if isinstance(error, PolicyError) else Exit.FAILED, error.diagnostics)
    else:
        violations = engine.violations if accepted is None else partial(_waived, engine, accepted)
        clean = exit_zero or not _blocking(engine, violations, fail_on, waived=accepted is not None)
        report = _report(engine, chosen, Exit.CLEAN if clean else Exit.BLOCKING, violations() if not counts else ())
        report = replace(report, listed=not counts, limit=limit)
    tell(report.findings, settings)
    if not policies and not report.policies and report.exit_code is Exit.BLOCKING:
        remark("these are the policies that ship; to check others, name them: congresslite check rules", settings)
    write(report, sys.stdout, settings)
    return report.exit_code


def _ask(
    settings: Settings, policies: tuple[Path, ...], *, listed: bool, limit: int, fail_on: str | None, exit_zero: bool
) -> int:
    """Let a server answer."""
    if policies and not listed:
        raise click.UsageError("--counts counts what the server holds: leave out POLICY")
    with asking(settings) as client:
        from congresslite.cli.client.checking import server_report
        from congresslite.cli.client.trial import try_policies

        if policies:
            return try_policies(client, policies, limit, settings)
        report = server_report(client, settings, listed=listed, limit=limit, fail_on=fail_on, exit_zero=exit_zero)
        tell(report.findings, settings)
        write(report, sys.stdout, settings)
        return report.exit_code


def _accepted(path: Path, settings: Settings) -> Holding:
    """The waivers of a file that hold today; those that lapsed are told. Raises SourceError."""
    from congresslite.policy.waivers import Holding, holds, read_waivers

    now = time.time()
    waivers = read_waivers(path)
    for waiver in waivers:
        if not holds(waiver, now):
            remark(f"waiver {waiver.id} of {waiver.owner} lapsed: {waiver.expires}", settings)
    return Holding.of(waivers, now)


def _waived(engine: Engine, accepted: Holding) -> Iterator[Violation]:
    """The violations, each with the waiver that covers it."""
    from congresslite.policy.violations import violation_id

    for found in engine.violations():
        known = partial(violation_id, found.policy, found.rule, found.row)
        waiver = accepted.covering(found.policy, found.rule, found.object, known)
        yield found if waiver is None else replace(found, waiver=waiver.id)


def _report(engine: Engine, chosen: Estate, code: Exit, violations: Iterable[Violation]) -> Report:
    rules = engine.program.rules
    return Report(
        exit_code=code,
        findings=engine.diagnostics,
        policies=engine.program.policies,
        rules=tuple(rule for rule in rules if rule.kind in ("error", "warning")),
        violations=violations,
        counts={table: engine.count(table) for table in engine.tables()},
        skipped=engine.skipped(),
        base_tables=len(engine.program.base),
        timing=engine.timing,
        again=chosen.again,
    )


def _blocking(
    engine: Engine, violations: Callable[[], Iterable[Violation]], fail_on: str | None, *, waived: bool
) -> bool:
    """Whether a row of an `error` rule blocks: in a policy not in dry run, grave enough, and without a waiver."""
    tables = set(engine.tables())
    errors = [f"{policy.name}:error" for policy in engine.program.policies if policy.mode != DRYRUN]
    if not any(table in tables and engine.count(table) for table in errors):
        return False
    if fail_on is None and not waived:
        return True
    return _any_grave(violations(), fail_on or SEVERITIES[-1])


def _any_grave(violations: Iterable[Violation], fail_on: str) -> bool:
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return any(blocks(violation) and violation.severity in grave for violation in violations)
