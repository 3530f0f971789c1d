"""
The reference engine: the checked program, before any rewrite, evaluated by pyDatalog.

It is for small estates, for doubt, and for the tests that hold the columnar
engine to it. pyDatalog does the real work: joins, recursion, negation and the
memory of what was asked. Around it, because pyDatalog has other ideas of them,
we decide what values are: each value is interned as an integer (so that 1 and
1.0 are one and `true` is another), arithmetic, ordering and builtins are
computed predicates, aggregates are folded from all bindings that it found, and
strata are run one after the other. The text of a rule never reaches it.

The rule to keep: silence is no answer. What does not come in time, or ends in
an error of pyDatalog, is an EvaluationError, never an empty table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from congresslite.engine.reference.process import ReferenceProcess
from congresslite.language.program import Program
from congresslite.schema import Row

__all__ = ["ReferenceProcess", "evaluate_reference"]


def evaluate_reference(
    program: Program, tables: Mapping[str, Sequence[Row]], *, timeout_s: float, clock: str
) -> Mapping[str, list[Row]]:
    """The rows of every derived table, given those of the source tables.

    `clock` is what `now` gives, `YYYY-MM-DD HH:MM:SS`. Raises EvaluationError if
    pyDatalog is not installed, fails, or has no verdict in time.
    """
    with ReferenceProcess() as process:
        return process.evaluate(program, tables, timeout_s=timeout_s, clock=clock)
