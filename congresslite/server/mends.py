"""
What a person may do about an action, in one line for each state and each guard.

The rule to keep: whatever waits says for what, and who or what ends that. The command line, REST and the console say
the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.store.records import WAITING, ActionRecord, ActionState

# All of them, the most urgent first.
STATES: tuple[ActionState, ...] = (
    *WAITING, "timed_out", "running", "planned", "shown", "failed", "succeeded", "cancelled",
)  # fmt: skip

_APPROVE = "look whether it is right, then approve or cancel it"
_OF_STATES: Mapping[str, str] = {
    "shown": "its policy is tried out; in mode `enforce` it would be run",
    "approval": _APPROVE,
    "running": "it is followed until its target says how it ended",
    "timed_out": "see at its target why it takes so long; it is followed further, unless it is cancelled",
    "held": "find out at its target what became of it: approve it if it was not done, cancel it if it was",
    "stopped": _APPROVE,
    "failed": "mend what the reason says; it is planned again once what commands it went and came back",
}
_OF_GUARDS: Mapping[str, str] = {
    "switch": "it begins by itself once that is resumed, or switched on",
    "block": "it never runs while `enforcement.block` names it; cancel it, or change the rule or the configuration",
    "target": "correct the rule or `enforcement.targets`, then approve it",
    "site": "correct the rule, or the `site` of the target, then approve it",
    "freshness": "it begins by itself once what it rests on is current again; see to the source",
    "window": "it begins by itself when the window opens",
    "conflict": "it begins by itself once the other action is over; decide that one if it is held",
    "cooldown": "it begins by itself after the cool-down",
    "loop": "see which rules undo each other; approve it to run it once more, or cancel it",
    "object_rate": "it begins by itself when there is room again in `object_rate`",
    "rate": "it begins by itself when there is room again in `rate`",
    "blast_radius": "look whether so much is meant: approve each one or the plan as a whole, or cancel them",
    "approval": _APPROVE,
}


_UNWANTED = (
    "nothing wants it any more: find out at its target what became of it, undo it there if needed, and cancel it"
)


def mend_of(record: ActionRecord) -> str | None:
    """What a person may do about an action, or what it waits for; None where there is nothing to be done."""
    if record.state in ("planned", "stopped") and record.guard in _OF_GUARDS:
        return _OF_GUARDS[record.guard]
    if record.state == "held" and not record.wanted:
        return _UNWANTED
    if record.state == "planned":
        return None if record.not_before is None else "it is tried again by itself"
    return _OF_STATES.get(record.state)
