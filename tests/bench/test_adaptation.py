"""The part of the benchmark about adaptation, at a size where it takes seconds."""

from __future__ import annotations

from congresslite.bench.child import module
from tests.analysis.adaptation.example import need_clingo

need_clingo()


def test_adaptation_is_measured() -> None:
    """Each scenario ends as it should, and every function of the estate that has failed is decided on."""
    ended = module("adaptation", "100", "3")
    assert ended.code == 0, ended.stderr
    told = ended.json()
    assert [each["status"] for each in told["scenarios"].values()] == ["nothing", "impossible", "optimal", "optimal"]
    assert told["estate"]["decisions"] == 3
    assert told["estate"]["status"] in ("optimal", "impossible")
