"""Nodes over RabbitMQ: the same faults with threads, sockets and a broker that is killed; in the end all agree."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from congresslite.config.models import TierSettings
from congresslite.federation.running import Running
from congresslite.schema import Row
from tests.federation.broker import Broker, started
from tests.federation.test_node_faults import HANDED
from tests.federation.world import NAMES, OWN, PARENTS, Disk, EngineHost, World, policy, settings
from tests.waiting import until

RUNS = 20
STEPS = 15
PATIENCE = 120.0


class BrokerWorld(World):
    """All engines at work, each with a thread and places on a broker of the test."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.running: dict[str, Running] = {}
        self.hosts, self.nodes = {}, {}
        self.disks = {name: Disk(own={p.name: p for p in map(policy, OWN[name])}) for name in NAMES}
        for name in NAMES:
            self.start(name)

    def start(self, name: str) -> None:
        """Start an engine, perhaps anew."""
        if name in self.running:
            self.running[name].stop()
        tier = self._settings(name)
        self.hosts[name] = EngineHost(tier, self.disks[name])
        self.running[name] = Running(tier, self.hosts[name])
        self.nodes[name] = self.running[name].node
        self.running[name].start()

    def _settings(self, name: str) -> TierSettings:
        parent = PARENTS.get(name)
        above = None if parent is None else {"name": parent, "secret": f"{parent}-{name}", "bus": self._url}
        return settings(name, bus=self._url, parent=above, lease=4.0)

    def change(self, name: str, insert: object, delete: object) -> None:
        """Let rows of an engine come and go."""
        self.hosts[name].change(insert, delete)  # type: ignore[arg-type]

    def put(self, name: str, text: str | None, under: str = "") -> None:
        """Let an engine have a policy for tiers below, or no longer."""
        if text is None:
            self.disks[name].own.pop(under, None)
        else:
            self.disks[name].own[policy(text).name] = policy(text)
        self.nodes[name].policies_changed()

    def stop(self) -> None:
        """Stop all engines."""
        for each in self.running.values():
            each.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of these tests."""
    folder: Path = tmp_path_factory.mktemp("broker")
    with started(folder) as running:
        yield running


def rows(chance: random.Random) -> list[Row]:
    """Some rows."""
    return list({(chance.choice("abc"), chance.choice(["bad", "frozen", "slow", "good"])) for _ in range(3)})


def step(world: BrokerWorld, broker: Broker, chance: random.Random) -> None:
    """Let something happen."""
    what = chance.randrange(12)
    if what < 7:
        insert = rows(chance)
        delete = [row for row in rows(chance) if row not in insert]
        world.change(chance.choice(sorted(PARENTS)), insert, delete)
    elif what < 9:
        world.put("top", HANDED[chance.choice(sorted(HANDED))])
    elif what == 9:
        world.put("top", None, chance.choice(["pops", "regions"]))
    else:
        world.start(chance.choice(NAMES))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(RUNS))
def test_three_levels_agree_over_a_broker(broker, seed):
    """Rows change, engines start anew, the broker is killed: all engines say what a single engine would."""
    chance = random.Random(seed)
    world = BrokerWorld(broker.url)
    try:
        killed = chance.randrange(STEPS)
        for number in range(STEPS):
            step(world, broker, chance)
            if number == killed:
                broker.kill()
                step(world, broker, chance)
                broker.start()
            if chance.random() < 0.2:
                until(lambda: world.wrong() is None, PATIENCE)
        until(lambda: world.wrong() is None, PATIENCE)
        assert not [each for node in world.nodes.values() for each in node.refusals.all()]
    finally:
        world.stop()
