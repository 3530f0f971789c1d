"""The peers: rules written for each, which find what ours find; those that are not installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from congresslite.bench.child import congresslite
from congresslite.bench.peers import DUCKDB, SLOW, Peer
from congresslite.bench.policies import NFV

ASKED = {"DuckDB": ("nfv",)}
PEERS = [DUCKDB, *SLOW.values()]


@pytest.fixture(scope="module")
def ours(estate: Path) -> dict[str, int]:
    """How many rows each table has for us."""
    counts: dict[str, int] = congresslite("check", NFV, "--data", estate, "-o", "json", "--counts").json()["counts"]
    return counts


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_same_answers(peer: Peer, estate: Path, ours: dict[str, int]) -> None:
    """Each peer that is installed answers all twelve questions, counts as many rows as we do, and tells its times."""
    if not peer.installed:
        assert os.environ.get("CI") != "true", f"{peer.name} is not installed, though CI installs it"
        pytest.skip(f"{peer.name} is not installed")
    ended = peer.ask(*ASKED.get(peer.name, ()), estate)
    assert (ended.code, ended.stderr) == (0, "")
    told = ended.json()
    assert {table: ours[table] for table in told["counts"]} == told["counts"]
    assert len(told["counts"]) >= 12
    assert set(told["timing"]) == {"load_s", "load_cpu_s", "evaluate_s", "evaluate_cpu_s"}


@pytest.mark.parametrize(
    "peer", [Peer("none", "none", package="no_such_package"), Peer("none", "none", program="no-such-program")]
)
def test_missing(peer: Peer) -> None:
    """Whether a peer is installed is found out without running it."""
    assert not peer.installed
