"""Forms of rules: what modals may stand around, and what effects are effects of."""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.diagnostics import Diagnostic
from congresslite.language.program import Literal, Match, RuleKind
from congresslite.language.resolution.draft import Draft, DraftRule
from congresslite.language.resolution.scope import VIOLATIONS


def check(draft: Draft) -> Iterator[Diagnostic]:
    """Findings about modal heads, and about effects without an action."""
    for rule in draft.rules:
        if rule.outline.made:
            continue
        if rule.outline.kind is RuleKind.MODAL:
            yield from _modal(rule)
        elif rule.outline.kind is RuleKind.EFFECT:
            yield from _effect(rule)


def _modal(rule: DraftRule) -> Iterator[Diagnostic]:
    head = rule.outline.rule.head
    name, modal = head.atom.table, head.modal
    if name.name in VIOLATIONS and name.qualifier is None:
        message = f"`{modal}[…]` cannot stand around `{name}`, which is a violation"
        hint = f"write `{name}(…)` for a violation, or name an action or a fact in `{modal}[…]`"
        yield Diagnostic("CL241", message, head.span, hint)
    elif name.qualifier == "builtin":
        message = f"`{modal}[…]` cannot stand around the builtin `{name}`"
        yield Diagnostic("CL241", message, head.span, "name an action or a fact")


def _effect(rule: DraftRule) -> Iterator[Diagnostic]:
    head = rule.outline.rule.head
    if not any(_is_action(literal) for literal in rule.body):
        message = f"the effect `{head.atom.table}` names no action"
        hint = f"write `{head.atom.table}(…) :- action(…), …`; an action is no table"
        yield Diagnostic("CL244", message, head.atom.table.span, hint)


def _is_action(literal: Literal) -> bool:
    # A literal that could not be resolved has been told; it may have been the action.
    return isinstance(literal, Match) and (not literal.table or literal.table.startswith("execute["))
