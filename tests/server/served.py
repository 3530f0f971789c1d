"""A server as people start it: a process of its own on a free port, and event streams from it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.server.conftest import DEFINITION, POLICY

PATIENCE = 60


@dataclass
class Served:
    """A server that runs, and how to talk to it."""

    process: subprocess.Popen[str]
    url: str

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        try:
            kind = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), kind)
            response = connection.getresponse()
            raw = response.read()
            return response.status, json.loads(raw) if raw else None
        finally:
            connection.close()

    def push(self, *rows: dict[str, Any]) -> None:
        """Add machines."""
        status, told = self.ask("POST", "/v1/sources/inv/tables/vm/rows", {"upsert": rows})
        assert status == 200, told

    def end(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(sent)
        return self.process.wait(PATIENCE)


class Stream:
    """An event stream."""

    def __init__(self, served: Served, query: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)
        self._connection.request("GET", f"/v1/violations:watch{query}", headers=dict(headers or {}))
        self.response = self._connection.getresponse()
        self.status = self.response.status

    def lines(self) -> Iterator[str]:
        """Lines as they come, until the stream ends."""
        while line := self.response.readline():
            yield line.decode().rstrip("\n")

    def event(self) -> dict[str, str]:
        """The next event about violations; empty at the end of the stream."""
        event: dict[str, str] = {}
        for line in self.lines():
            if line == "" and event.get("event") in ("violations", "reload"):
                return event
            if line == "":
                event = {}
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                event[name] = value
        return {}

    def close(self) -> None:
        """Go away without a word."""
        self.response.close()
        self._connection.close()


def write_config(folder: Path, **changes: Any) -> Path:
    """A configuration file of an estate that is pushed to."""
    folder.mkdir(exist_ok=True)
    (folder / "inv.yaml").write_text(DEFINITION, encoding="utf-8")
    (folder / "nfv.dl").write_text(POLICY, encoding="utf-8")
    path = folder / "congresslite.yaml"
    settings = {
        "state": str(folder / "state"),
        "policies": ["nfv.dl"],
        "sources": {"inv": {"driver": "push", "definition": str(folder / "inv.yaml")}},
        "console": {"enabled": False},
        **changes,
    }
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def start(path: Path, *options: str) -> subprocess.Popen[str]:
    """Start a server, without waiting for it. Its log goes to a file: a pipe that nobody reads would hold it up."""
    command = [sys.executable, "-m", "congresslite", "serve", "--config", str(path), *options]
    with log_of(path).open("w") as log:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "NO_COLOR": "1"}
        )


def log_of(path: Path) -> Path:
    """The file with what a server told beside its results."""
    return path.with_suffix(".log")


@contextmanager
def serving(path: Path, *options: str) -> Iterator[Served]:
    """A server that answers, until the end of the block."""
    process = start(path, *(options or ("--listen", "127.0.0.1:0")))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("congresslite serves at "):
            process.wait(PATIENCE)
            raise AssertionError(f"it did not start: {line}{log_of(path).read_text()}")
        yield Served(process, line.split()[-1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


def failing(path: Path, *options: str) -> tuple[int, str]:
    """The exit code and what is told of a server that cannot start."""
    process = start(path, *options)
    try:
        process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return process.returncode, log_of(path).read_text(encoding="utf-8")
