"""
Contradictions: rules that can never fire, because their body rules itself out.

Told are comparisons with constants that leave a variable no value (declared
domains included), `p(x), not p(x)`, orderings of two variables that exclude
each other, and rows that a declared key makes one. What is told is certain;
that nothing is told proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from congresslite.diagnostics import Diagnostic, Severity
from congresslite.language.checks.types import mismatches
from congresslite.language.program import Either, Literal
from congresslite.language.resolution.draft import Draft, DraftRule
from congresslite.language.resolution.satisfy import Conflict, Constraints


def check(draft: Draft) -> Iterator[Diagnostic]:
    """A warning for each body, or branch of one, that can never hold."""
    for rule, env in zip(draft.rules, draft.typing.variables, strict=True):
        found = [] if rule.outline.made else list(_body(draft, rule, rule.body, ()))
        # Values of a wrong type are never in a domain either: that would tell one mistake twice.
        if found and not any(mismatches(draft, rule, env)):
            yield from found


def _body(
    draft: Draft, rule: DraftRule, body: Sequence[Literal], outer: tuple[Literal, ...], what: str = "this rule"
) -> Iterator[Diagnostic]:
    plain = (*outer, *(literal for literal in body if not isinstance(literal, Either)))
    conflict = Constraints(draft.scope, rule.outline.rule).conflict(plain)
    if conflict is not None:
        yield _finding(conflict, what)
        return
    for literal in body:
        if isinstance(literal, Either):
            for each in literal.branches:
                yield from _body(draft, rule, each, plain, "this branch")


def _finding(conflict: Conflict, what: str) -> Diagnostic:
    verb = "hold" if what == "this branch" else "fire"
    message = f"{what} can never {verb}: {conflict.reason}"
    notes = (f"{conflict.before}: `{conflict.before.text}`",) if conflict.before is not None else ()
    return Diagnostic("CL242", message, conflict.span, conflict.hint, Severity.WARNING, notes=notes)
