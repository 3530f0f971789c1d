"""A RabbitMQ that a test starts, kills and starts again: a node of its own, on ports of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.waiting import missing

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START = 90.0  # seconds


def free_port() -> int:
    """A port that nobody listens on just now."""
    with closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with closing(socket.socket()) as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """A broker with nothing in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._distribution = free_port()
        self._epmd = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        name = f"tiers{self.port}@localhost"
        said = {
            "RABBITMQ_NODENAME": name,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq"),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "HOME": str(self._folder),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(SERVER)], env=os.environ | said, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + START
        while not listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"RabbitMQ did not start: {(self._folder / 'output').read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, with all that it started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def started(folder: Path) -> Iterator[Broker]:
    """A broker for one test. Skips where RabbitMQ is not installed; in CI that is a failure."""
    if not SERVER.exists() or shutil.which("erl") is None:
        missing("RabbitMQ is not installed")
    broker = Broker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
