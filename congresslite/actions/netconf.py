"""What `netconf` does: send a template of the target's folder to a device."""

from __future__ import annotations

from congresslite.actions.kinds import ActionKind, Parameter

_PARAMETERS = (
    Parameter("object", "any", help="The device, by its name in the settings; with `host`, anything on that."),
    Parameter("template", help="The file of the template, by its path from the target's folder."),
)

# What a template changes, nobody can say who has not read it.
KINDS = (
    ActionKind("edit_config", _PARAMETERS, "Change the configuration of a device, wholly or not at all.", rest=True),
    ActionKind("rpc", _PARAMETERS, "Call an operation of a device.", rest=True),
)
