"""`congresslite lint`: find mistakes in policies, without any data."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from congresslite.cli.definitions import assume_tables, data_catalog, shipped_catalog, with_definitions
from congresslite.cli.estate import shipped_rules
from congresslite.cli.exits import Exit
from congresslite.cli.formats import FORMATS, write
from congresslite.cli.report import Report
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import number, remark, tell
from congresslite.diagnostics import Diagnostic, Severity


@click.command(cls=Teaching)
@click.argument("policies", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[POLICY]...")
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Hold names and columns against the tables of this folder.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Warnings block too.")
@shared(*FORMATS)
def lint(settings: Settings, *, policies: tuple[Path, ...], data: Path | None, strict: bool) -> int:
    """Find mistakes in policies, and what is probably one.

    POLICY is a file or a folder; without one, the policies that ship are taken. All are checked together, since they
    may read each other. Tables are known from the source definitions that ship and from --data; of other sources,
    names are taken on trust.

    For example:
      congresslite lint rules
      congresslite lint rules --data inventory --strict
      congresslite lint rules -o github
    """
    findings, on_trust = _findings(policies or (shipped_rules(),), data)
    errors = sum(1 for each in findings if each.severity is Severity.ERROR)
    code = Exit.BLOCKING if errors or (strict and findings) else Exit.CLEAN
    if settings.output == "table":
        tell(findings, settings, err=False)
        if on_trust:
            names = ", ".join(f"`{name}`" for name in sorted(on_trust))
            remark(f"the tables of {names} were taken on trust; --data DIR holds rules against them", settings)
        remark(f"{number(errors, 'error')}, {number(len(findings) - errors, 'warning')}", settings)
    else:
        write(Report(code, findings), sys.stdout, settings)
    return code


def _findings(policies: tuple[Path, ...], data: Path | None) -> tuple[tuple[Diagnostic, ...], set[str]]:
    """Everything to be told of these policies, and the sources whose tables nobody knows."""
    from congresslite.language.check import check, in_order
    from congresslite.language.lint import lint as lint_policies
    from congresslite.policy.loading import load_policies

    files, syntax = load_policies(policies)
    known = shipped_catalog() if data is None else with_definitions(data_catalog(data))
    catalog, on_trust = assume_tables(files, known)
    checked = check(files, catalog, syntax=syntax)
    style = lint_policies(files, checked.program, catalog)
    return in_order((*checked.diagnostics, *style)), on_trust
