"""Duplicates: rules and facts that a policy states twice, which changes nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from congresslite.diagnostics import Diagnostic, Severity
from congresslite.language.resolution.draft import Draft, Outline
from congresslite.schema import identity


def check(draft: Draft) -> Iterator[Diagnostic]:
    """A warning for each rule or fact that stands in its policy already."""
    rules: dict[Hashable, Outline] = {}
    for rule in draft.rules:
        if not rule.outline.made:
            yield from _seen_before(rule.outline, (rule.outline.policy, rule.text), rules, "rule")
    for table, facts in draft.facts.items():
        stated: dict[Hashable, Outline] = {}
        for fact in facts:
            key = (table, *map(identity, fact.row))
            yield from _seen_before(fact.outline, key, stated, "fact")


def _seen_before(outline: Outline, key: Hashable, seen: dict[Hashable, Outline], what: str) -> Iterator[Diagnostic]:
    first = seen.setdefault(key, outline)
    if first is not outline:
        message = f"this {what} stands in line {first.span.line} already"
        yield Diagnostic("CL240", message, outline.span, f"leave the second {what} out", Severity.WARNING)
