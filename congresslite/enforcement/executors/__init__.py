"""
The executors that ship, opened by name.

A new kind of target is one file here with `Settings` (a pydantic model; unknown keys are errors, secrets are
`SecretStr`, paths are relative to the configuration file) and `open_executor(target, settings, state)`, which touches
nothing outside until it is asked to; one file in `congresslite.actions` with its kinds; one line in its table.
`state` is a folder of the target's own, which outlives the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from congresslite.actions.kinds import EXECUTORS
from congresslite.config.plugins import Plugin
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.enforcement.executor import Executor


def open_executor(executor: str, target: str, settings: Mapping[str, Any], base: Path, state: Path) -> Executor:
    """The executor of a target, which touches nothing outside until it is asked to.

    Raises SourceError for an unknown executor (CL670), for settings that it does not take (CL671) and for one whose
    libraries are not installed (CL672).
    """
    place = f"enforcement.targets.{target}"
    if executor not in EXECUTORS:
        hint = near_or_listed(executor, EXECUTORS, "executors are")
        raise SourceError(Diagnostic("CL670", f"there is no executor `{executor}`", None, hint, place=place))
    plugin = Plugin(
        f"congresslite.enforcement.executors.{executor}",
        owner=f"target `{target}`",
        kind=f"the executor `{executor}`",
        place=place,
        hint=f"its settings are told by the how-to of `{executor}`",
        misfit="CL671",
        missing="CL672",
        extras="server,openstack,netconf",
    )
    module, read = plugin.load(settings, base)
    opened: Executor = module.open_executor(target, read, state)
    return opened
