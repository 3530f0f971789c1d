"""
Actions: how many go through the journal in a minute, from rows that are pushed to outcomes that are written down.

Run as a process; prints one JSON object. The target does nothing but write a line, so that what is measured is ours:
planning, guards, the journal before and after each call, and the table by which rules see what became of it.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from pathlib import Path

import click
import structlog

from congresslite.config.models import Config
from congresslite.live import Caller, LiveEstate, open_estate
from congresslite.store.records import ActionFilter

PATIENCE = 600.0  # seconds
CALLER = Caller("bench", "admin")
DEFINITION = "source: inv\ntables:\n  vm: {key: [id], columns: {id: str, state: str}}\n"
POLICY = 'policy noting(mode = "enforce").\nexecute[log:note(v)] :- inv:vm(id=v, state="bad").\n'


def opened(folder: Path, database: str | None) -> LiveEstate:
    """An estate whose policy notes each bad machine, without limits."""
    (folder / "inv.yaml").write_text(DEFINITION, encoding="utf-8")
    (folder / "noting.dl").write_text(POLICY, encoding="utf-8")
    free = {"cooldown": 0, "rate": {"amount": 1_000_000}, "object_rate": {"amount": 1_000_000}}
    said = {
        "state": folder / "state",
        "policies": [str(folder / "noting.dl")],
        "sources": {"inv": {"driver": "push", "definition": str(folder / "inv.yaml")}},
        "enforcement": {"targets": {"log": {"executor": "log"}}, "defaults": free},
        "max_affected": {"amount": None, "percent": None},
    }
    if database is not None:
        said["database"] = {"url": database}
    return open_estate(Config.model_validate(said))


def run(estate: LiveEstate, actions: int) -> dict[str, float]:
    """The seconds until so many actions are over, and how many of them have a whole record."""
    began = time.perf_counter()
    half = actions // 2
    for begin, end in ((0, half), (half, actions)):
        rows = [{"id": f"vm{number}", "state": "bad"} for number in range(begin, end)]
        estate.push_rows(CALLER, "inv", "vm", rows)
    while estate.actions.counts().get(("log:note", "succeeded"), 0) < actions:
        if time.perf_counter() - began > PATIENCE:
            break
        time.sleep(0.05)
    took = time.perf_counter() - began
    ended = estate.actions.page(ActionFilter(states=("succeeded",)), limit=actions).items
    whole = [[step.state for step in estate.actions.get(each.id)[1]] for each in ended]
    return {"seconds": took, "whole": whole.count(["planned", "running", "succeeded"])}


@click.command()
@click.argument("actions", type=int)
@click.option("--database", help="The URL of an empty database; a file of SQLite's by default.")
def main(actions: int, database: str | None) -> None:
    """Send this many actions through the journal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        estate = opened(Path(folder), database)
        estate.start()
        try:
            found = run(estate, actions)
        finally:
            estate.stop()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
