"""
The peers: engines that answer the same twelve questions, with rules written for each by hand.

A peer is a module here that is run as a process and prints what `congresslite
check` prints of itself, `counts` and `timing`. None is required: whether one is
installed is found out without importing it, and one that is missing is told.
Rules and SQL are what somebody careful writes who knows the peer.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from congresslite.bench.child import Ended, module


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine: how people call it, our module that asks it, and the Python package or the program that it needs."""

    name: str
    module: str
    package: str | None = None
    program: str | None = None

    @property
    def installed(self) -> bool:
        """Whether it can be asked."""
        if self.package is not None:
            return find_spec(self.package) is not None
        return self.program is not None and shutil.which(self.program) is not None

    def ask(self, *arguments: str | Path) -> Ended:
        """Run its module as a process with these arguments, the last of which is the folder of the estate."""
        return module(f"peers.{self.module}", *arguments)


DUCKDB = Peer("DuckDB", "duckdb_sql", package="duckdb")

# By the name that the command line has for them: those that take many times as long, and are asked at a smaller size.
SLOW = {
    "clingo": Peer("clingo", "clingo_rules", package="clingo"),
    "swi-prolog": Peer("SWI-Prolog", "swi_rules", program="swipl"),
    "pydatalog": Peer("pyDatalog", "pydatalog_rules", package="pyDatalog"),
}
