"""A server in a process of its own, as people start it, and how to ask it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PATIENCE_S = 30.0


@dataclass
class Served:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    address: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The document of an answer; an AssertionError for one that is not well, an OSError for none."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            told = reply.read()
            assert reply.status in (200, 201, 204), told
            return json.loads(told) if told else None
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The document that is there."""
        return self.ask("GET", path)

    def violations(self, query: str = "") -> list[Any]:
        """Every violation of a query, page by page."""
        items: list[Any] = []
        cursor = ""
        while True:
            page = self.get(f"/v1/violations?limit=1000&{query}{cursor}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table, by the names of its columns."""
        found: list[dict[str, Any]] = []
        offset: int | None = 0
        while offset is not None:
            page = self.get(f"/v1/tables/{table}/rows?limit=1000&offset={offset}")
            found += [dict(zip(page["columns"], row, strict=True)) for row in page["items"]]
            offset = page["next"]
        return found

    def kill(self) -> None:
        """End it as the kernel would."""
        os.kill(self.process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """What a process needs that runs in another folder."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@contextmanager
def served(folder: Path, config: Mapping[str, Any]) -> Iterator[Served]:
    """A server of a configuration on a port of its own, ended if it still runs."""
    path = folder / "congresslite.yaml"
    whole = {"server": {"listen": "127.0.0.1:0"}, "log": {"level": "warning"}, **config}
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    command = [sys.executable, "-m", "congresslite", "serve", "--config", str(path)]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    try:
        found = next((match for line in process.stdout if (match := re.search(rb"http://([\d.]+:\d+)", line))), None)
        assert found is not None, (folder / "server.log").read_text(encoding="utf-8")
        yield Served(process, found[1].decode())
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
