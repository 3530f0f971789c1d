"""
Loops: the recursion that a database does not run by itself, round by round.

Each round evaluates every rule once for each of its recursive literals, which
reads what the round before made new. The loop ends when nothing is new, or
with an error when rules that make values go on for too many rounds.
"""

from __future__ import annotations

from congresslite.diagnostics import Diagnostic, EvaluationError
from congresslite.engine.sql.connection import Connection, run
from congresslite.language.program import CheckedRule
from congresslite.plan.sql import Loop


def run_loop(loop: Loop, connection: Connection, max_rounds: int) -> None:
    """Derive the tables of a loop. Raises EvaluationError for values without end, or what the database refuses."""
    for statement in loop.start:
        run(connection, statement)
    grown = set(loop.tables)
    rounds = 0
    while grown:
        computed: CheckedRule | None = None
        for variant in loop.variants:
            if variant.table in grown:
                made = run(connection, variant.statement)
                if made and variant.computes:
                    (computed,) = variant.statement.rules
        rounds += computed is not None
        if computed is not None and rounds > max_rounds:
            raise _endless(computed, max_rounds)
        grown = set()
        for table, turn in loop.turns.items():
            connection.execute(turn.clear)
            if connection.execute(turn.delta):
                connection.execute(turn.grow)
                grown.add(table)
            connection.execute(turn.empty)
    for sql in loop.end:
        connection.execute(sql)


def _endless(rule: CheckedRule, rounds: int) -> EvaluationError:
    return EvaluationError(
        Diagnostic(
            "CL502",
            f"this rule of `{rule.policy}` still made new values after {rounds:,} rounds of recursion",
            rule.span,
            "bound the values that it makes, such as with `x < 1000`, or raise the limit (`--max-rounds`)",
        )
    )
