"""
Targets: what actions are called at, by the prefix of their names, and how the terms of a command become arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from congresslite.actions import ActionKind
from congresslite.config.enforcement import EnforcementSettings, TargetSettings
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.enforcement.executor import Executor
from congresslite.enforcement.executors import open_executor
from congresslite.schema import Row, Scalar

_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "any": (str, int, float, bool, type(None)),
}


class UnfitError(Exception):
    """A command that no target takes, with the reason."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target that is open."""

    name: str
    settings: TargetSettings
    executor: Executor


class Targets:
    """Targets by name."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._targets = {each.name: each for each in targets}

    @staticmethod
    def open(settings: EnforcementSettings, base: Path, state: Path) -> Targets:
        """Those of a configuration; paths in their settings begin at `base`, their own folders are made in `state`.

        Raises SourceError.
        """
        return Targets(
            Target(name, each, open_executor(each.executor, name, each.settings, base, state / name))
            for name, each in settings.targets.items()
        )

    def __contains__(self, name: str) -> bool:
        return name in self._targets

    @property
    def all(self) -> tuple[Target, ...]:
        """All of them, in the order of the configuration."""
        return tuple(self._targets.values())

    def of(self, action: str) -> Target:
        """The target of an action. Raises UnfitError."""
        prefix, colon, _ = action.rpartition(":")
        target = self._targets.get(prefix)
        if target is None:
            if not colon:
                raise UnfitError(f"`{action}` names no target: write `TARGET:{action}`")
            raise UnfitError(f"there is no target `{prefix}`; {near_or_listed(prefix, self._targets, 'targets are')}")
        return target

    def kind(self, action: str) -> ActionKind:
        """What an action is. Raises UnfitError."""
        target = self.of(action)
        kinds, name = target.executor.kinds, action.rpartition(":")[2]
        found = kinds.get(name) or kinds.get("*")
        if found is None:
            hint = near_or_listed(name, kinds, "its actions are")
            raise UnfitError(f"target `{target.name}` has no action `{name}`; {hint}")
        return found

    def arguments(self, action: str, terms: Row) -> dict[str, Scalar]:
        """The terms of a command by parameter. Raises UnfitError."""
        kind = self.kind(action)
        most = len(kind.parameters)
        if len(terms) < kind.least or (len(terms) > most and not kind.rest):
            wanted = f"{kind.least}" if kind.least == most else f"{kind.least} to {most}"
            raise UnfitError(
                f"`{action}` takes {f'{kind.least} or more' if kind.rest else wanted} terms, not {len(terms)}"
            )
        found: dict[str, Scalar] = {}
        for place, value in enumerate(terms):
            if place >= most:
                found[str(place - most + 1)] = value
                continue
            parameter = kind.parameters[place]
            if type(value) not in _TYPES[parameter.type]:
                raise UnfitError(
                    f"`{parameter.name}` of `{action}` should be of type {parameter.type}, and is {value!r}"
                )
            found[parameter.name] = value
        return found

    def inverse(self, action: str, terms: Row) -> tuple[str, Row] | None:
        """The action that undoes one, and its terms; None if nothing does."""
        kind = self.kind(action)
        if kind.inverse is None:
            return None
        given = self.arguments(action, terms)
        name = f"{self.of(action).name}:{kind.inverse}"
        wanted = [each.name for each in self.kind(name).parameters if each.name in given]
        return name, tuple(given[each] for each in wanted)

    def close(self) -> None:
        """Give back what they hold."""
        for target in self._targets.values():
            target.executor.close()
