"""Names: what could not be resolved (unknown tables, columns, builtins, wrong numbers of terms), and second arities."""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.diagnostics import Diagnostic
from congresslite.language.resolution.draft import Draft


def check(draft: Draft) -> Iterator[Diagnostic]:
    """Whatever resolving the rules found."""
    yield from draft.unresolved
