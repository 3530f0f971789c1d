"""
The checks, in one tuple: each takes the whole draft and gives its findings.

A new check is a file in this folder and a line here. A check never looks at
what another one found: what would follow from an error is kept out of the
draft, where names are resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from congresslite.diagnostics import Diagnostic
from congresslite.language.checks import (
    annotated,
    contradictions,
    declarations,
    duplicates,
    facts,
    forms,
    names,
    opposed,
    patterns,
    policies,
    recursion,
    safety,
    stages,
    types,
)
from congresslite.language.resolution.draft import Draft

Check = Callable[[Draft], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    policies.check,
    declarations.check,
    opposed.check,
    names.check,
    annotated.check,
    forms.check,
    safety.check,
    types.check,
    patterns.check,
    recursion.check,
    facts.check,
    stages.check,
    duplicates.check,
    contradictions.check,
)

# What can be wrong with a question.
QUERY_CHECKS: tuple[Check, ...] = (names.check, safety.check, types.check, patterns.check, contradictions.check)


def findings(checks: Iterable[Check], draft: Draft) -> tuple[Diagnostic, ...]:
    """All that these checks find in a draft."""
    return in_order(finding for check in checks for finding in check(draft))


def in_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings by place, each told once."""
    return tuple(sorted(dict.fromkeys(found), key=Diagnostic.sort_key))
