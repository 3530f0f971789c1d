"""
Explanations: why a row is there, and why one is not.

They are asked for, not recorded: each is worked out from the rules and the
finished tables, through the questions of `Lookup`, and reads nothing that the
rules have not read.
"""

from __future__ import annotations

from congresslite.engine.explanation.documents import as_json
from congresslite.engine.explanation.lookup import ANY, Anything, Lookup, Pattern
from congresslite.engine.explanation.proofs import (
    Absent,
    Attempt,
    Branch,
    Entry,
    Failure,
    Found,
    Grouped,
    Held,
    Mismatch,
    Near,
    Proof,
    WhyNot,
)
from congresslite.engine.explanation.why import explain
from congresslite.engine.explanation.why_not import why_not

__all__ = [
    "ANY",
    "Absent",
    "Anything",
    "Attempt",
    "Branch",
    "Entry",
    "Failure",
    "Found",
    "Grouped",
    "Held",
    "Lookup",
    "Mismatch",
    "Near",
    "Pattern",
    "Proof",
    "WhyNot",
    "as_json",
    "explain",
    "why_not",
]
