"""Patterns: a regular expression that is written in a rule must be one, or the rule would never fire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from congresslite.diagnostics import Diagnostic
from congresslite.language.builtins import BUILTINS, pattern_error
from congresslite.language.program import Call, Const, Either, Literal
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.where import term_span

_PATTERN = BUILTINS["matches"].parameters.index("pattern")


def check(draft: Draft) -> Iterator[Diagnostic]:
    """A finding for each constant pattern that cannot be read."""
    for rule in draft.rules:
        for call in _calls(rule.body):
            pattern = call.inputs[_PATTERN]
            wrong = (
                pattern_error(pattern.value) if isinstance(pattern, Const) and isinstance(pattern.value, str) else None
            )
            if wrong is not None and call.span is not None:
                span = term_span(rule.outline.rule, pattern, call.span)
                hint = "write a backslash before a character that stands for itself"
                yield Diagnostic("CL114", f"this is no regular expression: {wrong}", span, hint)


def _calls(body: Iterable[Literal]) -> Iterator[Call]:
    for literal in body:
        match literal:
            case Call("matches"):
                yield literal
            case Either(branches):
                for branch in branches:
                    yield from _calls(branch)
            case _:
                pass
