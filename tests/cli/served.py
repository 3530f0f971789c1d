"""A real server for the command line to ask: an estate of files, or of pushed rows, behind a socket on loopback."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from congresslite.config.models import Config, LogSettings
from congresslite.live import Caller, LiveEstate, open_estate
from congresslite.server.app import create_app
from congresslite.server.tracing import configure_logs

# What the server tells must not get among the output of the commands that ask it.
configure_logs(LogSettings(level="error"))

PATIENCE = 60.0
ADMIN = Caller("root", "admin")
TOKENS = {role: f"{role}-token" for role in ("viewer", "author", "operator", "admin")}

POLICY = """\
policy nfv(description = "machines and their hosts").

@id("slow-disk") @severity("high") @object(vm) @message("{vm} runs on the {disk} host {host}")
error(vm, host) :- inv:vm(id=vm, host=host), inv:host(id=host, disk=disk), disk != "ssd", not spared(host).

warning(a, b) :- inv:vm(id=a, host=h), inv:vm(id=b, host=h), a < b.

load(h, sum(n)) :- inv:vm(host=h, vcpus=n).
full(h) :- load(h, n), n > 11.
spared(h) :- inv:host(id=h, rack="r9").
spared(h) :- inv:host(id=h, disk="tape") or inv:host(id=h, rack="r8").
"""
TABLES = {
    "vm": "id,host,vcpus\nvm1,h1,4\nvm2,h1,8\nvm3,h2,2\n\x1b[31mred,h1,1\n",
    "host": "id,disk,rack\nh1,hdd,r1\nh2,ssd,r2\nh3,hdd,r9\n",
}


# An inventory that is pushed, and a policy for it.
DEFINITION = """\
source: inv
tables:
  vm: {description: Machines, key: [id], columns: {id: str, host: str, n: int}}
  host: {description: Hosts, key: [id], columns: {id: str, site: str}}
"""
PUSHED_POLICY = """\
policy nfv(description = "machines and hosts").

@id("busy") @severity("high") @object(vm) @message("{vm} has {n}")
error(vm, n) :- inv:vm(id=vm, n=n), n > 2.

@id("lost") @severity("low") @object(vm) @message("{vm} is on {host}, which is not known")
warning(vm, host) :- inv:vm(id=vm, host=host), not known(host).

known(host) :- inv:host(id=host).
"""
VMS = [{"id": "a", "host": "h1", "n": 1}, {"id": "b", "host": "h2", "n": 3}, {"id": "c", "host": "h1", "n": 4}]


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    url: str
    estate: LiveEstate


def write_estate(folder: Path) -> Config:
    """An inventory and a policy in a folder, which both a command and a server can read, and the server's settings."""
    tables = folder / "inventory" / "inv"
    tables.mkdir(parents=True, exist_ok=True)
    for name, text in TABLES.items():
        (tables / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "nfv.dl").write_text(POLICY, encoding="utf-8")
    source = {"driver": "files", "folder": str(tables), "settle": 0, "look_every": 3600, "every": 3600, "lazy": False}
    settings: dict[str, Any] = {
        "state": str(folder / "state"),
        "policies": [str(folder / "nfv.dl")],
        "sources": {"inv": source},
        "console": {"enabled": False},
    }
    return Config.model_validate(settings)


def write_pushed(folder: Path) -> Config:
    """The settings of a server that is pushed to, has a folder of tables beside that, and wants a token."""
    (folder / "inv.yaml").write_text(DEFINITION, encoding="utf-8")
    (folder / "nfv.dl").write_text(PUSHED_POLICY, encoding="utf-8")
    (folder / "files").mkdir()
    (folder / "files" / "sites.csv").write_text("id,kind\nparis,core\n", encoding="utf-8")
    tokens = [
        {"name": role, "role": role, "sha256": hashlib.sha256(token.encode()).hexdigest()}
        for role, token in TOKENS.items()
    ]
    settings: dict[str, Any] = {
        "state": str(folder / "state"),
        "policies": [str(folder / "nfv.dl")],
        "sources": {
            "inv": {"driver": "push", "definition": str(folder / "inv.yaml")},
            "dc": {"driver": "files", "folder": str(folder / "files"), "settle": 0, "lazy": False},
        },
        "auth": {"required": True, "tokens": tokens},
        "console": {"enabled": False},
    }
    return Config.model_validate(settings)


@contextmanager
def running(config: Config) -> Iterator[LiveEstate]:
    """An estate, once it has pulled everything."""
    estate = open_estate(config)
    try:
        estate.start()
        wait(lambda: all(each.health == "fresh" for each in estate.sources()))
        yield estate
    finally:
        estate.stop()


@contextmanager
def serving(config: Config) -> Iterator[Server]:
    """A server over an estate."""
    with running(config) as estate, answering(estate, config) as url:
        yield Server(url, estate)


@contextmanager
def answering(estate: LiveEstate, config: Config) -> Iterator[str]:
    """The address of a server over an estate that runs already."""
    server = make_server("127.0.0.1", 0, create_app(estate, config), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        estate.close_streams()
        server.shutdown()
        thread.join()
        server.server_close()


def wait(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
