"""
Edits: how a configuration gets into a device, wholly or not at all, and how one sees whether it did.

The rule to keep: of each step it is known what it means when no reply comes to it. Before the commit nothing is in
effect, and the end of our session takes back the rest; from the commit on nobody knows until somebody looks. Whoever
looks holds the locks meanwhile, so that no session that was taken for dead can still change what was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from lxml import etree

from congresslite.enforcement.executor import Outcome
from congresslite.enforcement.netconf.session import DeviceRefusedError, LostError, Session
from congresslite.enforcement.netconf.templates import BASE, as_filter, holds, may_be_repeated

_PASSING = ("in-use", "lock-denied", "resource-denied")  # refusals that pass, in the words of the protocol
_DATA = f"{{{BASE}}}data"


@dataclass(frozen=True, slots=True)
class Manner:
    """How edits are made, see the settings."""

    confirm: float
    save: bool
    check: bool


class _LostAfterwardsError(Exception):
    """No reply came, and it may be in effect."""


class _LockedError(Exception):
    """The device lets somebody else edit at the moment. Its text says who, if the device does."""


def edit(device: Session, config: etree._Element, how: Manner) -> Outcome:
    """Put a configuration into effect."""
    try:
        with _locked(device):
            by_candidate = device.can(":candidate")
            outcome = _by_candidate(device, config, how) if by_candidate else _at_once(device, config, how)
            if outcome.state == "succeeded" and how.save and device.can(":startup"):
                return _saved(device, outcome)
            return outcome
    except _LockedError as error:
        return Outcome("failed", f"somebody else edits the device: {error}")
    except _LostAfterwardsError as error:
        return Outcome("unknown", str(error))
    except LostError as error:
        return Outcome("failed", f"{error}; nothing was changed")


def look(device: Session, config: etree._Element) -> Outcome:
    """Whether a configuration is in effect."""
    try:
        with _locked(device):
            in_effect = _in_effect(device, config)
    except _LockedError as error:
        return Outcome("unknown", f"somebody edits the device, perhaps still we: {error}")
    except (DeviceRefusedError, LostError) as error:
        return Outcome("unknown", f"the device cannot be asked: {error}")
    if in_effect:
        return Outcome("succeeded", "the device is as the template says")
    if may_be_repeated(config):
        return Outcome("absent", "the device is not as the template says, and nobody edits it")
    return Outcome("unknown", "the device is not as the template says, which may have been done and undone since")


@contextmanager
def _locked(device: Session) -> Iterator[None]:
    """Hold the device's locks. Raises _LockedError and LostError."""
    with ExitStack() as stack:
        for store in ("running", "candidate") if device.can(":candidate") else ("running",):
            try:
                device.do("lock", store)
            except DeviceRefusedError as error:
                raise _LockedError(str(error)) from None
            stack.callback(_unlock, device, store)
        yield


def _unlock(device: Session, store: str) -> None:
    # If that fails, the end of the session does it.
    with suppress(DeviceRefusedError, LostError):
        device.do("unlock", store)


def _by_candidate(device: Session, config: etree._Element, how: Manner) -> Outcome:
    """Edit the candidate and commit it. Raises LostError while nothing is in effect, _LostAfterwardsError later."""
    confirmed = device.can(":confirmed-commit") or device.can(":confirmed-commit:1.1")
    try:
        # A device validates what it commits; one that is asked for that apart may lose the candidate over it.
        device.do("edit_config", config, target="candidate", **_rollback(device))
        with _nobody_knows():
            if confirmed:
                device.do("commit", confirmed=True, timeout=str(round(how.confirm)))
                if how.check and not _seems_in_effect(device, config):
                    return _ignored("; what was not confirmed is taken back")
                device.do("commit")
            else:
                device.do("commit")
                if how.check and not _seems_in_effect(device, config):
                    return _ignored()
    except DeviceRefusedError as error:
        with suppress(DeviceRefusedError, LostError):
            device.do("discard_changes")
        return _refused(error)
    return Outcome("succeeded", output={"datastore": "candidate", "confirmed": confirmed})


def _at_once(device: Session, config: etree._Element, how: Manner) -> Outcome:
    """Edit the running configuration of a device that has no other. Raises _LostAfterwardsError."""
    try:
        with _nobody_knows():
            device.do("edit_config", config, target="running", **_rollback(device))
            if how.check and not _seems_in_effect(device, config):
                return _ignored()
    except DeviceRefusedError as error:
        refused = _refused(error)
        partly = "" if _rollback(device) else "; it cannot take back a part, which may be in effect"
        return replace(refused, why=refused.why + partly)
    return Outcome("succeeded", output={"datastore": "running", "confirmed": False})


@contextmanager
def _nobody_knows() -> Iterator[None]:
    """From here on nobody knows what became of it when no reply comes."""
    try:
        yield
    except LostError as error:
        raise _LostAfterwardsError(str(error)) from None


def _in_effect(device: Session, config: etree._Element) -> bool:
    """Whether the device is as a configuration says. Raises DeviceRefusedError and LostError."""
    reply = device.do("get_config", "running", filter=as_filter(config))
    data = etree.fromstring(reply.xml.encode()).find(_DATA)
    if data is None:
        raise LostError("the device replied without its configuration")
    return holds(config, data)


def _seems_in_effect(device: Session, config: etree._Element) -> bool:
    """The same, believing a device that does not let us read what we may write."""
    try:
        return _in_effect(device, config)
    except DeviceRefusedError:
        return True


def _ignored(more: str = "") -> Outcome:
    why = "the device says that it is done, but not that its configuration is as the template says"
    hint = "; `check: false` believes a device that writes values in its own way"
    return Outcome("failed", f"{why}{more}{hint}", retry=False)


def _rollback(device: Session) -> dict[str, str]:
    return {"error_option": "rollback-on-error"} if device.can(":rollback-on-error") else {}


def _refused(error: DeviceRefusedError) -> Outcome:
    return Outcome("failed", f"the device refuses it: {error}", retry=error.tag in _PASSING)


def _saved(device: Session, outcome: Outcome) -> Outcome:
    """Copy what is in effect to what the device starts with. It is in effect, whatever becomes of that."""
    try:
        device.do("copy_config", source="running", target="startup")
    except (DeviceRefusedError, LostError) as error:
        why = f"it is in effect, but was not saved for the next start: {error}"
        return Outcome("succeeded", why, output={**outcome.output, "saved": False})
    return Outcome("succeeded", output={**outcome.output, "saved": True})
