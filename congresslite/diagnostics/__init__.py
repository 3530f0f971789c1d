"""What is told to a person: places in text, findings, and the catalogue of their codes."""

from congresslite.diagnostics.diagnostic import (
    CongressliteError,
    Diagnostic,
    EvaluationError,
    PolicyError,
    Severity,
    SourceError,
    render,
)
from congresslite.diagnostics.span import Source, Span

__all__ = [
    "CongressliteError",
    "Diagnostic",
    "EvaluationError",
    "PolicyError",
    "Severity",
    "Source",
    "SourceError",
    "Span",
    "render",
]
