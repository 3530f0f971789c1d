"""Probes by SNMP, against a real agent on loopback."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from congresslite.sources.probes.measurement import Measurement
from congresslite.sources.probes.prober import Prober
from tests.sources.probing import measured, missing, probe, wait_for

UPTIME = "1.3.6.1.2.1.1.3.0"
NUMBER, TEXT, WORD, NOTHING, BIG = (f"1.3.6.1.4.1.8072.9999.{each}.0" for each in range(1, 6))
CONFIGURATION = f"""
rocommunity public 127.0.0.1
createUser watcher SHA-256 "auth-pass-1" AES "priv-pass-1"
createUser signer SHA "auth-pass-2"
rouser watcher priv
rouser signer auth
override {NUMBER} integer -7
override {TEXT} octet_str "0.25"
override {WORD} octet_str "fine"
override {BIG} uinteger 4294967295
"""


class Agent:
    """An snmpd of our own, with its state in a folder."""

    def __init__(self, folder: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = folder
        (folder / "snmpd.conf").write_text(CONFIGURATION)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, state: str) -> None:
        """Start it; whoever starts it with another state starts another agent at the same address."""
        program = shutil.which("snmpd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or missing("snmpd")
        command = [program, "-f", "-Lo", "-C", "-c", str(self._folder / "snmpd.conf"), f"udp:127.0.0.1:{self.port}"]
        environment = {"MIBS": "", "SNMP_PERSISTENT_DIR": str(self._folder / state)}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_for(lambda: measured(**self.asked(UPTIME), timeout=1).ok, "an answer of snmpd")

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
            self._process = None

    def asked(self, oid: str, **credentials: Any) -> dict[str, Any]:
        """The settings of a probe that asks it."""
        given = credentials or {"community": "public"}
        return {"type": "snmp", "address": "127.0.0.1", "port": self.port, "oid": oid, **given}


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A running agent."""
    made = Agent(tmp_path_factory.mktemp("snmpd"))
    made.start("state")
    yield made
    made.stop()


WATCHER = {"name": "watcher", "auth_key": "auth-pass-1", "privacy_key": "priv-pass-1"}


@pytest.mark.parametrize(
    ("oid", "expected"),
    [
        (NUMBER, Measurement(-7)),
        (f".{NUMBER}", Measurement(-7)),
        (TEXT, Measurement(0.25)),
        (BIG, Measurement(2**32 - 1)),
        (WORD, Measurement(None, f"`{WORD}` is no number")),
        (NOTHING, Measurement(None, f"the agent has no `{NOTHING}`")),
        ("1.3.6.1.2.1.1.2.0", Measurement(None, "`1.3.6.1.2.1.1.2.0` is no number")),
    ],
    ids=["an integer", "with a dot before", "a text", "a big one", "a word", "nothing there", "an identifier"],
)
def test_values(agent: Agent, oid: str, expected: Measurement) -> None:
    """Integers of all kinds, and texts that are numbers, are values; everything else is a fault that says so."""
    assert measured(**agent.asked(oid)) == expected


@pytest.mark.parametrize(
    "user",
    [WATCHER, {"name": "signer", "auth": "sha", "auth_key": "auth-pass-2"}],
    ids=["encrypted", "signed"],
)
def test_version_3(agent: Agent, user: dict[str, str]) -> None:
    """A user of version 3 gets the same answers."""
    assert measured(**agent.asked(NUMBER, user=user)) == Measurement(-7)


@pytest.mark.parametrize(
    "user",
    [
        {**WATCHER, "auth_key": "wrong-pass-1"},
        {**WATCHER, "privacy_key": "wrong-pass-1"},
        {**WATCHER, "name": "nobody"},
        {"name": "watcher"},
    ],
    ids=["wrong key", "wrong privacy key", "unknown user", "no keys"],
)
def test_version_3_refused(agent: Agent, user: dict[str, str]) -> None:
    """Credentials that are not right get a fault, and no key stands in it."""
    found = measured(**agent.asked(NUMBER, user=user), timeout=2)
    assert found.ran
    assert found.value is None
    assert found.fault is not None
    assert "pass-1" not in found.fault


def test_wrong_community(agent: Agent) -> None:
    """An agent does not answer whoever names a wrong community."""
    assert measured(**agent.asked(NUMBER, community="s3cret"), timeout=0.5) == Measurement(
        None, "no answer within 0.5 s"
    )


def test_nobody_there(agent: Agent) -> None:
    """Where there is no agent, the object is at fault."""
    found = measured(**{**agent.asked(NUMBER), "port": 1}, timeout=0.5)
    assert found.ran
    assert not found.ok


def test_unknown_name(agent: Agent) -> None:
    """A name that is not known tells nothing of an object."""
    found = measured(**{**agent.asked(NUMBER), "address": "nowhere.invalid"})
    assert not found.ran


@pytest.mark.parametrize("credentials", [{"community": "public"}, {"user": WATCHER}], ids=["version 2c", "version 3"])
def test_restart(tmp_path: Path, credentials: dict[str, Any]) -> None:
    """After its agent was restarted, or replaced by another, a probe is well again by the second time it asks."""
    agent = Agent(tmp_path)
    asked = probe(**agent.asked(NUMBER, **credentials), timeout=4)
    found: list[Measurement] = []

    async def ask() -> None:
        prober = Prober(None, snmp=True)
        for state in ("one", "one", "other"):
            await asyncio.to_thread(agent.start, state)
            found.append(await prober.measure(asked))
            if not found[-1].ok:
                found[-1] = await prober.measure(asked)
            await asyncio.to_thread(agent.stop)
        prober.close()

    try:
        asyncio.run(ask())
    finally:
        agent.stop()
    assert found == [Measurement(-7)] * 3


def test_many_at_once(agent: Agent) -> None:
    """Probes of one agent, by both versions and several users, do not get in each other's way."""
    users: list[dict[str, Any]] = [
        {"community": "public"},
        {"user": WATCHER},
        {"user": {**WATCHER, "auth_key": "wrong-pass-1"}},
    ]
    asked = [probe(**agent.asked(oid, **user)) for user in users for oid in (NUMBER, TEXT, BIG)]

    async def ask() -> list[Measurement]:
        prober = Prober(None, snmp=True)
        try:
            return list(await asyncio.gather(*map(prober.measure, asked)))
        finally:
            prober.close()

    found = asyncio.run(ask())
    values = [-7, 0.25, 2**32 - 1]
    assert [each.value for each in found] == [*values, *values, None, None, None]
    assert [each.ok for each in found] == [True] * 6 + [False] * 3
