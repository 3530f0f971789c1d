#!/usr/bin/env python3
"""
Services of the control plane: processes that outlive whoever starts them, found again by what was recorded.

A process is ours only if its id and its time of birth are those on record, so
that an id which the system gave away again is never signalled. Each service is
a process group of its own; what it leaves behind goes with it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE = 20.0  # seconds for a service to end by itself


def _stat(process: int) -> tuple[str, int, str] | None:
    """State, process group and time of birth of a process; None if there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold anything; what follows the last bracket is fields.
    fields = text.rpartition(") ")[2].split()
    return fields[0], int(fields[2]), fields[19]


def _born(process: int) -> str | None:
    """When a process was born; None if it is not there, or is dead and only not yet collected."""
    stat = _stat(process)
    return None if stat is None or stat[0] == "Z" else stat[2]


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its name, in a state folder with `run` (what is recorded) and `log`."""

    state: Path
    name: str

    @property
    def log(self) -> Path:
        """What the service prints."""
        return self.state / "log" / f"{self.name}.out"

    @property
    def _record(self) -> Path:
        return self.state / "run" / f"{self.name}.pid"

    @property
    def _command(self) -> Path:
        return self.state / "run" / f"{self.name}.command"

    def process(self) -> int | None:
        """The id of the running process; None if the service is down."""
        try:
            recorded, born = self._record.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        return int(recorded) if _born(int(recorded)) == born else None

    def start(self, command: Sequence[str] = ()) -> bool:
        """Start the service unless it runs; without a command, as it was started before. Whether it was started."""
        if self.process() is not None:
            return False
        environment = dict(os.environ)
        if command:
            # The environment may hold a password, so nobody else may read it.
            self._command.touch(mode=0o600)
            self._command.write_text(json.dumps([list(command), environment]), encoding="utf-8")
        else:
            command, environment = json.loads(self._command.read_text(encoding="utf-8"))
        with self.log.open("ab") as out:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
            )
        self._record.write_text(f"{started.pid} {_born(started.pid)}", encoding="ascii")
        started.returncode = 0  # it is to outlive us: nobody waits for it
        return True

    def wait(self, port: int, seconds: float) -> None:
        """Wait until the service listens. Raises TimeoutError if it dies or takes too long."""

        def settled() -> bool:
            return _listens(port) or self.process() is None

        _until(settled, seconds)
        if not _listens(port):
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
            raise TimeoutError("\n".join([f"{self.name} does not listen on port {port}; its last lines:", *lines]))

    def ask_to_stop(self) -> int | None:
        """Tell the service to end; the id of its process if it ran."""
        process = self.process()
        if process is not None:
            os.kill(process, signal.SIGTERM)
        return process

    def stop(self, process: int, seconds: float = GRACE) -> None:
        """Wait until a service that was asked to stop is gone, and end by force what is left of it."""
        _until(lambda: self.process() is None, seconds)
        self._end_group(process)

    def kill(self) -> bool:
        """End the service and all its processes at once, as a crash would. Whether it ran."""
        process = self.process()
        if process is None:
            return False
        self._end_group(process)
        return _until(lambda: self.process() is None, GRACE)

    def _end_group(self, group: int) -> None:
        """Kill what is left of a group; its number is not given away again while any process is in it."""
        members = (_stat(int(each.name)) for each in Path("/proc").iterdir() if each.name.isdigit())
        if any(stat is not None and stat[0] != "Z" and stat[1] == group for stat in members):
            os.killpg(group, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """Do what the command line says with services."""
    parser = argparse.ArgumentParser(description="start, stop and find services of the control plane")
    parser.add_argument("state", type=Path, help="the folder with `run` and `log`")
    actions = parser.add_subparsers(dest="action", required=True)
    start = actions.add_parser("start", help="start a service unless it runs; without a command, as before")
    start.add_argument("name")
    start.add_argument("command", nargs=argparse.REMAINDER)
    wait = actions.add_parser("wait", help="wait until a service listens on a port")
    wait.add_argument("name")
    wait.add_argument("port", type=int)
    wait.add_argument("seconds", type=float)
    for action, text in (("stop", "end services, all at once"), ("kill", "end services as a crash would")):
        actions.add_parser(action, help=text).add_argument("names", nargs="+")
    alive = actions.add_parser("alive", help="succeed if the service runs")
    alive.add_argument("name")
    given = parser.parse_args()
    match given.action:
        case "start":
            if Service(given.state, given.name).start(given.command):
                sys.stdout.write(f"started {given.name}\n")
        case "wait":
            try:
                Service(given.state, given.name).wait(given.port, given.seconds)
            except TimeoutError as late:
                sys.exit(str(late))
        case "stop":
            asked = [(each, each.ask_to_stop()) for each in (Service(given.state, name) for name in given.names)]
            for service, process in asked:
                if process is not None:
                    service.stop(process)
                    sys.stdout.write(f"stopped {service.name}\n")
        case "kill":
            for name in given.names:
                if Service(given.state, name).kill():
                    sys.stdout.write(f"killed {name}\n")
        case "alive":
            sys.exit(Service(given.state, given.name).process() is None)


if __name__ == "__main__":
    main()
