"""The public engine: policies and tables in, answers out."""

from congresslite.api.engine import ENGINES, Engine, Given, Progress
from congresslite.api.snapshot import Answer, Snapshot, Trial
from congresslite.api.timing import Timing
from congresslite.engine.explanation.proofs import Proof, WhyNot
from congresslite.policy import Policy
from congresslite.policy.violations import Violation
from congresslite.schema import Changes, Delta

__all__ = [
    "ENGINES",
    "Answer",
    "Changes",
    "Delta",
    "Engine",
    "Given",
    "Policy",
    "Progress",
    "Proof",
    "Snapshot",
    "Timing",
    "Trial",
    "Violation",
    "WhyNot",
]
