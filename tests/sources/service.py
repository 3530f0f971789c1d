"""A real HTTP service on loopback whose answers are scripted, and what tests ask of it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests.structures import CaseInsensitiveDict

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources import load_definition
from congresslite.sources.driver import Deadline
from congresslite.sources.drivers.rest import RestDriver, Settings, open_driver


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The last value of each parameter."""
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.target).query, True).items()}


@dataclass(frozen=True)
class Say:
    """An answer: a body of bytes as it is, anything else as JSON. `raw` writes to the line by itself."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[Any], None] | None = None


Script = Callable[[Asked], Say]


class Service:
    """A running service."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, CaseInsensitiveDict(self.headers.items()), body)
                service.asked.append(asked)
                say = service.script(asked)
                if say.raw is not None:
                    self.close_connection = True
                    say.raw(self.wfile)
                    return
                data = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
                data = b"" if say.status in (204, 304) else data
                self.send_response(say.status)
                for name, value in {"Content-Type": "application/json", **say.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 (the names that http.server asks for)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # whoever asked hung up, as many tests want it

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "http" if tls is None else "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """The address of the service."""
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    def paths(self) -> list[str]:
        """What was asked for, in its order."""
        return [each.target for each in self.asked]

    def close(self) -> None:
        """Stop, and let those go who wait for `closing`."""
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@contextmanager
def service(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Service]:
    """A service that answers as the script says."""
    running = Service(script, tls)
    try:
        yield running
    finally:
        running.close()


BOXES = """
tables:
  boxes: {description: Boxes, from: boxes, rows: boxes, key: [id], columns: {id: str, size: int}}
"""


@contextmanager
def driver(url: str | None, folder: Path, definition: str, **settings: Any) -> Iterator[RestDriver]:
    """A driver `lab` of a service with a definition of this text."""
    path = folder / "lab.yaml"
    path.write_text("source: lab\n" + definition, encoding="utf-8")
    made = open_driver("lab", Settings.model_validate({"url": url, "retries": 0, **settings}), load_definition(path))
    try:
        yield made
    finally:
        made.close()


def rows(table: Any) -> list[tuple[Any, ...]]:
    """The rows of a table, sorted."""
    names = [each.name for each in table.schema.columns]
    columns = table.columns(names)
    lists = [values if isinstance(values, list) else values.to_pylist() for values in map(columns.get, names)]
    return sorted(zip(*lists, strict=True), key=repr)


def failure(lab: RestDriver, *keys: str, within: float = 10, feed: str = "boxes") -> Diagnostic:
    """What is told when a pull fails, of everything or of these objects."""
    with pytest.raises(SourceError) as caught:
        if keys:
            lab.pull_some(feed, keys, Deadline.after(within))
        else:
            lab.pull(feed, Deadline.after(within))
    return caught.value.diagnostics[0]
