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
    policies,
    recursion,
    safety,
    types,
)
from congresslite.language.draft import Draft

Check = Callable[[Draft], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    policies.check,
    declarations.check,
    names.check,
    annotated.check,
    forms.check,
    safety.check,
    types.check,
    recursion.check,
    facts.check,
    duplicates.check,
    contradictions.check,
)

# What can be wrong with a question.
QUERY_CHECKS: tuple[Check, ...] = (names.check, safety.check, types.check, contradictions.check)
