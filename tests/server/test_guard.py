"""What every request passes: names and origins, hostile bodies, the audit, the log, and metrics."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from congresslite.config.models import LogSettings
from congresslite.live import LiveEstate
from congresslite.server.app import create_app
from congresslite.server.tracing import configure_logs
from tests.server.conftest import TOKENS, bearer, config_of, fill, running, with_tokens


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged while a test runs."""
    out = io.StringIO()
    configure_logs(LogSettings(level="debug"), out)
    yield out
    configure_logs(LogSettings(level="warning"))


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """The lines of a log."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


# -- where a request comes from ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8181", 200), ("127.0.0.1:8181", 200), ("[::1]:8181", 200), ("127.9.9.9", 200),
        ("estate.localhost", 200), ("estate.example.net", 200), ("ESTATE.example.net:80", 200),
        ("evil.example.net", 403),
        ("localhost.evil.example.net", 403), ("192.0.2.1", 403), ("127.0.0.1.nip.example", 403),
        ("0", 403), ("[::]", 403), ("evil.example.net@localhost", 403), ("", 403), ("local host", 403), ("[", 403),
    ],
)  # fmt: skip
def test_hosts(host: str, status: int, tmp_path: Path) -> None:
    """A server that asks nobody who they are answers only to names of this machine, and those it is given."""
    config = config_of(tmp_path, server={"hosts": ["estate.example.net"]})
    client = create_app(cast(LiveEstate, object()), config).test_client()
    assert client.get("/health/live", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_origins(reader: FlaskClient, headers: dict[str, str], status: int) -> None:
    """A page of another site changes nothing; it may not even ask by a method that could change something."""
    assert reader.post("/v1/queries", json={"query": "inv:vm(v)"}, headers=headers).status_code == status
    assert reader.get("/v1/whoami", headers=headers).status_code == 200


def test_headers_that_keep_browsers_in_check(reader: FlaskClient) -> None:
    """No answer can be framed, taken for a page, kept, or read by another site."""
    for path in ("/v1/policies", "/nothing", "/health/live"):
        headers = reader.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers
        assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Trace-Id"])


# -- hostile requests ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "CL551"),
        (b"{", "application/json", 400, "CL551"),
        (b"[]", "application/json", 422, "CL550"),
        (b"null", "application/json", 422, "CL550"),
        (b'"text"', "application/json", 422, "CL550"),
        (b'{"query": 5}', "application/json", 422, "CL550"),
        (b'{"query": null}', "application/json", 422, "CL550"),
        (b'{"query": "inv:vm(v)", "limit": 1e400}', "application/json", 422, "CL550"),
        (b'{"query": "inv:vm(v)", "limit": true}', "application/json", 422, "CL550"),
        (b'{"query": "inv:vm(v)", "limit": NaN}', "application/json", 400, "CL551"),
        (b'{"query": "inv:vm(v)", "limit": ' + b"9" * 10_000 + b"}", "application/json", 400, "CL551"),
        (b'{"query": "\xff\xfe"}', "application/json", 400, "CL551"),
        (b'{"query": "\\ud800"}', "application/json", 400, "CL551"),
        (b'{"query": "\\u0000"}', "application/json", 400, "CL551"),
        (b'{"\\ud800": 1}', "application/json", 400, "CL551"),
        (b"[" * 100_000, "application/json", 400, "CL551"),
        (b'{"query": ' + b"[" * 70 + b"]" * 70 + b"}", "application/json", 400, "CL551"),
        (b'{"query": "' + b"x" * 900_000 + b'"}', "application/json", 422, "CL550"),
        (b'{"query": "' + b"x" * 2_000_000 + b'"}', "application/json", 413, "CL552"),
        (b'{"query": "inv:vm(v)"}', "text/plain", 415, "CL553"),
        (b"query=inv:vm(v)", "application/x-www-form-urlencoded", 415, "CL553"),
        (b'{"query": "' + b"(" * 50_000 + b'"}', "application/json", 422, None),
        ('{"query": "\u202e\u0661"}'.encode(), "application/json", 422, None),
        (b"\x00\x01\x02", "application/octet-stream", 415, "CL553"),
    ],
)  # fmt: skip
def test_hostile_bodies(reader: FlaskClient, body: bytes, kind: str, status: int, code: str | None) -> None:
    """Whatever is sent, the answer is a problem document that says what is wrong with it."""
    response = reader.post("/v1/queries", data=body, content_type=kind)
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == "application/problem+json"
    assert code in (None, response.get_json()["code"])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/policies/%00", "/v1/policies/a%00b", "/v1/violations?object=%00", "/v1/violations?text=a%00",
        "/v1/violations?" + "&".join(["policy=x"] * 1002),
    ],
)  # fmt: skip
def test_hostile_addresses(reader: FlaskClient, path: str) -> None:
    """An address that no database could look for is refused before one is asked."""
    assert reader.get(path).status_code == 400


@pytest.mark.parametrize("name", ["%ff", "%ed%a0%80", "..", "%2e%2e%2f", "%F0%9F%92%A5", "a" * 3000, "%E2%80%AE"])
def test_strange_names(reader: FlaskClient, name: str) -> None:
    """A strange name is the name of nothing."""
    for kind in ("policies", "tables", "sources", "violations"):
        assert reader.get(f"/v1/{kind}/{name}").status_code in (308, 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/v1/violations", 405), ("PATCH", "/v1/policies/nfv", 405), ("POST", "/health/live", 405),
        ("GET", "/v1", 404), ("GET", "/v1/", 404), ("GET", "/v2/policies", 404), ("PROPFIND", "/v1/policies", 405),
        ("GET", "/v1/policies/", 404), ("GET", "/static/x", 404), ("GET", "/docs", 404), ("GET", "/redoc", 404),
    ],
)  # fmt: skip
def test_what_is_not_there(reader: FlaskClient, method: str, path: str, status: int) -> None:
    """What is not there, or not for this method, is told as a problem too."""
    response = reader.open(path, method=method)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert (status == 405) == ("Allow" in response.headers)


def test_an_internal_error(reader: FlaskClient, tmp_path: Path, log: io.StringIO) -> None:
    """Of an error of our own, the answer tells the trace id alone, and the log the rest without values of variables."""

    class Broken:
        def policies(self) -> None:
            secret = "hunter2"  # noqa: S105
            raise RuntimeError(f"of {len(secret)} characters")

    client = create_app(cast(LiveEstate, Broken()), config_of(tmp_path)).test_client()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    response = client.get("/v1/policies", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    told = response.get_json()
    assert (response.status_code, told["code"], told["trace_id"]) == (500, "CL565", trace)
    assert "RuntimeError" not in response.get_data(as_text=True)
    error = next(line for line in lines(log) if line["level"] == "error")
    assert error["trace_id"] == trace
    assert "RuntimeError: of 7 characters" in error["exception"]
    assert "hunter2" not in log.getvalue().replace('secret = \\"hunter2\\"', "")


# -- the audit -----------------------------------------------------------------------------------


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Callable[[], FlaskClient]]:
    """Clients of a server that wants to know who asks."""
    config = config_of(tmp_path, auth=with_tokens())
    with running(config) as estate:
        app: Flask = create_app(estate, config)
        fill(app.test_client(), bearer("operator"))
        yield app.test_client


def test_every_change_is_audited(closed: Callable[[], FlaskClient]) -> None:
    """Who changed what is on record, done or refused; who only looked, or is unknown, is not."""
    client = closed()
    text = 'policy more(description = "more"). @id("any") warning(v) :- inv:vm(id=v).'
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    traced = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    client.put("/v1/policies/more", json={"text": text}, headers={**bearer("author"), **traced})
    client.put("/v1/policies/more", json={"text": "wrong"}, headers={**bearer("author"), "If-Match": "*"})
    client.delete("/v1/policies/more", headers=bearer("viewer"))
    client.delete("/v1/policies/more")
    client.get("/v1/policies/more", headers=bearer("viewer"))
    settings = {"driver": "rest", "url": "http://127.0.0.1:9/", "auth": {"kind": "bearer", "token": "hunter2"}}
    client.post("/v1/sources", json={"name": "cmdb", "settings": settings}, headers=bearer("admin"))
    waiver = {"owner": "ann", "reason": "moving", "expires": "2999-01-01", "policy": "nfv"}
    granted = client.post("/v1/waivers", json=waiver, headers=bearer("operator")).get_json()["id"]
    assert client.get("/v1/audit", headers=bearer("operator")).status_code == 403
    page = client.get("/v1/audit?limit=4", headers=bearer("admin")).get_json()
    rest = client.get(f"/v1/audit?limit=4&cursor={page['next']}", headers=bearer("admin")).get_json()
    found = [*page["items"], *rest["items"]]
    assert [(each["actor"], each["action"], each["target"], each["outcome"]) for each in reversed(found)] == [
        ("operator", "rows.replace", "inv.host", "done"),
        ("operator", "rows.replace", "inv.vm", "done"),
        ("author", "policy.put", "more", "done"),
        ("author", "policy.put", "more", "refused"),
        ("viewer", "policy.remove", "more", "refused"),
        ("admin", "source.put", "cmdb", found[1]["outcome"]),
        ("operator", "waiver.add", granted, "done"),
    ]
    assert rest["next"] is None
    assert next(each for each in found if each["target"] == "more" and each["outcome"] == "done")["request"] == trace
    assert "hunter2" not in json.dumps(found)


def test_a_change_that_cannot_be_audited(closed: Callable[[], FlaskClient], monkeypatch: pytest.MonkeyPatch) -> None:
    """A change without a record does not look like a success."""

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(LiveEstate, "audit", broken)
    response = closed().put("/v1/sources/inv/tables/vm/rows", json=[], headers=bearer("operator"))
    assert (response.status_code, response.get_json()["code"]) == (500, "CL565")


# -- tenants -------------------------------------------------------------------------------------


def test_a_tenant_sees_its_own(closed: Callable[[], FlaskClient]) -> None:
    """Whoever is bound to a tenant sees its objects alone, whatever the role, and asks nothing that ranges over all."""
    client, tenant = closed(), {"Authorization": "Bearer tenant-token"}
    rows = [{"id": "mine", "n": 9, "project": "t1"}, {"id": "theirs", "n": 9, "project": "t2"}]
    changed = client.post("/v1/sources/inv/tables/vm/rows", json={"upsert": rows}, headers=bearer("operator"))
    assert changed.status_code == 200
    assert client.get("/v1/whoami", headers=tenant).get_json()["tenant"] == "t1"
    found = client.get("/v1/violations", headers=tenant).get_json()["items"]
    assert [each["object"] for each in found] == ["mine"]
    other = client.get("/v1/violations?object=theirs", headers=bearer("viewer")).get_json()["items"][0]["id"]
    assert client.get(f"/v1/violations/{other}?explain=true", headers=tenant).status_code == 404
    assert [row[0] for row in client.get("/v1/tables/inv:vm/rows", headers=tenant).get_json()["items"]] == ["mine"]
    assert client.get("/v1/tables/inv:host", headers=tenant).status_code == 404
    assert "theirs" not in client.get("/v1/tables/inv:vm/rows?format=csv", headers=tenant).get_data(as_text=True)
    for path, body in (
        ("queries", {"query": "inv:vm(v)"}),
        ("why", {"atom": "inv:vm(v)"}),
        ("why-not", {"atom": "x:y(v)"}),
    ):
        response = client.post(f"/v1/{path}", json=body, headers=tenant)
        assert (response.status_code, response.get_json()["code"]) == (403, "CL557")


# -- the log and metrics -------------------------------------------------------------------------


def test_one_line_for_each_request(closed: Callable[[], FlaskClient], log: io.StringIO) -> None:
    """A line says who did what to which kind of thing and how it ended, and holds no secret and no name of a thing."""
    client = closed()
    client.get("/v1/violations?object=secret-vm", headers=bearer("viewer"))
    client.get("/v1/policies/secret-policy", headers=bearer("viewer"))
    client.get("/secret-path?token=hunter2", headers={"Authorization": "Bearer hunter2", "Cookie": "s=hunter2"})
    client.post("/v1/queries", json={"query": "hunter2"}, headers={"Authorization": "Bearer hunter2"})
    told = [line for line in lines(log) if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"], line["actor"]) for line in told] == [
        ("GET", "/v1/violations", 200, "viewer"),
        ("GET", "/v1/policies/<name>", 404, "viewer"),
        ("other", "none", 404, None),
        ("POST", "/v1/queries", 401, None),
    ]
    assert all(line["ms"] >= 0 and re.fullmatch("[0-9a-f]{32}", line["trace_id"]) for line in told)
    for secret in ("hunter2", "secret-", *TOKENS.values()):
        assert secret not in log.getvalue()


def test_what_is_named_like_a_secret_is_masked(log: io.StringIO) -> None:
    """Should anybody log a secret by its name, it is blanked; libraries log in the same form."""
    import structlog

    structlog.get_logger("congresslite.x").info("hello", **{"password": "hunter2", "api_key": "hunter2"}, name="ann")
    logging.getLogger("urllib3").warning("retrying %s", "now")
    first, second = lines(log)
    assert (first["password"], first["api_key"], first["name"]) == ("***", "***", "ann")
    assert (second["event"], second["logger"]) == ("retrying now", "urllib3")
    assert "hunter2" not in log.getvalue()


@pytest.mark.parametrize(
    "given",
    ["", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-" + "g" * 32 + "-00f067aa0ba902b7-01",
     "00-" + "A" * 32 + "-00f067aa0ba902b7-01", "ff-" + "a" * 32 + "-00f067aa0ba902b7-01"],
)  # fmt: skip
def test_trace_ids_that_are_none(reader: FlaskClient, given: str) -> None:
    """A trace id that is none is replaced by a new one."""
    found = reader.get("/health/live", headers=Headers({"traceparent": given})).headers["X-Trace-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", found)
    assert found not in given


def test_metrics(reader: FlaskClient) -> None:
    """Prometheus is told what is open, how current sources are, and how requests fare, by names and never by ids."""
    reader.get("/v1/violations/" + "0" * 32)
    text = reader.get("/metrics").get_data(as_text=True)
    assert 'congresslite_violations{mode="warn",policy="nfv",severity="high",state="open"} 2.0' in text
    assert re.search(r'congresslite_source_last_sync_timestamp_seconds\{source="dc"\} 1\.\d+e\+09', text)
    assert 'congresslite_waivers{state="active"} 0.0' in text
    assert 'congresslite_build_info{version="' in text
    assert "congresslite_evaluation_duration_seconds " in text
    assert 'congresslite_http_requests_total{method="GET",route="/v1/violations/<id>",status="404"}' in text
    assert not re.search(r"[0-9a-f]{32}", text)


def test_readiness(reader: FlaskClient, tmp_path: Path) -> None:
    """A server that cannot answer says so; why, only to those who may see the estate."""
    assert reader.get("/health/ready").get_json()["status"] == "ready"

    class Stopping:
        def ready(self) -> tuple[bool, str]:
            return False, "it is stopping"

    open_one = create_app(cast(LiveEstate, Stopping()), config_of(tmp_path)).test_client()
    told = open_one.get("/health/ready")
    assert (told.status_code, told.get_json()["detail"]) == (503, "not ready to answer: it is stopping")
    guarded = create_app(cast(LiveEstate, Stopping()), config_of(tmp_path, auth=with_tokens())).test_client()
    told = guarded.get("/health/ready")
    assert (told.status_code, told.get_json()["detail"]) == (503, "not ready to answer")
    assert guarded.get("/health/live").status_code == 200


def test_the_console_has_a_door_of_its_own(reader: FlaskClient, tmp_path: Path) -> None:
    """The console is there unless it is switched off, and closed where callers have to say who they are."""
    config = config_of(tmp_path, auth=with_tokens(), console={"enabled": True})
    client = create_app(cast(LiveEstate, object()), config).test_client()
    assert client.get("/").headers["Location"] == "/console/"
    shut = client.get("/console/")
    assert shut.status_code == 303
    assert "/console/sign-in" in shut.headers["Location"]
    assert client.get("/v1/policies", headers={"Cookie": "congresslite_console=x"}).status_code == 401
    assert reader.get("/").status_code == reader.get("/console/").status_code == 404
