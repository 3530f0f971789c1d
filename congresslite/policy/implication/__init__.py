"""
Implication: what the rules alone prove, whatever rows there are.

`implies(r, s)` says that on every legal state each row of rule r is a row of rule s: the body of r is chased with the
keys and references that are declared, and a homomorphism from s to it is looked for, under which each comparison of s
follows from those of r. The rule to keep: it is sound, never complete; True is a proof, and anything that it does not
understand makes it False. Whoever tells a user says "not analysed" then, never "no".

    budget ◀── values ◀── closure        what comparisons prove of values
                theory ◀── state         what is assumed of rows, and follows: the chase
                  cases ◀── search ◀── prover
"""

from __future__ import annotations

from congresslite.language.program import CheckedRule, Program
from congresslite.policy.implication.prover import Prover

__all__ = ["Prover", "empty", "implies"]


def implies(premise: CheckedRule, conclusion: CheckedRule, program: Program) -> bool:
    """Whether it is proven that each row of `premise` is one of `conclusion`, on every legal state.

    Only the terms of the heads count, not their tables, so rules with opposed modals can be compared.
    """
    return Prover(program).implies(premise, conclusion)


def empty(rule: CheckedRule, program: Program) -> bool:
    """Whether it is proven that a rule has no row on any legal state."""
    return Prover(program).empty(rule)
