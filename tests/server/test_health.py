"""The health of the manager itself, in the codes that tools of the field know."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from congresslite.live import LiveEstate
from congresslite.live.health import Esc
from congresslite.server.app import create_app
from tests.server.conftest import bearer, config_of, running, with_tokens
from tests.waiting import until


def asked(client: FlaskClient) -> tuple[str, str]:
    """The code and the message."""
    told = client.get("/health/esc")
    assert told.status_code == 200
    document = told.get_json()
    assert set(document) == {"status_code", "message"}
    return document["status_code"], document["message"]


@contextlib.contextmanager
def estate_of(folder: Path, **sources: Any) -> Iterator[tuple[LiveEstate, FlaskClient]]:
    """A running estate with these sources beside those of every test."""
    config = config_of(folder)
    settings = config.model_dump()
    settings["sources"] |= sources
    config = config_of(folder, sources=settings["sources"])
    with running(config) as estate:
        yield estate, create_app(estate, config).test_client()


def test_all_is_well(reader: FlaskClient) -> None:
    """While everything runs and is reached, there is one code for it."""
    until(lambda: asked(reader)[0] == "2000")
    assert asked(reader)[1] == "services are running"


@contextlib.contextmanager
def failing_service() -> Iterator[str]:
    """The address of a service that always fails."""

    class Failing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("source", "expected"), [("vnfm", "2000"), ("nova", "2020")], ids=["a VNFM", "a VIM"])
def test_what_is_not_reachable(tmp_path: Path, source: str, expected: str) -> None:
    """A service of a VIM that cannot be pulled is told by its name; another kind of source is none of a VIM's."""
    with failing_service() as url:
        rest = {"driver": "rest", "url": url, "retries": 0, "lazy": False}
        with estate_of(tmp_path, **{source: rest}) as (estate, client):
            until(lambda: any(feed.findings for each in estate.sources() if each.name == source for feed in each.feeds))
            code, message = asked(client)
            assert code == expected
            assert message.endswith(": `nova`") == (code == "2020")


def test_credentials_that_are_not_provided(tmp_path: Path) -> None:
    """A cloud that nobody has said how to log in to is told apart from one that does not answer."""
    (tmp_path / "clouds.yaml").write_text("clouds: {other: {}}", encoding="utf-8")
    nova = {"driver": "openstack", "cloud": "lab", "clouds": str(tmp_path / "clouds.yaml"), "lazy": False}
    with estate_of(tmp_path, nova=nova) as (_, client):
        until(lambda: asked(client)[0] == "2030")
        assert "`nova`" in asked(client)[1]


def test_what_does_not_run(tmp_path: Path) -> None:
    """A source that nobody looks at any more, monitoring that has ended, an engine that stops: the gravest first."""
    probe = {"object": "self", "metric": "up", "type": "tcp", "address": "127.0.0.1", "port": 9}
    monitor = {"driver": "monitor", "probes": [probe], "lazy": False}
    with estate_of(tmp_path, monitor=monitor) as (estate, client):
        until(lambda: asked(client)[0] == "2000")
        runner = estate._sources["dc"].runner
        assert runner is not None
        runner.stop()
        assert asked(client) == ("5040", "VIM drivers are not running: `dc`")
        runner = estate._sources["monitor"].runner
        assert runner is not None
        runner.stop()
        assert asked(client) == ("5030", "the monitoring is not running: `monitor`")
        estate.close_streams()
        assert asked(client) == ("5020", "the API is not running: it is stopping")
    assert asked(client) == ("5010", "the engine is not running: it is stopping")


def test_a_standby_that_is_expected(tmp_path: Path) -> None:
    """A leader that is to have a standby and sees none says so, together with what else is not reached."""

    class Lease:
        standbys: tuple[str, ...] = ()
        holds = True

        def held(self) -> bool:
            return self.holds

    lease = Lease()
    with failing_service() as url:
        nova = {"driver": "rest", "url": url, "retries": 0, "lazy": False}
        with estate_of(tmp_path, nova=nova) as (estate, client):
            until(lambda: asked(client)[0] == "2020")
            estate._lease = cast(Any, lease)
            estate._config = estate._config.model_copy(
                update={"standby": estate._config.standby.model_copy(update={"enabled": True})}
            )
            assert asked(client)[0] == "2100"
            lease.standbys = ("two",)
            assert asked(client)[0] == "2020"
            lease.holds = False
            assert asked(client)[0] == "5010"


def test_names_are_for_those_who_may_see_them(tmp_path: Path) -> None:
    """Who does not say who they are is told the code and what it means, and no names."""

    class Sick:
        def esc(self) -> Esc:
            return Esc.of("2020", "`nova`")

    client = create_app(cast(LiveEstate, Sick()), config_of(tmp_path, auth=with_tokens())).test_client()
    assert client.get("/health/esc").get_json() == {
        "status_code": "2020", "message": "services are running; one or more VIMs are not reachable",
    }  # fmt: skip
    assert client.get("/health/esc", headers=bearer("viewer")).get_json()["message"].endswith(": `nova`")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_is_only_read(reader: FlaskClient, method: str) -> None:
    """There is nothing to change at it."""
    assert reader.open("/health/esc", method=method).status_code == 405
