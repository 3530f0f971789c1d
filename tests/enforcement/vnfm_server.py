"""
A small VNF manager that speaks SOL003 over HTTP, keeps a book of what it does, and misbehaves as it is told to.

    python -m tests.enforcement.vnfm_server --port 0 --state FILE --instances vnf-1,vnf-2

prints its port. FILE is its book (see `vnfm_book.done`); begun again with the same file, it knows everything it did.
POST /control changes how it behaves (the fields of `Behaviour`), GET /control tells what it has. A fault, such as
`{"on": "POST .*/scale$", "do": "error", "when": "after"}`, holds for the next request that it fits.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.enforcement.vnfm_book import Book, told

OPERATIONS = {
    "instantiate": "INSTANTIATE", "terminate": "TERMINATE", "scale": "SCALE", "scale_to_level": "SCALE_TO_LEVEL",
    "heal": "HEAL", "operate": "OPERATE", "change_flavour": "CHANGE_FLAVOUR", "change_ext_conn": "CHANGE_EXT_CONN",
}  # fmt: skip
PATH = re.compile(r"/vnflcm/(v[12])/(api_versions|vnf_instances|vnf_lcm_op_occs)(?:/([^/]+))?(?:/(\w+))?")


@dataclass
class Behaviour:
    """How it behaves; each field can be set over /control."""

    # Each: `on` (a pattern of "METHOD PATH"), `do` (slow, error, cut, silent, truncate), `when` (before or after it is
    # done), `status`, `seconds`, `times`.
    faults: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.05  # that an operation takes
    ends: list[str] = field(default_factory=list)  # the states that the next ones end in; COMPLETED after these
    delay: float = 0.0  # until a retry or rollback that was accepted begins
    echo: str = "all"  # see `vnfm_book.told`
    page: int = 0  # operations on one page; 0: all
    location: str = "elsewhere"  # what `Location` says: an address of its own network, a path, or none
    without: list[str] = field(default_factory=list)  # tasks that it does not have
    strict: bool = False  # it refuses parameters that no VNFD declares
    token: str = ""  # that a request has to bear
    ahead: float = 0.0  # of its clock


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, detail: str) -> Reply:
    """An error as SOL003 tells it."""
    return Reply(status, {"status": status, "title": "Refused", "detail": detail})


class VnfmServer(ThreadingHTTPServer):
    """The running VNF manager."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, book: Path) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.book = Book(book)
        self.behaviour = Behaviour()
        self.closing = threading.Event()
        self.asked: list[str] = []  # "METHOD PATH" of each request
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def make(self, id_: str, *, instantiated: bool = True) -> None:
        """An instance, unless it is there already."""
        if id_ not in self.book.instances:
            self.book.make({"vnfInstanceName": id_, "vnfdId": "vnfd"}, id_)
            if instantiated:
                self.book.begin(id_, "INSTANTIATE", {"flavourId": "simple"}, 0.0, "COMPLETED")

    def fault(self, request: str, when: str) -> dict[str, Any] | None:
        """The fault for a request, at most as often as it is to happen."""
        with self._lock:
            for each in self.behaviour.faults:
                if each.get("times", 1) > 0 and each.get("when", "before") == when and re.search(each["on"], request):
                    each["times"] = each.get("times", 1) - 1
                    return each
        return None

    def behave(self, **changes: Any) -> None:
        """Change how it behaves. Raises TypeError for what it does not know."""
        for name, value in changes.items():
            if name not in {each.name for each in fields(Behaviour)}:
                raise TypeError(name)
            setattr(self.behaviour, name, value)
        self.book.ahead = self.behaviour.ahead

    def state(self) -> dict[str, Any]:
        """All that it has."""
        book = self.book
        return {
            "instances": {each: book.instance(each) for each in book.instances},
            "operations": [told(each, book.now(), "all") for each in list(book.operations.values())],
            "asked": list(self.asked),
        }

    # -- SOL003 ------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: Any) -> Reply:
        """What it does and says."""
        path = urlsplit(target).path
        found = PATH.fullmatch(path)
        if self.behaviour.token and headers.get("Authorization") != f"Bearer {self.behaviour.token}":
            return problem(401, "who are you?")
        if found is None or found[4] in self.behaviour.without:
            return Reply(404, "<html>404 Not Found</html>")
        version, kind, id_, task = found.groups()
        if kind == "api_versions":
            return Reply(200, {"uriPrefix": f"/vnflcm/{version}", "apiVersions": [{"version": "2.0.0"}]})
        if not (headers.get("Version") or "").startswith(version[1]):
            return problem(400, "the header Version is missing")
        with self.book.lock:
            if kind == "vnf_instances":
                return self._instances(method, id_, task, body, version)
            return self._occurrences(method, id_, task, target)

    def _instances(self, method: str, id_: str | None, task: str | None, body: Any, version: str) -> Reply:
        if method == "POST" and id_ is None:
            made = self.book.make(body)
            return Reply(201, self.book.instance(made))
        if id_ not in self.book.instances:
            return problem(404, f"VnfInstance {id_} not found.")
        if method == "GET":
            return Reply(200, self.book.instance(id_))
        if task not in OPERATIONS:
            return Reply(404, "<html>404 Not Found</html>")
        blocking = self.book.blocking(id_)
        if blocking is not None:
            return problem(409, "another operation is in progress")
        if (self.book.instance(id_)["instantiationState"] == "INSTANTIATED") == (task == "instantiate"):
            return problem(409, "the instance is in another state")
        if self.behaviour.strict and body.get("additionalParams"):
            return problem(400, "the VNFD declares no such parameter")
        end = self.behaviour.ends.pop(0) if self.behaviour.ends else "COMPLETED"
        made = self.book.begin(id_, OPERATIONS[task], body, self.behaviour.seconds, end)
        where = f"/vnflcm/{version}/vnf_lcm_op_occs/{made}"
        places = {"elsewhere": f"http://vnfm.internal:9890{where}", "path": where}
        location = places.get(self.behaviour.location)
        return Reply(202, None, {} if location is None else {"Location": location})

    def _occurrences(self, method: str, id_: str | None, task: str | None, target: str) -> Reply:
        now, echo = self.book.now(), self.behaviour.echo
        if id_ is None:
            return self._listed(target)
        operation = self.book.operations.get(id_)
        if operation is None:
            return problem(404, f"VnfLcmOpOcc {id_} not found.")
        if method == "GET":
            return Reply(200, told(operation, now, echo))
        if operation.state(now)[0] != "FAILED_TEMP":
            return problem(409, f"VnfLcmOpOcc {id_} is not FAILED_TEMP.")
        if task == "fail":
            self.book.go_on(id_, "FAILED", 0.0, "FAILED")
            return Reply(200, told(operation, self.book.now(), echo))
        during, default = ("ROLLING_BACK", "ROLLED_BACK") if task == "rollback" else ("PROCESSING", "COMPLETED")
        end = self.behaviour.ends.pop(0) if self.behaviour.ends else default
        self.book.go_on(id_, during, self.behaviour.seconds, end, self.behaviour.delay)
        return Reply(202)

    def _listed(self, target: str) -> Reply:
        query = parse_qs(urlsplit(target).query, keep_blank_values=True)
        wanted = re.fullmatch(r"\(eq,vnfInstanceId,'?(.*?)'?\)", query.get("filter", [""])[0])
        if wanted is None or "all_fields" not in query:
            return problem(400, "the filter is not understood")
        listed = sorted(
            (each for each in self.book.operations.values() if each.vnf == wanted[1]), key=lambda each: each.id
        )
        after = query.get("nextpage_opaque_marker", [""])[0]
        rest = [each for each in listed if each.id > after]
        size = self.behaviour.page or len(rest)
        page, more = rest[:size], rest[size:]
        headers = {}
        if more:
            base = target.partition("&nextpage_opaque_marker")[0]
            headers["Link"] = f'<{self.url}{base}&nextpage_opaque_marker={page[-1].id}>;rel="next"'
        return Reply(200, [told(each, self.book.now(), self.behaviour.echo) for each in page], headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: VnfmServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.server.behaviour.ahead, usegmt=True)

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else None
        if urlsplit(self.path).path == "/control":
            self.server.behave(**(body or {}))
            self._say(Reply(200, self.server.state()))
            return
        request = f"{self.command} {urlsplit(self.path).path}"
        self.server.asked.append(request)
        if self._misbehaves(self.server.fault(request, "before")):
            return
        reply = self.server.answer(self.command, self.path, dict(self.headers), body)
        if not self._misbehaves(self.server.fault(request, "after"), reply):
            self._say(reply)

    def _misbehaves(self, fault: Mapping[str, Any] | None, reply: Reply | None = None) -> bool:
        """Whether no answer is to follow."""
        match fault and fault["do"]:
            case None:
                return False
            case "slow":
                self.server.closing.wait(fault.get("seconds", 1.0) if fault else 0)
                return False
            case "silent":
                self.server.closing.wait(fault.get("seconds", 3600.0) if fault else 0)
            case "error":
                self._say(problem(fault.get("status", 500) if fault else 500, "something went wrong"))
                return True
            case "truncate" if reply is not None:
                self._say(reply, short=True)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        return True

    def _say(self, reply: Reply, *, short: bool = False) -> None:
        text = reply.body if isinstance(reply.body, str) else "" if reply.body is None else json.dumps(reply.body)
        raw = text.encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if isinstance(reply.body, str) else "application/json")
        self.send_header("Content-Length", str(len(raw) + (100 if short else 0)))
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def serving(book: Path, port: int = 0) -> Iterator[VnfmServer]:
    """A VNF manager in a thread of this process."""
    server = VnfmServer(port, book)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
        server.book.close()


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--instances", default="", help="ids of instances to have, instantiated")
    given = parser.parse_args()
    server = VnfmServer(given.port, given.state)
    for each in filter(None, given.instances.split(",")):
        server.make(each)
    # `shutdown` waits for the loop, which runs in this very thread: end it by an exception instead.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
