"""
Kinds of actions: how an action is called, what it takes, what it changes.

The rule to keep: whatever is decided about an action before it runs is decided by what stands here, never by asking
its target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

# The executors that ship: a name, and one line of help. Each has a module here, and one in `enforcement.executors`.
EXECUTORS = {
    "openstack": "Servers and volumes of OpenStack, by its SDK.",
    "vnfm": "Lifecycle operations of VNF instances, by ETSI SOL003.",
    "http": "Requests to any service.",
    "script": "Python and shell scripts of one folder.",
    "executable": "Programs of one folder.",
    "netconf": "Configuration of devices, by NETCONF.",
    "log": "A line in the log, and nothing else.",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A term of a command: `execute[nova:resize(server, flavor)]` has two."""

    name: str
    type: Literal["str", "int", "float", "bool", "any"] = "str"
    required: bool = True  # only the last ones may be left out
    help: str = ""


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One action of an executor. Its first parameter is the object that it acts upon.

    `repeatable`: doing it twice is as doing it once, so that it may be tried again when nobody can tell whether it was
    done. `inverse` names the action that undoes it, which takes parameters of the same names. `effects` are rules of
    the policy language, such as `{source}:servers+(id=v, status="SHUTOFF") :- {target}:stop(v).`: `{source}` is the
    source with the objects of the target, `{target}` the name that commands call it by. `rest`: it takes any more
    terms, which are handed over by number.
    """

    name: str
    parameters: tuple[Parameter, ...]
    help: str
    repeatable: bool = False
    inverse: str | None = None
    effects: tuple[str, ...] = ()
    rest: bool = False

    def effects_at(self, target: str, source: str) -> tuple[str, ...]:
        """The effects of the action at a target whose objects are in a source."""
        return tuple(each.replace("{source}", source).replace("{target}", target) for each in self.effects)

    @property
    def least(self) -> int:
        """The fewest terms that a command of it has."""
        return sum(each.required for each in self.parameters)


def kinds_of(executor: str) -> Mapping[str, ActionKind]:
    """The actions of an executor that ships, by name; one called `*` stands for any other name. Raises KeyError."""
    if executor not in EXECUTORS:
        raise KeyError(executor)
    return {kind.name: kind for kind in import_module(f"congresslite.actions.{executor}").KINDS}
