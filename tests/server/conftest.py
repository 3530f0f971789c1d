"""A real estate with a server before it: a source that is pushed to, one that is read from files, and policies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from congresslite.config.models import Config, LogSettings
from congresslite.live import LiveEstate, open_estate
from congresslite.server.app import create_app
from congresslite.server.tracing import configure_logs

configure_logs(LogSettings(level="warning"))

DEFINITION = """
source: inv
description: machines and hosts
tables:
  vm:
    description: Machines
    key: [id]
    owner: project
    columns:
      id: str
      host: {type: str, references: host.id}
      n: int
      project: {type: str, references: project.id}
  host:
    description: Hosts
    key: [id]
    columns: {id: str, site: str}
  project:
    description: Tenants
    key: [id]
    columns: {id: str}
"""

POLICY = """policy nfv(description = "machines and hosts").

@id("busy") @severity("high") @object(vm) @message("{vm} has {n}")
error(vm, n) :- inv:vm(id=vm, n=n), n > 2.

@id("lost") @severity("low") @object(vm) @message("{vm} is on {host}, which is not known")
warning(vm, host) :- inv:vm(id=vm, host=host), host != null, not known(host).

known(host) :- inv:host(id=host).
"""

TOKENS = {role: f"{role}-token" for role in ("viewer", "author", "operator", "admin")}


def config_of(folder: Path, **changes: Any) -> Config:
    """A configuration whose state is in a folder."""
    (folder / "inv.yaml").write_text(DEFINITION, encoding="utf-8")
    (folder / "nfv.dl").write_text(POLICY, encoding="utf-8")
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files" / "sites.csv").write_text("id,kind\nparis,core\n=lyon,edge\n", encoding="utf-8")
    settings: dict[str, Any] = {
        "state": str(folder / "state"),
        "policies": [str(folder / "nfv.dl")],
        "sources": {
            "inv": {"driver": "push", "definition": str(folder / "inv.yaml")},
            "dc": {"driver": "files", "folder": str(folder / "files"), "lazy": False},
        },
        "console": {"enabled": False},
    }
    return Config.model_validate({**settings, **changes})


def with_tokens(**more: Any) -> Mapping[str, Any]:
    """The part of a configuration that wants to know who asks: a token for each role."""
    tokens = [
        {"name": role, "role": role, "sha256": hashlib.sha256(token.encode()).hexdigest()}
        for role, token in TOKENS.items()
    ]
    sha256 = hashlib.sha256(b"tenant-token").hexdigest()
    tokens.append({"name": "tenant", "role": "admin", "tenant": "t1", "sha256": sha256})
    return {"required": True, "tokens": tokens, **more}


def bearer(role: str) -> dict[str, str]:
    """The headers of somebody with a role."""
    return {"Authorization": f"Bearer {TOKENS[role]}"}


VMS = [{"id": "a", "host": "h1", "n": 1}, {"id": "b", "host": "h2", "n": 3}, {"id": "c", "host": "h1", "n": 4}]


def fill(client: FlaskClient, headers: Mapping[str, str] | None = None) -> None:
    """Push some rows: `b` and `c` are busy, and the host of `b` is not known."""
    for table, rows in (("host", [{"id": "h1", "site": "paris"}]), ("vm", VMS)):
        response = client.put(f"/v1/sources/inv/tables/{table}/rows", json=rows, headers=headers)
        assert response.status_code == 200, response.get_data(as_text=True)


@contextmanager
def running(config: Config) -> Iterator[LiveEstate]:
    """An estate that runs until the end of the block."""
    estate = open_estate(config)
    try:
        estate.start()
        yield estate
    finally:
        estate.stop()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path)


@pytest.fixture
def estate(config: Config) -> Iterator[LiveEstate]:
    with running(config) as estate:
        yield estate


@pytest.fixture
def app(estate: LiveEstate, config: Config) -> Flask:
    return create_app(estate, config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    client = app.test_client()
    fill(client)
    return client


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of an estate that tests only read."""
    config = config_of(tmp_path_factory.mktemp("estate"))
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        fill(client)
        assert client.post("/v1/sources/dc:refresh").status_code == 200  # or else it is pulled some time
        yield client
