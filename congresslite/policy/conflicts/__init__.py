"""
Conflicts: rules that contradict each other, kept current like any other rows.

    checked program ──pairs──▶ contradictions ──rules──▶ program with a rule for each
                                     │
                                  deciding: which side wins, and by what

Two rules may contradict each other in three ways: opposed modals on the same atom (*modality*), actions that are
declared incompatible on the same object (*action*), two values of what is functional (*value*). For each pair of rules
that may, one further rule joins their rows: `conflict:modality(rule, against, …)`. The engine keeps it as it keeps all
tables, explains it, and tells what comes and goes of it; the history gives each row an id and a past.

The rule to keep: who wins is told from what the policies say of themselves, never from the order of arrival. Where
nothing decides between two `execute`, neither runs, and the row is a violation, `conflict:error`.
"""

from __future__ import annotations

from congresslite.language.program import CONFLICT_POLICY as POLICY
from congresslite.policy.conflicts.foreign import ForeignRule
from congresslite.policy.conflicts.rules import with_conflicts

__all__ = ["POLICY", "ForeignRule", "with_conflicts"]
