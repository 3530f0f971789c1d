"""
Adaptation: where failed network functions go, chosen by the policies' own rules.

    policies, rows ──▶ problem: what has failed, the rows that may be chosen, the state without any of them
                          └──▶ grounding: our engine finds every instance of each rule that may matter (`translation`
                                  says which rules to ask it for), and the instances become literals
                                  └──▶ solving: clingo chooses, hard rules kept, at the least cost of soft ones
                                          └──▶ checking: our engine evaluates the plan; what it finds must be the same

clingo sees numbers only: no text, no value and no name of a policy ever reaches it. The rule to keep: no plan leaves
this package that our own engine has not evaluated, and found as the solver said.
"""

from __future__ import annotations

from congresslite.analysis.adaptation.adapting import adapt
from congresslite.analysis.adaptation.documents import plan_document
from congresslite.analysis.adaptation.plans import AdaptationError, AdaptationPlan

__all__ = ["AdaptationError", "AdaptationPlan", "adapt", "plan_document"]
