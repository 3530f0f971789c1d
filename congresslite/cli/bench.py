"""`congresslite bench`: measure congresslite beside its peers, and hold the figures against the targets."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import IO

import click

from congresslite.bench.figures import Figure
from congresslite.bench.measure import BenchError, Tell
from congresslite.bench.peers import DUCKDB, SLOW
from congresslite.bench.suite import PARTS, Bench, Options
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.progress import progress
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import console, remark
from congresslite.diagnostics.visible import visible

USUAL_PEERS = ("clingo", "swi-prolog")  # of the slow ones; pyDatalog takes minutes
PACKAGES = ("congresslite", "numpy", "pyarrow", "duckdb", "clingo", "pyDatalog")
TARGETS_SIZE = 1_000_000  # virtual machines
TICK_S = 0.5


@click.command(cls=Teaching)
@click.option("--size", type=click.IntRange(min=100), default=1_000_000, show_default=True, metavar="N",
              help="Virtual machines of the estate.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, metavar="N",
              help="What the estate and its changes are drawn by.")  # fmt: skip
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, metavar="N",
              help="Runs of each measurement.")  # fmt: skip
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="Measure this part; may be repeated.")
@click.option("--peer", "peers", type=click.Choice(list(SLOW)), multiple=True, default=USUAL_PEERS, show_default=True,
              help="Ask this slow peer; may be repeated.")  # fmt: skip
@click.option("--peer-size", type=click.IntRange(min=100), default=100_000, show_default=True, metavar="N",
              help="Virtual machines for slow peers.")  # fmt: skip
@click.option("--database", metavar="URL", help="Journal actions in this empty database of PostgreSQL's too.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Keep the estates here, for next time.")  # fmt: skip
@shared("table", "json")
def bench(
    settings: Settings,
    *,
    only: tuple[str, ...],
    peers: tuple[str, ...],
    database: str | None,
    folder: Path | None,
    **sizes: int,
) -> int:
    """Measure congresslite beside its peers, and hold the figures against the targets.

    An estate is made, as its size and seed decide. Policies over it are evaluated, kept current while machines move
    and links are re-wired, tried and explained. DuckDB is asked the same in SQL written by hand, slow peers in rules of
    their own at a smaller size, as far as they are installed. It takes minutes, with pyDatalog many.

    For example:
      congresslite bench
      congresslite bench --size 10000 --only work
      congresslite bench --only peers --peer pydatalog -o json

    A target that is missed is told, and is no failure.
    """
    options = Options(peers=tuple(SLOW[peer] for peer in peers), database=database, **sizes)
    with ExitStack() as stack:
        tell = stack.enter_context(_patiently(settings))
        try:
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            folder.mkdir(parents=True, exist_ok=True)
            run = Bench(folder.absolute(), options, tell)
            figures = [figure for name, part in PARTS.items() if not only or name in only for figure in part(run)]
        except BenchError as error:
            raise click.ClickException(visible(str(error), keep="\n")) from error
        except OSError as error:
            raise click.ClickException(f"`{error.filename}`: {(error.strerror or 'it failed').lower()}") from error
    {"table": _write_table, "json": _write_json}[settings.output](run, figures, settings, sys.stdout)
    return Exit.CLEAN


@contextmanager
def _patiently(settings: Settings) -> Iterator[Tell]:
    """Progress that is repeated now and then: a single measurement may take minutes, and tells nothing itself."""
    with progress(settings) as tell:
        if tell is None:
            yield lambda what, done, total: None
            return
        last = ("measuring", 0, 0)
        ended = threading.Event()

        def repeat() -> None:
            while not ended.wait(TICK_S):
                tell(*last)

        def told(what: str, done: int, total: int) -> None:
            nonlocal last
            last = (what, done, total)

        ticker = threading.Thread(target=repeat, daemon=True)
        ticker.start()
        try:
            yield told
        finally:
            ended.set()
            ticker.join()


TITLES = ("", "ours", "wall", "unit", "beside", "theirs", "ours to theirs", "target", "met")
RIGHT = (1, 2, 5, 6, 7)


def _write_table(run: Bench, figures: list[Figure], settings: Settings, out: IO[str]) -> None:
    from congresslite.cli.formats.table import aligned

    screen = console(settings, out)
    lines = iter(aligned(TITLES, [_cells(figure) for figure in figures], right=RIGHT))
    screen.print(next(lines))
    for group, members in groupby(figures, lambda figure: figure.group):
        screen.print(group, style="bold")
        for _ in members:
            screen.print(next(lines))
    if run.options.size < TARGETS_SIZE:
        remark(f"the targets are meant for {TARGETS_SIZE:,} VMs", settings)
    for name, installed in _peers(run).items():
        if not installed:
            remark(f"{name} is not installed, and was not asked", settings)


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        f"  {figure.name}",
        _number(figure.ours),
        _number(figure.wall),
        figure.unit,
        figure.beside or "",
        _number(figure.theirs),
        _ratio(figure.ratio),
        figure.wanted,
        {True: "yes", False: "NO", None: ""}[figure.met],
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value < 1 else f"{value:,.2f}"


def _ratio(value: float | None) -> str:
    if not value:
        return ""
    return f"{value:.2f} ×" if value >= 0.1 else f"1/{1 / value:,.0f} ×"


def _write_json(run: Bench, figures: list[Figure], settings: Settings, out: IO[str]) -> None:
    """Everything, with versions, because figures are worth little without them."""
    del settings
    document = {
        "machine": {"system": platform.platform(), "processors": os.cpu_count(), "load": os.getloadavg()},
        "versions": {"python": platform.python_version(), **{package: _version(package) for package in PACKAGES}},
        "peers": {name: {"installed": installed} for name, installed in _peers(run).items()},
        "figures": [figure.as_json() for figure in figures],
        "measured": {
            name: {subject: measured.as_json() for subject, measured in found.items()}
            for name, found in run.measured.items()
        },
        "samples": {name: samples.as_json() for name, samples in run.samples.items()},
    }
    out.write(entries.dumps(document) + "\n")


def _peers(run: Bench) -> dict[str, bool]:
    """Whether each peer that was wanted is installed."""
    return {peer.name: peer.installed for peer in (DUCKDB, *run.options.peers)}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
