"""What `log` does."""

from __future__ import annotations

from congresslite.actions.kinds import ActionKind, Parameter

_WHAT = Parameter("object", "any", help="What the line is about.")
KINDS = (
    ActionKind("*", (_WHAT,), "Write a line with the name of the action and its terms.", repeatable=True, rest=True),
)
