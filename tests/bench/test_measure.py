"""Measurements by turns: medians of what agrees, an error for what does not."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from congresslite.bench.child import Ended, run
from congresslite.bench.measure import BenchError, by_turns, compare


def ended(cpu_s: float = 1.0, counts: dict[str, int] | None = None, **other: Any) -> Ended:
    """A process that took so much and counted so."""
    told = {"counts": counts or {}, "timing": {"load_cpu_s": cpu_s, "evaluate_cpu_s": 2 * cpu_s}}
    return Ended(
        **{"stdout": json.dumps(told), "stderr": "", "code": 0, "wall_s": 1.0, "cpu_s": cpu_s, "peak_bytes": 1, **other}
    )


def silent(what: str, done: int, total: int) -> None:
    """Nobody looks at the progress."""


def test_turns_and_medians() -> None:
    """Subjects run by turns, told one by one, and medians are kept: of a sum the median of the sums."""
    order: list[tuple[str, int, int]] = []
    ours, theirs = (iter([ended(1.0), ended(9.0), ended(2.0)]) for _ in range(2))
    found = by_turns({"ours": lambda: next(ours), "theirs": lambda: next(theirs)}, 3, lambda *told: order.append(told))
    assert order == [(name, number, 3) for number in (1, 2, 3) for name in ("ours", "theirs")]
    assert (found["ours"].cpu, found["theirs"].timing("load_cpu_s", "evaluate_cpu_s")) == (2.0, 6.0)
    assert found["ours"].as_json()["runs"] == 3


def test_counts_that_differ() -> None:
    """Where answers differ, times are not compared: it is told who disagrees on which of the tables that both have."""
    subjects = {
        "ours": lambda: ended(counts={"p:a": 1, "p:b": 2, "p:c": 3}),
        "theirs": lambda: ended(counts={"p:a": 1, "p:b": 3}),
    }
    with pytest.raises(BenchError, match=r"^ours and theirs disagree on p:b \(2 and 3\)$"):
        by_turns(subjects, 1, silent)


def test_whole_answers() -> None:
    """Two evaluations of the same policies have the same tables: one that is missing is a difference."""
    answers = [("kept current", {"p:a": 1, "p:b": 2}), ("from scratch", {"p:a": 1})]
    compare(answers)
    with pytest.raises(BenchError, match=r"^kept current and from scratch disagree on p:b \(2 and None\)$"):
        compare(answers, whole=True)


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        ("it did not go", "it did not go"),
        ("Traceback (most recent call last):\n  …\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("", "it ended with 1"),
    ],
    ids=["message", "traceback", "silence"],
)
def test_failures(stderr: str, told: str) -> None:
    """A process that fails ends the measurement with its reason, and not with its traceback."""
    with pytest.raises(BenchError) as error:
        by_turns({"ours": lambda: ended(stdout="", stderr=stderr, code=1)}, 1, silent)
    assert str(error.value) == f"ours failed: {told}"


def test_child() -> None:
    """A process is told apart from its parent: what it printed, how it ended, what it took."""
    memory = 200_000_000
    done = run([sys.executable, "-c", f"import sys; a = bytes({memory}); b = bytearray(a); print('out'); sys.exit(3)"])
    assert (done.stdout, done.stderr, done.code) == ("out\n", "", 3)
    assert done.peak_bytes > memory
    assert done.cpu_s > 0
    assert done.wall_s > 0
