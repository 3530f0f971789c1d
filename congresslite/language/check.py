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
from congresslite.language.parser import parse
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
    level: str | None = None,
    syntax: Collection[Diagnostic] = (),
) -> Checked:
    """Check parsed policies against the tables of the sources.

    `tiers` are the names of the configured hierarchy, and `level` is the one of the
    engine, unless it stands alone. `syntax` is what was found while the policies
    were read, to be told together with the rest: of a policy with an error in its
    text, nobody is told that a table of it is unknown, and there is no program.
    """
    broken = {each.span.source.name for each in syntax if each.span is not None and each.severity is Severity.ERROR}
    draft = build(files, catalog, tiers, {file.name for file in files if file.source.name in broken})
    meaning = findings(CHECKS, draft)
    found = in_order((*syntax, *meaning))
    if broken or any(finding.severity is Severity.ERROR for finding in meaning):
        return Checked(None, found)
    return Checked(assemble(draft, level), found)


def check_sources(sources: Sequence[Source], catalog: Catalog, *, tiers: Sequence[str] = TIERS) -> Checked:
    """Parse and check policy texts; findings about syntax and about meaning come in one run."""
    parsed = [parse(source) for source in sources]
    syntax = [finding for _, found in parsed for finding in found]
    return check([file for file, _ in parsed], catalog, tiers=tiers, syntax=syntax)
