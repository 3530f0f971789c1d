"""Policies that are deep or large, through the command line: depth is bounded by memory, never by Python's stack."""

from __future__ import annotations

import csv
from pathlib import Path

from congresslite.bench.child import congresslite
from congresslite.bench.policies import chain_of_rules, many_rules, reachability
from congresslite.bench.workload import chain, write_estate, write_graph


def counts(text: str, folder: Path) -> dict[str, int]:
    """The counts of a policy over the tables in `folder/data`."""
    policy = folder / "policy.dl"
    policy.write_text(text, encoding="utf-8")
    ended = congresslite("check", policy, "--data", folder / "data", "-o", "json", "--counts", "--exit-zero")
    assert (ended.code, ended.stderr) == (0, "")
    found: dict[str, int] = ended.json()["counts"]
    return found


def test_chain_of_rules(tmp_path: Path) -> None:
    """A fact comes through 10,000 rules, each reading the one before."""
    write_graph([], tmp_path / "data")
    found = counts(chain_of_rules(10_000), tmp_path)
    assert found == {f"deep:t{number}": 1 for number in range(10_001)}


def test_long_path(tmp_path: Path) -> None:
    """What can be reached along a path of 100,000 edges is found to its end."""
    write_graph(chain(100_001), tmp_path / "data")
    assert counts(reachability(), tmp_path) == {"path:reached": 100_000}


def test_many_rules(tmp_path: Path) -> None:
    """A policy of 1,000 rules over an estate is checked whole, each rule with its own selection."""
    write_estate(1_000, tmp_path / "data")
    vms, hosts, banned = (read(tmp_path / "data" / "inv" / f"{table}.csv") for table in ("vm", "host", "image_banned"))
    placed = [
        (vm["image"], host["disk"], int(host["cores"])) for vm in vms for host in hosts if vm["host"] == host["id"]
    ]
    expected = 0
    for number in range(1_000):
        image, disk = f"img{number % 50}", "hdd" if number % 2 else "ssd"
        if {"image": image} not in banned:
            expected += sum(each[:2] == (image, disk) and each[2] > number % 64 for each in placed)
    assert counts(many_rules(1_000), tmp_path) == {"wide:error": expected}


def read(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))
