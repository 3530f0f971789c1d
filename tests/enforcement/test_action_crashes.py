"""Crashes of actions: whatever was killed when, nothing is done twice, nothing is lost, and what is told is true."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from congresslite.store.records import ENDED, ActionFilter, ActionRecord
from congresslite.store.store import Store
from tests.enforcement.vnfm_book import done
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PER_ROUND = 3
# What may go wrong with a request to scale: before or after it is done.
FAULTS: list[dict[str, Any]] = [
    {"do": "slow", "when": "before", "seconds": 0.3}, {"do": "slow", "when": "before", "seconds": 0.8},
    {"do": "slow", "when": "after", "seconds": 0.8}, {"do": "error", "status": 500, "when": "before"},
    {"do": "error", "status": 500, "when": "after"}, {"do": "error", "status": 503, "when": "before"},
    {"do": "cut", "when": "before"}, {"do": "cut", "when": "after"},
    {"do": "silent", "when": "before", "seconds": 1.5}, {"do": "silent", "when": "after", "seconds": 1.5},
    {"do": "truncate", "when": "after"},
]  # fmt: skip


@contextmanager
def vnfm(folder: Path, instances: Sequence[str]) -> Iterator[str]:
    """A VNF manager in a process of its own, with these instances."""
    command = [sys.executable, "-m", "tests.enforcement.vnfm_server", "--port", "0", "--state", str(folder / "book")]
    process = subprocess.Popen(
        [*command, "--instances", ",".join(instances)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@contextmanager
def acting(folder: Path, url: str, database: str) -> Iterator[subprocess.Popen[str]]:
    """An enforcer in a process of its own, which acts."""
    command = [sys.executable, "-m", "tests.enforcement.acting_process", str(folder), url, database]
    with (folder / "acting.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        found = next((line for line in process.stdout if line == "acting\n"), "")
        assert found, (folder / "acting.log").read_text("utf-8")[-3000:]
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()


def records(database: str) -> tuple[ActionRecord, ...]:
    """All actions in a database that nobody writes to."""
    with Store.open(database) as store:
        return store.actions.page(ActionFilter(), limit=100_000).items


def over(database: str) -> bool:
    """Whether nothing is to be done any more; the database may be written to meanwhile."""
    engine = create_engine(database)
    try:
        with engine.connect() as connection:
            asked = text("SELECT count(*) FROM actions WHERE state NOT IN ('succeeded', 'failed', 'held')")
            return int(connection.execute(asked).scalar_one()) == 0
    finally:
        engine.dispose()


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_kills_at_any_moment_do_nothing_twice_and_lose_nothing(tmp_path: Path, part: int) -> None:
    """Fifty kills (of 200) at random moments, at a target that is slow, fails, cuts, or says 500 after doing it."""
    rounds, draw = 50, random.Random(part)
    vnfs = [f"vnf-{number}" for number in range(rounds * PER_ROUND)]
    database = f"sqlite:///{tmp_path / 'actions.sqlite'}"
    with vnfm(tmp_path, vnfs) as url:
        for number in range(1, rounds + 1):
            (tmp_path / "vnfs.json").write_text(json.dumps(vnfs[: number * PER_ROUND]))
            faults = [{"on": "POST .*/scale$", **draw.choice(FAULTS)} for _ in range(draw.randrange(4))]
            requests.post(f"{url}/control", json={"faults": faults, "seconds": draw.choice([0, 0.1, 0.5])}, timeout=10)
            with acting(tmp_path, url, database):
                # Not a wait for something: the moment of the kill is to be any.
                time.sleep(draw.uniform(0, 0.7))
        requests.post(f"{url}/control", json={"faults": [], "seconds": 0.05}, timeout=10)
        with acting(tmp_path, url, database):
            until(lambda: over(database), 120)
    found, often = records(database), done(tmp_path / "book")
    assert {each.object for each in found} == set(vnfs)
    assert len(found) == len(vnfs)
    assert max(often.values()) == 1
    assert often.keys() <= {each.id for each in found}
    for each in found:
        assert each.state in (*ENDED, "held"), each
        assert each.state != "succeeded" or often[each.id] == 1
        assert each.state != "failed" or often[each.id] == 0
    states = [each.state for each in found]
    assert states.count("held") == 0, [each.reason for each in found if each.state == "held"]
