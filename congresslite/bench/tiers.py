"""
Engines in tiers: one at the top, many points of presence, all in one process over one bus.

Run as a process; prints one JSON object. A machine moves at one point of presence after another, and the time is taken
until the top tells of the violation that follows; what is sent upward for it is counted in bytes.
"""

from __future__ import annotations

import json
import logging
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import structlog

from congresslite.config.models import Config
from congresslite.federation.engine_bus import EngineBus
from congresslite.live import Caller, LiveEstate, open_estate
from congresslite.store.records import ViolationFilter

MOVES = 30
PATIENCE = 300.0  # seconds
DOWN = "host0"  # which no machine is on at first
CALLER = Caller("bench", "admin")
DEFINITION = "source: inv\ntables:\n  vm: {key: [id], columns: {id: str, host: str, tenant: str}}\n"
POLICY = f"""\
policy top(description = "Machines of all points of presence run on hosts that are up").
@id("on-down-host") @object(vm) @message("{{vm}} at {{pop}} is on {{host}}, which is down")
error(pop, vm, host) :- tiers:vms(pop, vm, host, _), host = "{DOWN}".
"""
AGREED = {"vms": {"columns": {"id": "str", "host": "str", "tenant": "str"}, "key": ["id"]}}


class Hierarchy:
    """The engines, opened below a folder."""

    def __init__(self, folder: Path, pops: int, vms: int, bus: str) -> None:
        self._folder, self._vms, self._bus = folder, vms, bus
        self._secrets = {f"pop_{number}": secrets.token_urlsafe(16) for number in range(pops)}
        (folder / "inv.yaml").write_text(DEFINITION, encoding="utf-8")
        (folder / "top.dl").write_text(POLICY, encoding="utf-8")
        children = {name: {"secret": secret} for name, secret in self._secrets.items()}
        self.top = self._open("top", "global", {"children": children}, policies=[str(folder / "top.dl")])
        self.pops: dict[str, LiveEstate] = {}

    def engines(self) -> Iterator[LiveEstate]:
        """All of them, each opened when it is asked for; those that were opened are to be stopped."""
        yield self.top
        for name, secret in self._secrets.items():
            place = {"parent": {"name": "top", "bus": self._bus, "secret": secret}, "publish": {"vms": "inv:vm"}}
            source = {"driver": "push", "definition": str(self._folder / "inv.yaml")}
            self.pops[name] = self._open(name, "pop", place, sources={"inv": source})
            self.pops[name].put_rows(CALLER, "inv", "vm", map(self._machine, range(self._vms)))
            yield self.pops[name]

    @staticmethod
    def _machine(number: int) -> dict[str, Any]:
        return {"id": f"vm{number}", "host": f"host{1 + number % 200}", "tenant": f"tenant{number % 50}"}

    def _open(self, name: str, level: str, place: dict[str, Any], **more: Any) -> LiveEstate:
        tier = {"name": name, "level": level, "levels": ["global", "pop"], "bus": self._bus, "tables": AGREED, **place}
        return open_estate(Config.model_validate({"state": self._folder / "state" / name, "tier": tier, **more}))


class CountedBus:
    """Counts what each engine sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        send = EngineBus.send

        def counted(bus: EngineBus, to: str, body: bytes) -> None:
            self.sent.append((to, len(body)))
            send(bus, to, body)

        EngineBus.send = counted  # type: ignore[method-assign,assignment]  # of this process, which measures and ends


def moved(hierarchy: Hierarchy) -> Iterator[float]:
    """The seconds until the top tells of each of the moves."""
    names = list(hierarchy.pops)
    wanted = ViolationFilter(policies=("top",))
    for number in range(MOVES):
        row = {"id": f"vm{number}", "host": DOWN, "tenant": "tenant0"}
        started = time.perf_counter()
        hierarchy.pops[names[number * 7 % len(names)]].push_rows(CALLER, "inv", "vm", [row])
        until(lambda: len(hierarchy.top.violations(CALLER, wanted, limit=MOVES).items) > number)  # noqa: B023
        yield time.perf_counter() - started


def until(so: Callable[[], bool], pause: float = 0.001) -> None:
    """Wait until something is so. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while not so():
        if time.monotonic() > end:
            raise TimeoutError(f"it was not so within {PATIENCE:g} s")
        time.sleep(pause)


@click.command()
@click.argument("pops", type=click.IntRange(min=1))
@click.argument("vms", type=click.IntRange(min=MOVES))
@click.option("--bus", default="memory://bench", help="The bus between the engines.")
def main(pops: int, vms: int, bus: str) -> None:
    """Open POPS points of presence with VMS machines each below one engine, and move machines."""
    # Standard output is for the figures alone.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    counted = CountedBus()
    with tempfile.TemporaryDirectory(prefix="bench-tiers-") as folder, ExitStack() as stack:
        hierarchy = Hierarchy(Path(folder), pops, vms, bus)
        started = time.perf_counter()
        for engine in hierarchy.engines():
            stack.callback(engine.stop)
            engine.start()
        until(lambda: not hierarchy.top.undetermined(), pause=0.05)
        known = time.perf_counter() - started
        counted.sent.clear()
        waits = list(moved(hierarchy))
        largest = max(size for to, size in counted.sent if to == "top")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"known_s": known, "moves_s": waits, "largest_bytes": largest, "peak_bytes": peak}, sys.stdout)


if __name__ == "__main__":
    main()
