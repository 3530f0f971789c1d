"""
Checking policies: from what they say to a program that can be run, or to everything that is wrong.

All policies are checked together, since they may read each other; the checks
are the tuple in `checks`, and none of them stops another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from congresslite.diagnostics import Diagnostic, Severity, Source
from congresslite.language.checks import CHECKS, findings, in_order
from congresslite.language.parser import parse_policy, parse_yaml_policy
from congresslite.language.program import Program
from congresslite.language.query import CheckedQuery, check_query
from congresslite.language.resolution.assemble import assemble
from congresslite.language.resolution.build import build
from congresslite.language.resolution.settings import TIERS
from congresslite.language.syntax import PolicyFile
from congresslite.schema import Catalog

__all__ = ["Checked", "CheckedQuery", "check", "check_query", "check_sources", "in_order"]


@dataclass(frozen=True, slots=True)
class Checked:
    """The program, None if anything is wrong with it, and all findings, warnings included, in order of place."""

    program: Program | None
    diagnostics: tuple[Diagnostic, ...]


def check(
    files: Sequence[PolicyFile],
    catalog: Catalog,
    *,
    tiers: Sequence[str] = TIERS,
    incomplete: Collection[str] = (),
) -> Checked:
    """Check parsed policies against the tables of the sources.

    `tiers` are the names of the configured hierarchy. `incomplete` names policies
    whose text could not be parsed to its end: nobody is told that a table of
    theirs is unknown, and there is no program.
    """
    draft = build(files, catalog, tiers, incomplete)
    found = findings(CHECKS, draft)
    if incomplete or any(finding.severity is Severity.ERROR for finding in found):
        return Checked(None, found)
    return Checked(assemble(draft), found)


def check_sources(sources: Sequence[Source], catalog: Catalog, *, tiers: Sequence[str] = TIERS) -> Checked:
    """Parse and check policy texts; findings about syntax and about meaning come in one run.

    A source whose name ends in `.yaml` or `.yml` holds the YAML form of a policy.
    """
    files: list[PolicyFile] = []
    found: list[Diagnostic] = []
    incomplete: set[str] = set()
    for source in sources:
        parse = parse_yaml_policy if source.name.endswith((".yaml", ".yml")) else parse_policy
        file, syntax = parse(source)
        files.append(file)
        found += syntax
        if any(finding.severity is Severity.ERROR for finding in syntax):
            incomplete.add(file.name)
    checked = check(files, catalog, tiers=tiers, incomplete=incomplete)
    return Checked(checked.program, in_order((*found, *checked.diagnostics)))
