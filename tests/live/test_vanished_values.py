"""Values that vanish: null in truth is taken, a path of replies that leads nowhere any more is not."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from congresslite.config.models import Config
from congresslite.diagnostics import SourceError
from congresslite.live import LiveEstate
from congresslite.store.records import ViolationFilter
from tests.live.estates import ADMIN, opened
from tests.opening import stopped_afterwards
from tests.waiting import until

Open = Callable[[Config], LiveEstate]

DEFINITION = """\
source: lab
replies: {nodes: {path: /nodes}}
tables:
  node:
    from: nodes
    rows: nodes[]
    key: [id]
    columns: {id: str, room: {path: place.room, type: str}}
"""


@pytest.fixture
def open_() -> Iterator[Open]:
    yield from stopped_afterwards(opened)


def config_of(base: Path, policy: str, **source: Any) -> Config:
    """A configuration with the source `s` and one policy."""
    (base / "p.dl").write_text(f"policy p. {policy}", encoding="utf-8")
    sources = {"s": {"every": 0.2, "deadline": 20, **source}}
    return Config.model_validate({"state": base / "state", "policies": [base / "p.dl"], "sources": sources})


def found(estate: LiveEstate) -> set[tuple[Any, ...]]:
    """The rows of open violations."""
    return {each.row for each in estate.violations(ADMIN, ViolationFilter()).items}


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve_page(port: int = 0) -> ThreadingHTTPServer:
    """A server of an empty page."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Page)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def end(server: ThreadingHTTPServer) -> None:
    """Let nothing listen there any more."""
    server.shutdown()
    server.server_close()


def probes(port: int) -> list[Mapping[str, Any]]:
    """Two probes of one object."""
    common = {"object": "web1", "every": 0.2, "timeout": 0.2, "threshold": {"true_after": 2, "false_after": 1}}
    return [
        {"type": "tcp", "metric": "port", "address": "127.0.0.1", "port": port, **common},
        {"type": "http", "metric": "page", "url": f"http://127.0.0.1:{port}/", **common},
    ]


def test_a_total_outage_and_its_end_are_seen(open_: Open, tmp_path: Path) -> None:
    """All objects that are probed may fail together, and come back together: that is what a monitor is for."""
    server = serve_page()
    port = int(server.server_address[1])
    policy = '@object(o) error(o, m) :- s:state(object=o, metric=m, state="true").'
    estate = open_(config_of(tmp_path, policy, driver="monitor", every=30, probes=probes(port)))
    until(lambda: len(estate.rows(ADMIN, "s:state").rows) == 2)
    end(server)
    until(lambda: found(estate) == {("web1", "port"), ("web1", "page")})
    assert estate.undetermined() == ()
    server = serve_page(port)
    try:
        until(lambda: found(estate) == set())
        assert estate.undetermined() == ()
    finally:
        end(server)


def test_null_in_every_row_of_a_database_is_taken(open_: Open, tmp_path: Path) -> None:
    """What a database says is what it is, also if a column that always had a value has none any more."""
    with closing(sqlite3.connect(tmp_path / "cm.db")) as database:
        database.execute("CREATE TABLE racks (id TEXT PRIMARY KEY, room TEXT)")
        database.execute("INSERT INTO racks VALUES ('r1', 'a'), ('r2', 'b')")
        database.commit()
        racks = {"query": "SELECT id, room FROM racks", "key": ["id"], "columns": {"id": "str", "room": "str"}}
        settings = {"driver": "sql", "url": f"sqlite:///{tmp_path / 'cm.db'}", "tables": {"racks": racks}}
        config = config_of(tmp_path, "error(r) :- s:racks(id=r, room=null).", **settings)
        estate = open_(config)
        until(lambda: len(estate.rows(ADMIN, "s:racks").rows) == 2)
        database.execute("UPDATE racks SET room = NULL")
        database.commit()
    until(lambda: found(estate) == {("r1",), ("r2",)})
    assert estate.undetermined() == ()


def test_a_path_that_leads_nowhere_any_more_waits_for_somebody(open_: Open, tmp_path: Path) -> None:
    """Replies that lost a member are not taken, after a restart neither, until somebody says that it is true."""
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "lab.yaml").write_text(DEFINITION, encoding="utf-8")
    (folder / "_source.yaml").write_text("definition: lab.yaml", encoding="utf-8")

    def reply(member: str) -> None:
        nodes = [{"id": id_, "place": {member: "a"}} for id_ in ("n1", "n2")]
        (folder / "draft").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
        (folder / "draft").replace(folder / "nodes.json")

    reply("room")
    settings = {"driver": "files", "folder": str(folder), "settle": 0}
    config = config_of(tmp_path, "error(n) :- s:node(id=n, room=null).", **settings)
    estate = opened(config)
    until(lambda: len(estate.rows(ADMIN, "s:node").rows) == 2)
    reply("chamber")
    until(lambda: [each.health for each in estate.undetermined()] == ["stale"])
    estate.stop()
    estate = open_(config)
    with pytest.raises(SourceError) as raised:
        estate.refresh(ADMIN, "s")
    assert [each.code for each in raised.value.diagnostics] == ["CL572"]
    assert found(estate) == set()
    estate.refresh(ADMIN, "s", accept_empty=True)
    assert found(estate) == {("n1",), ("n2",)}
    until(lambda: estate.undetermined() == ())
