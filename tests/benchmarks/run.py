"""
The benchmarks: `python tests/benchmarks/run.py`, or `make bench`.

Everything is measured in one run on one machine, so that ratios mean something;
README.md beside this file says what is measured and how to read it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console

# Run by its path, this file has its own folder on the path of imports and not the checkout.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import measure, policies, workload
from tests.benchmarks.child import congresslite
from tests.benchmarks.figures import Figure, as_table
from tests.benchmarks.measure import Measured, by_turns

GIGABYTE = 1e9
PYDATALOG_SIZE = 100_000
# As measured when pyDatalog was chosen as the reference engine.
PYDATALOG_QUOTED_S = 86.0
US = "congresslite"


class Bench:
    """What is measured, and the measurements so far."""

    def __init__(self, folder: Path, runs: int, tell: Callable[[str], None]) -> None:
        self._folder, self._runs, self._tell = folder, runs, tell
        self.measured: dict[str, dict[str, Measured]] = {}

    def nfv(self, size: int) -> Iterator[Figure]:
        """The twelve questions beside DuckDB."""
        estate = self._estate(size)
        name = f"{size:,} VMs"
        ours, theirs = self._beside_duckdb(name, workload.POLICY, "nfv", estate)
        yield Figure(f"{name}: load", "CPU s", ours.load, "DuckDB", theirs.load)
        yield Figure(f"{name}: evaluate", "CPU s", ours.evaluate, "DuckDB", theirs.evaluate, times_at_most=1.0)
        yield Figure(f"{name}: CSV to answers", "CPU s", ours.answers, "DuckDB", theirs.answers, times_at_most=1.8)
        yield Figure(f"{name}: whole process", "CPU s", ours.cpu, "DuckDB", theirs.cpu)
        yield Figure(f"{name}: peak memory", "GB", ours.peak / GIGABYTE, "DuckDB", theirs.peak / GIGABYTE, at_most=1.5)

    def closure(self) -> Iterator[Figure]:
        """Transitive closure beside DuckDB's recursive SQL."""
        graphs = (
            ("closure of a random graph", workload.random_graph(2_000, 10_000), 1.5),
            ("closure of a chain", workload.chain(1_000), 10.0),
        )
        for name, edges, limit in graphs:
            folder = self._folder / name.replace(" ", "-")
            workload.write_graph(edges, folder)
            ours, theirs = self._beside_duckdb(name, workload.CLOSURE, "closure", folder)
            yield Figure(f"{name}: evaluate", "CPU s", ours.evaluate, "DuckDB", theirs.evaluate, times_at_most=limit)

    def start(self) -> Iterator[Figure]:
        """How long somebody waits who checks the example estate."""
        found = self._alone("example estate", lambda: congresslite("check", "--example", "-o", "json", "--exit-zero"))
        yield Figure("example estate: wait", "s", found.wall, at_most=1.0)

    def scale(self) -> Iterator[Figure]:
        """Policies that are large or deep."""
        path = self._folder / "path"
        workload.write_graph(workload.chain(100_001), path)
        small = self._estate(1_000)
        cases = (
            ("a chain of 10,000 rules", policies.chain_of_rules(10_000), small),
            ("a path of 100,000 edges", policies.reachability(), path),
            ("1,000 rules, 1,000 VMs", policies.many_rules(1_000), small),
        )
        for name, text, data in cases:
            file = self._folder / f"{name.replace(' ', '-')}.dl"
            file.write_text(text, encoding="utf-8")
            yield Figure(f"{name}: whole process", "CPU s", self._alone(name, measure.ours(file, data)).cpu)

    def pydatalog(self) -> Iterator[Figure]:
        """The twelve questions beside pyDatalog, which is run once: it takes minutes."""
        estate = self._estate(PYDATALOG_SIZE)
        name = f"{PYDATALOG_SIZE:,} VMs"
        ours = self._alone(name, measure.ours(workload.POLICY, estate))
        theirs = by_turns({"pyDatalog": measure.pydatalog(estate)}, 1, self._tell)["pyDatalog"]
        self.measured[name]["pyDatalog"] = theirs
        yield Figure(f"{name}: evaluate", "CPU s", ours.evaluate, "pyDatalog", theirs.evaluate, times_faster=500)
        yield Figure(f"{name}: evaluate", "CPU s", ours.evaluate, "pyDatalog, quoted", PYDATALOG_QUOTED_S)
        yield Figure(f"{name}: CSV to answers", "CPU s", ours.answers, "pyDatalog", theirs.answers)

    def _beside_duckdb(self, name: str, policy: Path, questions: str, data: Path) -> tuple[Measured, Measured]:
        subjects = {US: measure.ours(policy, data), "DuckDB": measure.duckdb(questions, data)}
        found = self.measured[name] = by_turns(subjects, self._runs, lambda what: self._tell(f"{name}: {what}"))
        return found[US], found["DuckDB"]

    def _alone(self, name: str, subject: measure.Subject) -> Measured:
        found = self.measured[name] = by_turns({US: subject}, self._runs, lambda what: self._tell(f"{name}: {what}"))
        return found[US]

    def _estate(self, size: int) -> Path:
        """The estate of a size, made if it is not there."""
        folder = self._folder / f"estate-{size}"
        if not (folder / "moves.csv").exists():
            self._tell(f"making an estate of {size:,} VMs")
            workload.write_estate(size, folder)
        return folder


@click.command()
@click.option("--size", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Virtual machines.")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each measurement.")
@click.option("--pydatalog", is_flag=True, help="Measure pyDatalog too; takes minutes.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Keep the estates here, for next time."
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def main(size: int, runs: int, pydatalog: bool, folder: Path | None, output: str) -> None:
    """Measure congresslite beside its peers, and hold the figures against the targets."""
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        bench = Bench(folder, runs, lambda what: click.echo(what, err=True))
        parts = (bench.nfv(size), bench.closure(), bench.start(), bench.scale(), *([bench.pydatalog()] * pydatalog))
        try:
            figures = [figure for part in parts for figure in part]
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(json.dumps(_document(bench, figures), indent=2))
    else:
        Console(width=120).print(as_table(figures))


def _document(bench: Bench, figures: list[Figure]) -> dict[str, object]:
    """Everything, for machines; versions because figures are worth little without them."""
    packages = ("numpy", "pyarrow", "duckdb")
    return {
        "machine": {"system": platform.platform(), "processors": os.cpu_count(), "load": os.getloadavg()},
        "versions": {"python": platform.python_version(), **{package: version(package) for package in packages}},
        "figures": [figure.as_json() for figure in figures],
        "measured": {
            name: {subject: _medians(each) for subject, each in found.items()} for name, found in bench.measured.items()
        },
    }


def _medians(measured: Measured) -> dict[str, float]:
    """The figures of one subject; its counts have been compared, and may be thousands."""
    return {name: value for name, value in asdict(measured).items() if name != "counts"}


if __name__ == "__main__":
    main()
