"""What `script` and `executable` do: run a file of the target's folder."""

from __future__ import annotations

from congresslite.actions.kinds import ActionKind, Parameter

_PARAMETERS = (
    Parameter("object", "any", help="What the program acts upon; it finds that in CONGRESSLITE_OBJECT."),
    Parameter("file", help="The file, by its path from the target's folder."),
)
# What a program does, nobody can say; whether it may be run twice, the target's settings say.
KINDS = (ActionKind("run", _PARAMETERS, "Run a file with the other terms as its arguments.", rest=True),)
