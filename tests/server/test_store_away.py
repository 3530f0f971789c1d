"""A database of the state that is away: whoever asks is to come again, and is not told where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient

from congresslite.server.app import create_app
from tests.databases import SERVER, emptied, postgresql
from tests.server.conftest import VMS, config_of, fill, running
from tests.waiting import until

__all__ = ["postgresql"]
ROWS = "/v1/sources/inv/tables/vm/rows"


@pytest.fixture
def database(postgresql: str) -> str:
    """The URL of an empty database."""
    return emptied(postgresql)


@pytest.fixture
def client(database: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A client of an estate whose state is in that database."""
    config = config_of(tmp_path, database={"url": database}, console={"enabled": True})
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        fill(client)
        yield client


@contextmanager
def away(url: str) -> Iterator[None]:
    """Within it, nobody can use a database."""
    name = url.rpartition("/")[2]
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            cut(server, name)
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def cut(server: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """End the sessions of a database."""
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def test_questions_and_changes_while_it_is_away(client: FlaskClient, database: str) -> None:
    """What needs the database is answered with 503 and when to come again, and later it is as if nothing had been."""
    asked = [
        ("GET", "/v1/violations", None),
        ("GET", "/v1/waivers", None),
        ("GET", "/v1/policies", None),
        ("POST", ROWS, {"upsert": [{"id": "d", "n": 9}]}),
        ("PUT", "/v1/policies/new", {"text": "policy new. p(1)."}),
        ("PUT", "/v1/sources/inv/tables/host/rows", [{"id": "h1", "site": "paris"}, {"id": "h3", "site": "lyon"}]),
    ]
    with away(database):
        for method, path, body in asked:
            response = client.open(path, method=method, json=body)
            told = response.get_json()
            assert (response.status_code, response.headers["Retry-After"]) == (503, "5"), told
            assert told["code"] in ("CL481", "CL488")
            for secret in ("127.0.0.1", "postgres", database.rpartition("/")[2]):
                assert secret not in response.get_data(as_text=True)
        page = client.get("/console/violations")
        assert page.status_code == 503
        assert "127.0.0.1" not in page.get_data(as_text=True)
    until(lambda: client.open(ROWS, method="POST", json=asked[3][2]).status_code == 200)
    rows = client.get("/v1/tables/inv:vm/rows").get_json()["items"]
    assert {row[0] for row in rows} == {*(each["id"] for each in VMS), "d"}
    assert client.get("/v1/violations").status_code == 200


def test_health_while_it_is_away(client: FlaskClient, database: str) -> None:
    """The process lives, is not ready, and says so in its code, until the database is back; metrics go on."""
    text = client.get("/metrics").get_data(as_text=True)
    assert "congresslite_ready 1.0" in text
    assert "congresslite_waivers" in text
    with away(database):
        assert client.get("/v1/violations").status_code == 503
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.headers["Retry-After"]) == (503, "5")
        assert ready.get_json()["detail"] == "not ready to answer: its database does not answer"
        esc = {"status_code": "5010", "message": "the engine is not running: its database does not answer"}
        assert client.get("/health/esc").get_json() == esc
        metrics = client.get("/metrics")
        assert metrics.status_code == 200
        assert "congresslite_ready 0.0" in metrics.get_data(as_text=True)
        assert "congresslite_waivers" not in metrics.get_data(as_text=True)
        assert "congresslite_source_feeds" in metrics.get_data(as_text=True)
    until(lambda: client.get("/health/ready").status_code == 200)
    assert client.get("/health/esc").get_json()["status_code"] == "2000"


def test_sessions_that_are_ended(client: FlaskClient, database: str) -> None:
    """A push whose session was ended is refused for the moment, never for good, and goes through when repeated."""
    statuses = []

    def pushed(number: int) -> bool:
        body = {"upsert": [{"id": "e", "n": number}]}
        statuses.append(client.post(ROWS, json=body).status_code)
        return statuses[-1] == 200

    with psycopg.connect(SERVER, autocommit=True) as server:
        for number in range(3):
            cut(server, database.rpartition("/")[2])
            until(partial(pushed, number))
    assert set(statuses) == {200, 503}
