"""Crashes: whatever was acknowledged before a `kill -9` is there afterwards, and no history is broken."""

from __future__ import annotations

import http.client
import random
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from tests.live.estates import INVENTORY, POLICY
from tests.live.serving import Served, served

HOSTS = [{"id": "h1", "state": "up"}, {"id": "h2", "state": "down"}]


@dataclass
class Sender:
    """Pushes VMs one batch after the other; what was acknowledged, and what was sent and may be there or not."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    unsure: dict[str, str | None] = field(default_factory=dict)
    number: int = 0

    def push(self, server: Served, draw: random.Random) -> None:
        """Send until the server is gone."""
        while True:
            self.number += 1
            rows = {f"v{draw.randrange(300)}": draw.choice(["h1", "h2"]) for _ in range(20)}
            gone = [f"v{draw.randrange(300)}" for _ in range(3)]
            gone = [each for each in gone if each not in rows]
            self.unsure = {**dict.fromkeys(gone), **rows}
            body = {
                "upsert": [
                    {"id": id_, "host": host, "vcpus": self.number, "tenant": "t1"} for id_, host in rows.items()
                ],
                "delete": [{"id": id_} for id_ in gone],
            }
            try:
                server.ask("POST", "/v1/sources/inv/tables/vm/rows", body)
            except (OSError, http.client.HTTPException):
                return
            self.acknowledged |= rows
            for id_ in gone:
                self.acknowledged.pop(id_, None)
            self.unsure = {}


def check(server: Served, sender: Sender) -> None:
    """What was acknowledged is there, and the violations are those of the rows, each open once and in order."""
    rows = {row["id"]: row["host"] for row in server.rows("inv:vm")}
    for id_, host in sender.acknowledged.items():
        if id_ not in sender.unsure:
            assert rows.get(id_) == host, id_
    for id_ in rows:
        assert id_ in sender.acknowledged or id_ in sender.unsure
    violations = server.violations("rule=R1&state=open")
    assert sorted(each["object"] for each in violations) == sorted(id_ for id_, host in rows.items() if host == "h2")
    for each in violations[:20]:
        episodes = server.ask("GET", f"/v1/violations/{each['id']}")["episodes"]
        spans = sorted((episode["first_seen"], episode["resolved_at"] or "9") for episode in episodes)
        assert [end for _, end in spans].count("9") == 1
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    sender.acknowledged = dict(rows)
    sender.unsure = {}


@pytest.mark.long
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, url: str) -> None:
    """Twenty kills at random moments of pushes: acknowledged rows are there, and no history is broken."""
    (tmp_path / "inv.yaml").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "placement.dl").write_text(POLICY, encoding="utf-8")
    config = {
        "state": str(tmp_path / "state"),
        "policies": [str(tmp_path / "placement.dl")],
        "sources": {"inv": {"driver": "push", "definition": str(tmp_path / "inv.yaml")}},
        "database": {"url": url},
    }
    draw, sender = random.Random(20), Sender()
    for round_ in range(20):
        with served(tmp_path, config) as server:
            if not round_:
                server.ask("PUT", "/v1/sources/inv/tables/host/rows", HOSTS)
            check(server, sender)
            pushing = threading.Thread(target=sender.push, args=(server, random.Random(round_)))
            pushing.start()
            # Not a wait for something: the moment of the kill is to be any.
            time.sleep(draw.uniform(0.05, 1.5))
            server.kill()
            pushing.join(60)
    with served(tmp_path, config) as server:
        check(server, sender)
        assert sender.number > 20
