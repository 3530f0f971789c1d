"""`congresslite bench` as a whole, at a size where it takes seconds; no test looks at what it measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from congresslite.bench.peers import DUCKDB, SLOW
from congresslite.bench.suite import PARTS
from congresslite.cli.app import cli

pytestmark = pytest.mark.xdist_group("bench command")  # all look at one document

# What is promised of a million machines.
AT_WORK = {
    "1 move kept current": "≤ 1/800 ×",
    "100 moves kept current": "≤ 1/500 ×",
    "1,000 moves kept current": "≤ 1/150 ×",
    "100 links kept current": "≤ 1/120 ×",
    "what-if of 100 moves": "≤ 1/20 ×",
    "what-if of a rule: three tables, few rows": "≤ 1/20 ×",
    "what-if of a rule: three tables, all machines": "≤ 1/20 ×",
    "pre-commit check of a rule: three tables, few rows": "≤ 1000 ms",
    "policy of three rules added": "≤ + 10 ms",
    "one violation explained": "≤ 5 ms",
    "reader's longest wait for a count and rows": "≤ 20 ms",
    "reader's longest wait for a lookup": "≤ 20 ms",
    "peak memory, all indexed": "≤ 1.5 GB",
    "100 moves, beside fewer VMs": "≤ 3 ×",
}
EVALUATION = {"evaluate": "≤ 1 ×", "CSV to answers": "≤ 1.8 ×", "peak memory": "≤ 1.5 GB"}
SMALL = ("--size", "1000", "--peer-size", "1000", "--runs", "1")


def bench(*arguments: str | Path) -> Result:
    """Run the command, as small as it is quoted."""
    return CliRunner().invoke(cli, ["bench", *SMALL, *map(str, arguments)], prog_name="congresslite")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where estates are kept from one run to the next."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def document(folder: Path) -> Any:
    """What is written as JSON of the parts that look at the twelve questions."""
    ended = bench("--folder", folder, "--only", "evaluation", "--only", "work", "--only", "peers", "-o", "json")
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


@pytest.mark.long
@pytest.mark.parametrize(
    ("group", "expected"),
    [("1,000 VMs", EVALUATION), ("1,000 VMs, at work", AT_WORK)],
    ids=["evaluated", "at work"],
)
def test_targets_are_listed(document: Any, group: str, expected: dict[str, str]) -> None:
    """Every promise is among the figures, with its target, and with whether it is met as far as that can be said."""
    figures = [figure for figure in document["figures"] if figure["group"] == group]
    assert {figure["name"]: figure["target"] for figure in figures if figure["target"]} == expected
    for figure in figures:
        beside_nobody = figure["beside"] is not None and figure["theirs"] is None
        assert (figure["met"] is None) == (figure["target"] is None or beside_nobody)
        assert figure["ours"] >= 0


@pytest.mark.long
def test_json_tells_all(document: Any) -> None:
    """Besides the figures, machines get versions, peers, medians of each measurement, and samples."""
    assert [*document] == ["machine", "versions", "peers", "figures", "measured", "samples"]
    assert document["versions"]["congresslite"]
    assert {name: each["installed"] for name, each in document["peers"].items()} == {
        peer.name: peer.installed for peer in (DUCKDB, SLOW["clingo"], SLOW["swi-prolog"])
    }
    assert document["measured"]["1,000 VMs"]["congresslite"]["runs"] == 1
    assert document["samples"]["1,000 VMs, at work"]["100 moves"]["samples"] == 20
    assert {"cpu_s", "wall_s", "read_cpu_s", "longest_s"} <= document["samples"]["100 VMs, batches"]["100 moves"].keys()


@pytest.mark.long
def test_peers_are_measured(document: Any) -> None:
    """Each peer that is installed is asked, and our batches are held beside what it needs for everything again."""
    beside = {figure["beside"] for figure in document["figures"] if figure["group"] == "1,000 VMs, peers"}
    expected = [peer.name for peer in (SLOW["clingo"], SLOW["swi-prolog"]) if peer.installed]
    assert beside == {*expected, *(f"{name}, all again" for name in expected)}


@pytest.mark.long
@pytest.mark.usefixtures("document")  # which makes the estates, if no test before this one has
def test_table(folder: Path) -> None:
    """People get a table: what was measured, ours and theirs, the ratio, the target; estates are not made again."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    ended = bench("--folder", folder, "--only", "evaluation")
    assert ended.exit_code == 0, ended.output
    header, group, *lines = ended.stdout.splitlines()
    assert header.split() == ["ours", "wall", "unit", "beside", "theirs", "ours", "to", "theirs", "target", "met"]
    assert group == "1,000 VMs"
    assert [line.split("  ")[1] for line in lines] == [
        "read",
        "evaluate",
        "CSV to answers",
        "whole process",
        "peak memory",
    ]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_missing_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that is not installed is told, and is no failure."""
    monkeypatch.setenv("PATH", "")
    ended = bench("--only", "peers", "--peer", "swi-prolog", "-o", "json")
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert (told["peers"]["SWI-Prolog"], told["figures"]) == ({"installed": False}, [])
    assert "SWI-Prolog is not installed, and was not asked" in bench("--only", "peers", "--peer", "swi-prolog").stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--only", "everything"), "'everything' is not one of"),
        (("--size", "10"), "10 is not in the range"),
        (("--folder", "{file}/below"), "`{file}/below`: not a directory"),
    ],
    ids=["part", "size", "folder"],
)
def test_mistakes(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """What cannot be measured is told in a line, with exit code 2."""
    file = tmp_path / "file"
    file.touch()
    ended = bench(*(argument.format(file=file) for argument in arguments))
    assert ended.exit_code == 2
    assert told.format(file=file) in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.long
def test_everything(folder: Path) -> None:
    """All parts, one after the other, have their lines in the table."""
    ended = bench("--folder", folder, "--peer", "pydatalog")
    assert ended.exit_code == 0, ended.output
    groups = [line for line in ended.stdout.splitlines()[1:] if not line.startswith("  ")]
    assert groups == [
        "1,000 VMs", "1,000 VMs, at work", "closure", "example estate", "scale: whole process",
        "1,000 VMs, served", "50 points of presence × 30 VMs", "200 actions, SQLite",
        "adaptation", "1,000 VMs, peers",
    ]  # fmt: skip
    assert len(groups) == len(PARTS)
