"""`congresslite adapt`: forms of output, exit codes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from congresslite.share import share
from tests.analysis.adaptation.example import need_clingo
from tests.cli.conftest import Run

need_clingo()

EXAMPLE = share("examples") / "adaptation"


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A copy of the example, to be changed."""
    for file in EXAMPLE.rglob("*.*"):
        target = tmp_path / "graph" / file.relative_to(EXAMPLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return tmp_path / "graph"


def test_the_example_shows_itself(run: Run) -> None:
    """Without any file, the example tells a plan: what goes where, at what cost, and what it would command."""
    done = run("adapt", "--example")
    assert done.exit_code == 0, done.output
    for part in ("optimal", "take over", "forbidden", "would fail again", "2 to build", "no-spare", 'wim:join("web"'):
        assert part in done.stdout


def test_json_is_one_document(run: Run) -> None:
    """With `-o json`, the plan is one document on stdout, and nothing else is."""
    done = run("adapt", "--example", "--failed", "vnf-a", "-o", "json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["status"]) == (0, "optimal")
    assert [each["vnf"] for each in document["decisions"]] == ["vnf-a", "vnf-b"]


def test_what_is_impossible_blocks(run: Run, graph: Path) -> None:
    """Exit code 1, with the rules that stand in the way and what each option would break."""
    (graph / "inv" / "graph.csv").write_text("id,max_latency,bandwidth\nweb,5,2\n", encoding="utf-8")
    done = run("adapt", "--policies", str(graph / "policies"), "--data", str(graph))
    assert done.exit_code == 1
    assert "vnf-b is placed" in done.stdout
    assert "adaptation/latency holds" in done.stdout
    assert "web takes 9 ms, and 5 ms are allowed" in done.stdout


def test_nothing_to_do(run: Run, graph: Path) -> None:
    """Exit code 0 where nothing has failed."""
    (graph / "inv" / "vnf.csv").write_text("id,state\nvnf-a,ACTIVE\nvnf-b,ACTIVE\nvnf-c,ACTIVE\n", encoding="utf-8")
    done = run("adapt", "--policies", str(graph / "policies"), "--data", str(graph))
    assert (done.exit_code, done.stdout) == (0, "nothing: nothing has failed\n")


USAGE = {
    "no policies": (),
    "example and data": ("--example", "--data", "inventory"),
    "no time": ("--example", "--time-limit", "0"),
    "a server": ("--example", "--server", "http://127.0.0.1:1"),
    "an unknown function": ("--example", "--failed", "vnf-z"),
    "an unknown policy": ("--example", "--policy", "adaption"),
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_what_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    """Exit code 2, with a reason on stderr and nothing on stdout."""
    done = run("adapt", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr
