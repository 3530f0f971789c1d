"""The measured policy over estates of all sizes, through the command line: its answers, and the memory they need."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from congresslite.bench.child import congresslite
from congresslite.bench.policies import NFV
from congresslite.bench.workload import write_estate

# Rows of each table by the number of virtual machines; DuckDB, Soufflé, SQLite, SWI-Prolog and clingo count the same.
SIZES = (1_000, 100_000, 1_000_000)
COUNTS = {
    "in_region": (3, 107, 2_457),
    "vm_tenant": (1_000, 100_000, 1_000_000),
    "vm_pop": (1_000, 100_000, 1_000_000),
    "platinum_on_hdd": (153, 12_367, 124_860),
    "foreign_public_net": (128, 49_949, 498_411),
    "anti_affinity": (19, 19, 18),
    "overcommit": (32, 3_502, 34_437),
    "banned_image": (44, 3_965, 39_803),
    "on_down_host": (31, 2_014, 20_194),
    "chain_broken": (35, 2_166, 20_869),
    "no_active_vm": (3, 476, 4_947),
    "platinum_edge": (0, 4_419, 81_884),
    "error": (445, 74_458, 743_539),
    "warning": (0, 4_419, 81_884),
}
MEMORY = 1_500_000_000  # bytes, for the largest


@pytest.fixture(scope="module", params=[*SIZES[:2], pytest.param(SIZES[2], marks=pytest.mark.long)], ids="{:,}".format)
def estate(request: pytest.FixtureRequest) -> Iterator[tuple[int, Path]]:
    """Which size an estate has, and its folder; removed at once, since it may be large."""
    with tempfile.TemporaryDirectory() as folder:
        write_estate(request.param, Path(folder))
        yield SIZES.index(request.param), Path(folder)


def test_counts(estate: tuple[int, Path]) -> None:
    """Each table has as many rows as other engines give it, and a million machines fit in 1.5 GB."""
    size, folder = estate
    ended = congresslite("check", NFV, "--data", folder, "-o", "json", "--counts")
    assert (ended.code, ended.stderr) == (1, "")
    report = ended.json()
    assert {table: report["counts"][f"nfv:{table}"] for table in COUNTS} == {
        table: counts[size] for table, counts in COUNTS.items()
    }
    assert all(seconds >= 0 for seconds in report["timing"].values())
    assert ended.peak_bytes < MEMORY
