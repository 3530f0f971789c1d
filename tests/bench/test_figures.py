"""Figures beside their targets."""

from __future__ import annotations

import pytest

from congresslite.bench.figures import AtMost, AtMostMore, Figure, Target, TimesAtMost, TimesFaster


@pytest.mark.parametrize(
    ("target", "words", "met", "missed"),
    [
        (AtMost(5), "≤ 5 ms", (5.0, None), (5.1, None)),
        (TimesAtMost(1.5), "≤ 1.5 ×", (3.0, 2.0), (3.1, 2.0)),
        (TimesFaster(500), "≤ 1/500 ×", (1.0, 500.0), (1.0, 499.0)),
        (AtMostMore(10), "≤ + 10 ms", (30.0, 20.0), (30.1, 20.0)),
    ],
    ids=["absolute", "ratio", "inverse ratio", "difference"],
)
def test_targets(
    target: Target, words: str, met: tuple[float, float | None], missed: tuple[float, float | None]
) -> None:
    """A target is told in words, is met up to its limit, and missed beyond."""
    figures = [Figure("estate", "moves", "CPU ms", ours, "DuckDB", theirs, target) for ours, theirs in (met, missed)]
    assert [(figure.wanted, figure.met) for figure in figures] == [(words, True), (words, False)]


@pytest.mark.parametrize("target", [TimesAtMost(1), TimesFaster(2), AtMostMore(3)])
def test_missing_peer(target: Target) -> None:
    """A target that is held against a peer that is missing is neither met nor missed."""
    assert Figure("estate", "moves", "CPU ms", 1.0, "DuckDB", None, target).met is None


def test_json() -> None:
    """Machines get all that people see of a figure."""
    figure = Figure("estate", "moves", "CPU ms", 2.0, "DuckDB", 1000.0, TimesFaster(500), wall=2.5)
    assert figure.as_json() == {
        "group": "estate", "name": "moves", "unit": "CPU ms", "ours": 2.0, "wall": 2.5, "beside": "DuckDB",
        "theirs": 1000.0, "ratio": 0.002, "target": "≤ 1/500 ×", "met": True,
    }  # fmt: skip


def test_no_target() -> None:
    """A figure without a target, or beside nobody, is told as it is."""
    figure = Figure("estate", "moves", "CPU ms", 2.0)
    assert (figure.ratio, figure.wanted, figure.met) == (None, "", None)
