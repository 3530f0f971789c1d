"""
An estate that a server holds: made on disk as if it had been pushed, served, and put under load.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from congresslite.bench import policies
from congresslite.bench.child import environment, module
from congresslite.bench.measure import BenchError, reason
from congresslite.live.cache import TableCache
from congresslite.schema import TableSchema
from congresslite.sources import load_definition, open_inventory
from congresslite.store.secrets import load_or_create_key
from congresslite.store.store import Store

_URL = re.compile(r"https?://[\w.:\[\]]+")


def prepare(estate: Path, folder: Path) -> Path:
    """Make a state folder that holds an estate's tables as pushed rows; the server's configuration."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    definition = _definition(estate, folder)
    _seed(estate, definition, folder / "state")
    (folder / "nfv.dl").write_text(policies.NFV.read_text(encoding="utf-8"), encoding="utf-8")
    config = {
        "state": str(folder / "state"),
        "policies": [str(folder / "nfv.dl")],
        "sources": {"inv": {"driver": "push", "definition": str(definition)}},
        "server": {"listen": "127.0.0.1:0"},
        "log": {"level": "warning"},
    }
    path = folder / "congresslite.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _definition(estate: Path, folder: Path) -> Path:
    tables = yaml.safe_load((estate / "inv" / "_schema.yaml").read_text(encoding="utf-8"))
    for table in tables.values():
        references = table.pop("references", {})
        table["columns"] = {
            name: {"type": type_, "references": references[name]} if name in references else type_
            for name, type_ in table["columns"].items()
        }
    path = folder / "inv.yaml"
    path.write_text(yaml.safe_dump({"source": "inv", "tables": tables}, sort_keys=False), encoding="utf-8")
    return path


def _seed(estate: Path, definition: Path, state: Path) -> None:
    """Write each table as the base of a pushed one."""
    state.mkdir(mode=0o700)
    bases = TableCache(state / "pushed")
    store = Store.open(f"sqlite:///{state / 'congresslite.sqlite'}", key=load_or_create_key(state / "secret.key"))
    try:
        known, inventory = load_definition(definition), open_inventory(estate)
        for short in known.declarations:
            schema = known.schema(short)
            rows = _Renamed(schema, inventory.table(f"inv:{short}"))
            bases.write(rows, time.time(), "@seed")
            store.pushed.rebase("inv", short, "@seed")
    finally:
        store.close()


class _Renamed:
    """The rows of a file under the schema of the definition."""

    def __init__(self, schema: TableSchema, rows: Any) -> None:
        self.schema, self._rows = schema, rows

    @property
    def num_rows(self) -> int:
        return int(self._rows.num_rows)

    def columns(self, names: Any) -> Any:
        return self._rows.columns(names)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its address, and how many seconds that took."""

    url: str
    start_s: float
    process: int

    def peak_bytes(self) -> int:
        """The most memory that it has had at once, by the kernel's account."""
        told = Path(f"/proc/{self.process}/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s*(\d+) kB", told)
        return 0 if found is None else int(found[1]) * 1024


@contextmanager
def served(config: Path) -> Iterator[Running]:
    """A server of a configuration, until it is not needed any more."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "congresslite", "serve", "--config", str(config)]
    with (config.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment()
        )
        try:
            assert process.stdout is not None
            url = _address(process.stdout, config.parent / "server.log")
            yield Running(url, time.perf_counter() - started, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _address(out: IO[bytes], log: Path) -> str:
    """The address that a server prints when it answers. Raises BenchError if it ends without."""
    for line in out:
        found = _URL.search(line.decode(errors="replace"))
        if found:
            return found[0]
    raise BenchError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def under_load(estate: Path, folder: Path, vms: int, seconds: float) -> dict[str, Any]:
    """Serve an estate for the first time, serve it again, and put load on it; what came of it."""
    config = prepare(estate, folder)
    with served(config) as first:
        begun = first.start_s
    with served(config) as server:
        ended = module("load", server.url, str(vms), "--seconds", str(seconds))
        if ended.code != 0:
            raise BenchError(f"no load could be put on the server: {reason(ended)}")
        return {
            "first_start_s": begun,
            "restart_s": server.start_s,
            "peak_bytes": server.peak_bytes(),
            **json.loads(ended.stdout),
        }
