"""
The drivers that ship: a name, the module that is imported when a source asks for it, one line of help.

A new kind of source is one file here, and one line in this table. Each module has `Settings`, a pydantic model of what
the driver wants to know (unknown keys are errors, secrets are `SecretStr`), and `open_driver(source, settings,
definition)`, which gives a Driver and touches nothing outside until it is asked to pull.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from congresslite.config.plugins import Plugin
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Driver

DRIVERS = {
    "rest": "JSON over HTTP, as a source definition says.",
    "openstack": "OpenStack by its SDK and clouds.yaml, with notifications.",
    "sql": "A database, a query for each table.",
    "files": "A folder of CSV, JSON or Parquet files, watched.",
    "push": "Rows and webhooks that others send.",
    "monitor": "Probes by ICMP, TCP, HTTP, SNMP and scripts.",
}


def open_source(
    kind: str, source: str, settings: Mapping[str, Any], definition: Definition | None, base: Path
) -> Driver:
    """The driver of a source, which touches nothing outside until it is asked to pull.

    Paths in `settings` are relative to `base`. Raises SourceError for an unknown driver (CL576), for settings that it
    does not take (CL577) and for a driver whose libraries are not installed (CL578).
    """
    if kind not in DRIVERS:
        hint = near_or_listed(kind, DRIVERS, "drivers are")
        raise SourceError(Diagnostic("CL576", f"there is no driver `{kind}`", None, hint, place=source))
    plugin = Plugin(
        f"congresslite.sources.drivers.{kind}",
        owner=f"source `{source}`",
        kind=f"the driver `{kind}`",
        place=f"sources.{source}",
        hint=f"its settings are told by the how-to of `{kind}`",
        misfit="CL577",
        missing="CL578",
        extras="server,openstack,snmp,sql",
    )
    module, read = plugin.load(settings, base)
    driver: Driver = module.open_driver(source, read, definition)
    return driver
