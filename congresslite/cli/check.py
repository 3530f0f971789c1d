"""`congresslite check`: evaluate policies over tables and report the violations."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.estate import NO_TABLES, Estate, choose, estate_options, shipped_rules
from congresslite.cli.exits import Exit
from congresslite.cli.formats import FORMATS, write
from congresslite.cli.report import DRYRUN, SEVERITIES, Report, blocks
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import remark, tell
from congresslite.diagnostics import CongressliteError, PolicyError

if TYPE_CHECKING:
    from congresslite.api import Engine, Violation

_COUNTED = ("table", "json", "ndjson")


@click.command(cls=Teaching)
@click.argument("policies", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[POLICY]...")
@estate_options
@click.option("--counts", is_flag=True, help="Count the rows of every derived table; list no violations.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, metavar="N",
              help="Rows of each policy that a table shows; 0 for all.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Errors below this severity do not block.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if violations block.")
@shared(*FORMATS)
def check(
    settings: Settings,
    *,
    policies: tuple[Path, ...],
    counts: bool,
    limit: int,
    fail_on: str | None,
    exit_zero: bool,
    **estate: Any,
) -> int:
    """Evaluate policies over tables and list the violations.

    POLICY is a file or a folder; without one, the policies that ship are taken. The tables are files in a folder,
    DIR/SOURCE/TABLE.csv; without --data, the folder `inventory`.

    For example:
      congresslite check --example
      congresslite check rules/nfv.dl --data inventory
      congresslite check rules --data inventory -o sarif > report.sarif
      congresslite check rules --data inventory -o json --counts

    Exits with 1 if a policy is wrong, or if an `error` rule of a policy that is not in dry run has rows.
    """
    if counts and settings.output not in _COUNTED:
        raise click.UsageError(f"--counts has no {settings.output} output; it has {', '.join(_COUNTED)}")
    chosen = choose(policies, (shipped_rules(),), **estate)
    try:
        engine = chosen.load(settings)
    except CongressliteError as error:
        if chosen.data is None and any(each.code == "CL102" for each in error.diagnostics):
            raise click.UsageError(NO_TABLES) from error
        # A policy that is wrong is a finding about it; what cannot be read or evaluated is a failure.
        report = Report(Exit.BLOCKING if isinstance(error, PolicyError) else Exit.FAILED, error.diagnostics)
    else:
        code = Exit.CLEAN if exit_zero or not _blocking(engine, fail_on) else Exit.BLOCKING
        report = _report(engine, chosen, code, not counts, limit)
    tell(report.findings, settings)
    if not policies and not report.policies and report.exit_code is Exit.BLOCKING:
        remark("these are the policies that ship; to check others, name them: congresslite check rules", settings)
    write(report, sys.stdout, settings)
    return report.exit_code


def _report(engine: Engine, chosen: Estate, code: Exit, listed: bool, limit: int) -> Report:
    rules = engine.program.rules
    return Report(
        exit_code=code,
        findings=engine.diagnostics,
        policies=engine.program.policies,
        rules=tuple(rule for rule in rules if rule.kind in ("error", "warning")),
        violations=engine.violations() if listed else (),
        counts={table: engine.count(table) for table in engine.tables()},
        skipped=engine.skipped(),
        base_tables=len(engine.program.base),
        timing=engine.timing,
        listed=listed,
        limit=limit,
        again=chosen.again,
    )


def _blocking(engine: Engine, fail_on: str | None) -> bool:
    """Whether a row of an `error` rule blocks: in a policy not in dry run, and grave enough."""
    tables = set(engine.tables())
    errors = [f"{policy.name}:error" for policy in engine.program.policies if policy.mode != DRYRUN]
    if not any(table in tables and engine.count(table) for table in errors):
        return False
    return fail_on is None or _any_grave(engine.violations(), fail_on)


def _any_grave(violations: Iterable[Violation], fail_on: str) -> bool:
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return any(blocks(violation) and violation.severity in grave for violation in violations)
