"""
Stages and events of a lifecycle: the names that are built in, and what they have to do with each other.

The rule to keep: a stage is a state that an object is in, an event a moment of it. To enter a stage is an event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from congresslite.diagnostics import Diagnostic, Severity, Span
from congresslite.diagnostics.suggest import nearest

# In the order in which an object comes through them, as far as there is one.
STAGES = (
    "onboarding", "vi_deploy", "pre_deploy", "deploy", "post_deploy", "monitoring", "update", "overloaded",
    "underloaded", "fail", "scale", "heal", "undeploy",
)  # fmt: skip
# What is observed of an object that is no more: its rows go.
GONE = "gone"
# Stages in which an object serves, and what watches it is on. Cyclic conditions count in these.
SERVING = ("monitoring", "overloaded", "underloaded")
# Stages in which an object does not serve yet: it fails to deploy then.
DEPLOYING = ("onboarding", "vi_deploy", "pre_deploy", "deploy")

LEVELS = ("vnf", "group", "deployment")
# Who is meant by events of no object: cyclic ones.
EVERYTHING = "*"

RECOVERY_ERR = "LCS::POST_DEPLOY::VM_RECOVERY_ERR"
REDEPLOY_ERR = "LCS::POST_DEPLOY::VM_RECOVERY_REDEPLOY_ERR"
EVENTS: Mapping[str, str] = {
    "LCS::PRE_DEPLOY": "it is about to be deployed: it enters `pre_deploy`",
    "LCS::POST_DEPLOY_ALIVE": "all of it is up: it enters `post_deploy`",
    "LCS::DEPLOY_ERR": "it failed before it ever served: it enters `fail` from a stage of deployment",
    RECOVERY_ERR: "it is not well after as many reboots as may be tried",
    REDEPLOY_ERR: "it is not well after as many redeployments as may be tried",
    "LCS::DEPLOY_UPDATE::VM_PRE_VOLUME_DETACH": "a volume of it is about to be detached; told by who updates it",
    "LCS::DEPLOY_UPDATE::VM_VOLUME_ATTACHED": "a volume was attached to it; told by who updates it",
    "LCS::DEPLOY_UPDATE::VM_SOFTWARE_VERSION_UPDATED": "its software is another version; told by who updates it",
}

# The table of what became of an action, and what follows: the rule, the state it ended in, a stage, an event.
AFTER = "lifecycle_after"

_STAGE = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_CYCLE = re.compile(r"LCS::CYCLE_(\d{1,9})_SECONDS", re.ASCII)
_ENTERED = "LCS::STAGE::"
_ENTERS = {"pre_deploy": "LCS::PRE_DEPLOY", "post_deploy": "LCS::POST_DEPLOY_ALIVE"}


def is_event(name: str) -> bool:
    """Whether a name is one of an event: these have `::` in them."""
    return "::" in name


def is_stage(name: str) -> bool:
    """Whether a name can be one of a stage, built in or not."""
    return _STAGE.fullmatch(name) is not None and name != GONE


def is_cyclic(event: str) -> bool:
    """Whether a name is meant as a cyclic event."""
    return event.startswith("LCS::CYCLE")


def period(event: str) -> int | None:
    """How many seconds a cyclic event takes from one time to the next; None for any other."""
    found = _CYCLE.fullmatch(event)
    return int(found[1]) or None if found else None


def misspelt(name: str, span: Span) -> Diagnostic | None:
    """A warning about a stage or an event that is nearly one which is built in; None if it is one, or unlike them."""
    near = _near(name)
    if near is None or near == name:
        return None
    hint = f"did you mean `{near}`? If it is your own, all is well"
    return Diagnostic("CL684", f"`{name}` is not built in", span, hint, Severity.WARNING)


def _near(name: str) -> str | None:
    if name.startswith(_ENTERED):
        stage = nearest(name.removeprefix(_ENTERED), STAGES)
        return None if stage is None else entered(stage)
    if is_event(name):
        return nearest(name, EVENTS) if name.startswith("LCS::") else None
    return nearest(name, STAGES)


def entered(stage: str) -> str:
    """The event that each object raises which enters a stage."""
    return f"{_ENTERED}{stage.upper()}"


def entering(stage: str, before: str | None) -> tuple[str, ...]:
    """The events of entering a stage from another one (None: it was in none)."""
    events = [entered(stage)]
    if stage in _ENTERS:
        events.append(_ENTERS[stage])
    if stage == "fail" and (before is None or before in DEPLOYING):
        events.append("LCS::DEPLOY_ERR")
    return tuple(events)
