"""
Forms of output: each module has a `write` that turns a Report into text.

The rule to keep: a format never decides anything. What is found, what blocks
and the exit code are the same in all of them; machine formats are complete.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from congresslite.cli.report import Report
    from congresslite.cli.settings import Settings

# By name; a module is imported when its format is asked for.
FORMATS = {
    "table": "congresslite.cli.formats.table",
    "json": "congresslite.cli.formats.json",
    "ndjson": "congresslite.cli.formats.ndjson",
    "sarif": "congresslite.cli.formats.sarif",
    "junit": "congresslite.cli.formats.junit",
    "github": "congresslite.cli.formats.github",
}


def write(report: Report, out: IO[str], settings: Settings) -> None:
    """Write a report in the format of the settings."""
    writer: Callable[[Report, IO[str], Settings], None] = import_module(FORMATS[settings.output]).write
    writer(report, out, settings)
