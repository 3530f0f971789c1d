"""The example of tiers as running estates, over a bus in memory or a broker, each with a folder of its own."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from congresslite.config.loading import load_config
from congresslite.config.models import Config
from congresslite.live import Caller, LiveEstate, open_estate
from congresslite.live.tiers import Tiers
from congresslite.share import share
from congresslite.store.records import ViolationFilter
from tests.waiting import until

ADMIN = Caller("root", "admin")
ENGINES = (
    "carrier",
    "north",
    "south",
    "oslo",
    "malmo",
    "milan",
    "lyon",
    "oslo_compute",
    "oslo_storage",
    "oslo_network",
)


class Estates:
    """The engines of the example; each can be stopped, and started as it was left."""

    def __init__(self, folder: Path, bus: str | None = None, lease: str = "15s") -> None:
        self.folder = folder
        shutil.copytree(share("examples") / "tiers", folder / "tiers")
        self._bus = bus or f"memory://{uuid.uuid4().hex}"
        self._lease = lease
        self.running: dict[str, LiveEstate] = {}

    def start(self, *names: str) -> None:
        """Start some engines, or all."""
        for name in names or ENGINES:
            estate = open_estate(self.config(name), self.folder / "tiers" / name)
            estate.start()
            self.running[name] = estate

    def stop(self, *names: str) -> None:
        """Stop some engines, or all."""
        for name in names or tuple(self.running):
            self.running.pop(name).stop()

    def config(self, name: str, **secrets: str) -> Config:
        """The configuration of an engine."""
        env = _Environment(self._bus, secrets)
        path = self.folder / "tiers" / name / "congresslite.yaml"
        config = load_config(path, env=env).config
        assert config.tier is not None
        sources = {
            source: each.model_copy(
                update={"every": 0.2, "settings": {**each.settings, "folder": str(path.parent / "inv"), "settle": 0}}
            )
            for source, each in config.sources.items()
        }
        tier = config.tier.model_copy(update={"lease": float(self._lease.removesuffix("s"))})
        return config.model_copy(
            update={"state": self.folder / "state" / name, "sources": sources, "tier": tier}
        )  # fmt: skip

    def tiers(self, name: str) -> Tiers:
        """An engine's place among the others."""
        found = self.running[name].tiers
        assert found is not None
        return found

    def table(self, name: str, table: str) -> Path:
        """The file of a table of an engine's inventory."""
        return self.folder / "tiers" / name / "inv" / f"{table}.csv"

    def violations(self, name: str) -> set[tuple[str, str | None]]:
        """The rules and objects of what is open at an engine."""
        page = self.running[name].violations(ADMIN, ViolationFilter(), limit=1000)
        return {(each.rule.rule, each.object) for each in page.items}

    def undetermined(self, name: str) -> dict[tuple[str, str], str]:
        """What is not current at an engine, and why."""
        return {(each.source, each.feed): each.why for each in self.running[name].undetermined()}


class _Environment(dict[str, str]):
    def __init__(self, bus: str, secrets: dict[str, str]) -> None:
        super().__init__(secrets)
        self._bus = bus

    def __contains__(self, name: object) -> bool:
        return str(name).startswith("TIERS_")

    def __missing__(self, name: str) -> str:
        return self._bus if name == "TIERS_BUS" else f"secret of {name}"


@contextmanager
def started(folder: Path, *names: str, **given: str) -> Iterator[Estates]:
    """The example, some engines of it or all."""
    estates = Estates(folder, **given)
    try:
        estates.start(*names)
        yield estates
    finally:
        estates.stop()


def settled(look: Callable[[], object], wanted: object) -> None:
    """Wait until a look shows what is wanted."""
    until(lambda: look() == wanted)
