"""
A small cloud over HTTP: as much of Keystone, Nova and Cinder as an executor asks for, with a memory of what it did.

Nova writes a record of each action within the request, and ends it at once, or when `hold` is over; `skew` is by how
much its clock is ahead. What the real services do is shown by the tests on a control plane; this one is there for what
those cannot be made to do in seconds.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import yaml

USER, PROJECT = "a" * 32, "b" * 32
ENDS = {  # what an action is called in the body of a request and in Nova's records, and what it leads to
    "os-stop": ("stop", "SHUTOFF"),
    "os-start": ("start", "ACTIVE"),
    "pause": ("pause", "PAUSED"),
    "unpause": ("unpause", "ACTIVE"),
    "suspend": ("suspend", "SUSPENDED"),
    "resume": ("resume", "ACTIVE"),
    "reboot": ("reboot", "ACTIVE"),
    "rebuild": ("rebuild", "ACTIVE"),
    "resize": ("resize", "VERIFY_RESIZE"),
    "migrate": ("migrate", "VERIFY_RESIZE"),
    "confirmResize": ("confirmResize", "ACTIVE"),
    "os-migrateLive": ("live-migration", "ACTIVE"),
}


@dataclass
class Cloud:
    """What the cloud has, and how it behaves."""

    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[tuple[str, str]] = field(default_factory=list)  # what was asked for: the object, and the action
    keys: list[str] = field(default_factory=list)  # that requests brought with them
    refuse: tuple[int, str] | None = None  # the next change
    skew: float = 0.0
    hold: bool = False  # actions stay under way
    fail: str = ""  # why actions fail
    moves: str = "completed"  # how live migrations end
    moved: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def server(self, name: str, status: str = "ACTIVE", **more: Any) -> str:
        """A server that is there."""
        self.servers[name] = {
            "id": name,
            "status": status,
            "OS-EXT-STS:task_state": None,
            "OS-EXT-SRV-ATTR:host": "h1",
            "flavor": {"id": "f1"},
            "image": {"id": "i1"},
            "os-extended-volumes:volumes_attached": [],
            **more,
        }
        return name

    def record(self, server: str, action: str, ago: float = 0.0, user: str = USER, **more: Any) -> str:
        """A record of Nova's."""
        name = f"req-{uuid4()}"
        at = datetime.fromtimestamp(time.time() + self.skew - ago, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000")
        told = {"action": action, "instance_uuid": server, "request_id": name, "user_id": user, "start_time": at}
        self.records.append({**told, "events": [], **more})
        return name

    def end(self, request: str) -> None:
        """Let an action come to its end."""
        record = next(each for each in self.records if each["request_id"] == request)
        server = self.servers.get(record["instance_uuid"], {})
        result = {"result": "Error", "details": self.fail} if self.fail else {"result": "Success"}
        record["events"] = [{"event": f"compute_{record['action']}", "start_time": "1", "finish_time": "2", **result}]
        server["OS-EXT-STS:task_state"] = None
        if not self.fail:
            server.update(record.get("leads", {}))

    # -- what is asked -----------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of an answer."""
        parts, query = urlsplit(path), parse_qs(urlsplit(path).query)
        words = parts.path.strip("/").split("/")
        if len(words) < 2:
            return 404, None, {}
        if method == "GET" and words[1] == "servers":
            return self._look(words[2:])
        if method == "GET" and words[1] == "os-migrations":
            return 200, {"migrations": self.moved}, {}
        if words[1] == "volumes":
            return self._volume(method, words[2:], body, query)
        return self._change(method, words[2:], body)

    def _look(self, words: list[str]) -> tuple[int, Any, dict[str, str]]:
        name = words[0] if words else ""
        mine = [each for each in self.records if each["instance_uuid"] == name]
        if len(words) == 2:
            return 200, {"instanceActions": [{**each, "events": None} for each in reversed(mine)]}, {}
        if len(words) == 3:
            found = next((each for each in mine if each["request_id"] == words[2]), None)
            return (404, None, {}) if found is None else (200, {"instanceAction": found}, {})
        if not words:
            return 200, {"servers": []}, {}
        return (200, {"server": self.servers[name]}, {}) if name in self.servers else (404, None, {})

    def _change(self, method: str, words: list[str], body: Any) -> tuple[int, Any, dict[str, str]]:
        name, server = words[0], self.servers.get(words[0])
        if server is None:
            return _refusal(404, "no such server")
        if method == "DELETE" and len(words) == 1:
            del self.servers[name]
            self.done.append((name, "delete"))
            return 204, None, {}
        if server["OS-EXT-STS:task_state"] is not None:
            return _refusal(409, "it is busy")
        asked = next(iter(body)) if isinstance(body, dict) else ""
        record, status = ENDS[asked]
        leads: dict[str, Any] = {"status": status}
        if asked == "resize":
            leads["flavor"] = {"id": body["resize"]["flavorRef"]}
        if asked in ("migrate", "os-migrateLive"):
            leads["OS-EXT-SRV-ATTR:host"] = "h2"
            at = datetime.fromtimestamp(time.time() + self.skew, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self.moved.append({"status": self.moves, "created_at": at})
        if asked == "os-migrateLive" and self.moves != "completed":
            del leads["OS-EXT-SRV-ATTR:host"]
        server["OS-EXT-STS:task_state"] = "at-it"
        request = self.record(name, record, leads=leads)
        self.done.append((name, record))
        if not self.hold:
            self.end(request)
        return 202, None, {"X-OpenStack-Request-ID": request}

    def _volume(self, method: str, words: list[str], body: Any, query: Any) -> tuple[int, Any, dict[str, str]]:
        if method == "POST":
            name = str(uuid4())
            told = body["volume"]
            self.volumes[name] = {
                "id": name,
                "status": "available",
                "size": 1,
                **told,
                "os-vol-tenant-attr:tenant_id": PROJECT,
            }
            self.done.append((told["name"], "create"))
            return 202, {"volume": self.volumes[name]}, {}
        if words == ["detail"]:
            wanted = [each for each in self.volumes.values() if each.get("name") in query.get("name", [])]
            after = [each["id"] for each in wanted].index(query["marker"][0]) + 1 if "marker" in query else 0
            page = wanted[after : after + 2]  # small pages, as somebody may have set them
            more = {"volumes_links": [{"rel": "next"}]} if after + 2 < len(wanted) else {}
            return 200, {"volumes": page, **more}, {}
        found = self.volumes.get(words[0])
        return _refusal(404, "no such volume") if found is None else (200, {"volume": found}, {})


def _refusal(status: int, message: str) -> tuple[int, Any, dict[str, str]]:
    return status, {"refusal": {"code": status, "message": message}}, {}


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # many come at once


class Serving:
    """The cloud, on a port of this machine."""

    def __init__(self) -> None:
        self.cloud = cloud = Cloud()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._do("GET")

            def do_POST(self) -> None:
                self._do("POST")

            def do_DELETE(self) -> None:
                self._do("DELETE")

            def _do(self, method: str) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(raw) if raw else None
                with cloud.lock:
                    status, told, headers = self._told(method, body)
                data = b"" if told is None else json.dumps(told).encode()
                self.send_response_only(status)
                ahead = {"Date": formatdate(time.time() + cloud.skew, usegmt=True)}
                for name, value in {
                    **ahead,
                    **headers,
                    "Content-Length": str(len(data)),
                    "Connection": "close",
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def _told(self, method: str, body: Any) -> tuple[int, Any, dict[str, str]]:
                if self.path.startswith("/v3/auth/tokens"):
                    return 201, _token(self.headers["Host"]), {"X-Subject-Token": f"secret-{uuid4()}"}
                if method != "GET":
                    cloud.keys.append(self.headers.get("X-OpenStack-Request-ID", ""))
                    if cloud.refuse is not None:
                        (status, message), cloud.refuse = cloud.refuse, None
                        return _refusal(status, re.sub("TOKEN", self.headers["X-Auth-Token"], message))
                return cloud.answer(method, self.path, body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def clouds(self, folder: Path) -> Path:
        """A clouds.yaml for it, with the same names of clouds as a control plane has."""
        auth = {
            "auth_url": f"http://127.0.0.1:{self.port}/v3", "username": "u", "password": "hush", "project_name": "p",
            "user_domain_name": "Default", "project_domain_name": "Default",
        }  # fmt: skip
        path = folder / "served.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"lab-admin": {"auth": auth, "region_name": "R"}}}), encoding="utf-8")
        return path


def _token(host: str) -> dict[str, Any]:
    def service(kind: str, path: str) -> dict[str, Any]:
        endpoint = {"interface": "public", "region_id": "R", "region": "R", "url": f"http://{host}/{path}", "id": kind}
        return {"type": kind, "name": kind, "id": kind, "endpoints": [endpoint]}

    now = time.time()
    issued, expires = (
        datetime.fromtimestamp(each, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z") for each in (now, now + 3600)
    )
    return {
        "token": {
            "methods": ["password"], "issued_at": issued, "expires_at": expires,
            "user": {"id": USER, "name": "u", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": PROJECT, "name": "p", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "1", "name": "admin"}],
            "catalog": [service("compute", "compute"), service("volumev3", "volume")],
        }
    }  # fmt: skip
