"""
Findings: values with a code, a place, a cause and at most one hint.

Whatever is wrong with what a user wrote or gave is a `Diagnostic`; whoever
cannot go on raises a `CongressliteError` that carries all of them, so that a
user sees every root cause in one run. Messages are lower case, without a full
stop, with the user's own text in backticks and no names from our code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from congresslite.diagnostics.span import Span


class Severity(StrEnum):
    """How much a finding matters: an error blocks, a warning is only told."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `place` says where, for what has no span (`inventory/inv/vm.csv:17`)."""

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    place: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def where(self) -> str:
        """The place of the finding, as a person reads it; empty if it has none."""
        return str(self.span) if self.span is not None else self.place or ""

    def sort_key(self) -> tuple[str, int, str, str]:
        """Orders findings by file, place and code, so that output is stable."""
        if self.span is not None:
            return (self.span.source.name, self.span.start, self.code, self.message)
        return (self.place or "", 0, self.code, self.message)


class CongressliteError(Exception):
    """What stops the work, told as findings; never a traceback for a user."""

    def __init__(self, diagnostics: Iterable[Diagnostic] | Diagnostic) -> None:
        found = [diagnostics] if isinstance(diagnostics, Diagnostic) else list(diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(found)
        super().__init__("\n".join(render(each) for each in self.diagnostics))


class PolicyError(CongressliteError):
    """Policies that cannot be run: syntax, names, types, safety, strata."""


class SourceError(CongressliteError):
    """Tables that cannot be read, or a definition that cannot be used."""


class EvaluationError(CongressliteError):
    """An evaluation that was stopped: a limit reached, no verdict in time."""


def render(diagnostic: Diagnostic) -> str:
    """A finding as plain text: place, code and message, the line with a caret, the hint."""
    where = diagnostic.where
    head = f"{where}: " if where else ""
    lines = [f"{head}{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    span = diagnostic.span
    if span is not None:
        text = span.source.line_text(span.line)
        number = str(span.line)
        width = span.end - span.start if span.end_line == span.line else len(text) - span.column + 1
        # Tabs are kept, so that the caret stands under its character in any terminal.
        pad = "".join("\t" if character == "\t" else " " for character in text[: span.column - 1])
        lines.append(f"  {number} | {text}")
        lines.append(f"  {' ' * len(number)} | {pad}{'^' * max(1, width)}")
    lines.extend(f"  note: {note}" for note in diagnostic.notes)
    if diagnostic.hint:
        lines.append(f"  hint: {diagnostic.hint}")
    return "\n".join(lines)
