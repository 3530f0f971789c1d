"""
Actions: what executors can do, told as data, so that whoever only thinks about actions needs no executor.

Each executor has a module here with its `KINDS`: the names of its actions, their parameters, whether doing one twice is
as doing it once, what undoes it, and its effects as rules of the policy language. Simulation, loop detection and the
pre-commit check read them; `enforcement` runs them.
"""

from __future__ import annotations

from congresslite.actions.kinds import ActionKind, Parameter, kinds_of

__all__ = ["ActionKind", "Parameter", "kinds_of"]
