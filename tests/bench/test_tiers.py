"""The part of the benchmark about engines in tiers, at a size where it takes seconds."""

from __future__ import annotations

from congresslite.bench.child import module


def test_engines_in_tiers_are_measured() -> None:
    """Every move reaches the top, and what is sent for it does not grow with the tables."""
    ended = module("tiers", "3", "500")
    assert ended.code == 0, ended.stderr
    told = ended.json()
    assert len(told["moves_s"]) == 30
    assert min(told["moves_s"]) > 0
    assert told["largest_bytes"] < 1000
