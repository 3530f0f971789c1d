"""Processes of one estate that share a database of PostgreSQL's: one leads, others stand by."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.live.estates import INVENTORY, POLICY
from tests.waiting import until

LEASE = 2.0
PATIENCE = 60.0


@dataclass
class Node:
    """A process that leads or stands by."""

    name: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    told: list[str] = field(default_factory=list)

    def ask(
        self, method: str, path: str, body: Any = None, patience: float = 10.0
    ) -> tuple[int, Mapping[str, str], Any]:
        """Status, headers and document of an answer; an OSError for none, also for one that was cut."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            raw = reply.read()
            return reply.status, dict(reply.getheaders()), json.loads(raw) if raw else None
        except http.client.HTTPException as error:
            # A process that ends, or stands by, in the middle of an answer.
            raise ConnectionAbortedError(f"an answer was cut: {error!r}") from error
        finally:
            connection.close()

    def status(self, path: str) -> int:
        """The status of an answer; 0 for none."""
        try:
            return self.ask("GET", path, patience=2.0)[0]
        except OSError:
            return 0

    def leads(self) -> bool:
        """Whether it answers as the one that leads."""
        return self.status("/health/ready") == 200

    def waits(self) -> bool:
        """Whether it answers as one that stands by."""
        return self.status("/health/live") == 200 and self.status("/v1/violations") == 503

    def push(self, *names: str) -> None:
        """Add machines on the host `h2`."""
        rows = [{"id": name, "host": "h2", "vcpus": 1, "tenant": "t1"} for name in names]
        status, _, told = self.ask("POST", "/v1/sources/inv/tables/vm/rows", {"upsert": rows})
        assert status == 200, told

    def machines(self) -> set[str]:
        """The names of the machines."""
        status, _, page = self.ask("GET", "/v1/tables/inv:vm/rows?limit=1000")
        assert status == 200, page
        at = page["columns"].index("id")
        return {row[at] for row in page["items"]}

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)

    @property
    def log(self) -> str:
        """What it has told."""
        return (self.folder / "server.log").read_text(encoding="utf-8")


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def configuration(folder: Path, name: str, url: str, port: int, **more: Any) -> Path:
    """The configuration of a node: a state of its own, the database and the key of all."""
    own = folder / name
    own.mkdir(exist_ok=True)
    (folder / "inv.yaml").write_text(INVENTORY, encoding="utf-8")
    (folder / "placement.dl").write_text(POLICY, encoding="utf-8")
    config: dict[str, Any] = {
        "server": {"listen": f"127.0.0.1:{port}"},
        "state": str(own / "state"),
        "key": str(folder / "secret.key"),
        "policies": [str(folder / "placement.dl")],
        "sources": {"inv": {"driver": "push", "definition": str(folder / "inv.yaml")}},
        "database": {"url": url},
        "console": {"enabled": False},
        "standby": {"enabled": True, "name": name, "url": f"http://127.0.0.1:{port}", "lease": LEASE},
    }
    config.update(more)
    path = own / "congresslite.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@contextmanager
def node(folder: Path, name: str, url: str, **more: Any) -> Iterator[Node]:
    """A process, ended if it still runs."""
    port = free_port()
    path = configuration(folder, name, url, port, **more)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (path.parent / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "congresslite", "serve", "--config", str(path)],
            cwd=path.parent, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield Node(name, path.parent, port, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(PATIENCE)


@contextmanager
def leading(folder: Path, name: str, url: str, **more: Any) -> Iterator[Node]:
    """A process that leads, once it does."""
    with node(folder, name, url, **more) as found:
        until(lambda: found.leads() or ended(found), PATIENCE)
        yield found


@contextmanager
def waiting(folder: Path, name: str, url: str, **more: Any) -> Iterator[Node]:
    """A process that stands by, once it does."""
    with node(folder, name, url, **more) as found:
        until(lambda: found.waits() or ended(found), PATIENCE)
        yield found


def ended(found: Node) -> bool:
    """Fail if a process has ended."""
    assert found.process.poll() is None, found.log
    return False
