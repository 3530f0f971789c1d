"""The console of a real estate, behind the server's own guard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from congresslite.server.app import create_app
from congresslite.server.console.blueprint import HEADERS
from tests.server.conftest import TOKENS, bearer, config_of, fill, running, with_tokens

OURS = {"Origin": "http://localhost"}
PAGES = ("/", "/violations", "/tables", "/tables/inv:vm", "/tables/nfv:error", "/sources", "/policies", "/policies/nfv")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of a server that wants to know who asks."""
    yield from served(tmp_path_factory.mktemp("estate"), auth=with_tokens())


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of a server that only its own machine can connect to."""
    yield from served(tmp_path_factory.mktemp("estate"))


def served(folder: Path, **changes: object) -> Iterator[FlaskClient]:
    """A client of a server with some rows, and with the console."""
    config = config_of(folder, console={"enabled": True}, **changes)
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        fill(client, bearer("admin") if changes else None)
        yield client


def test_pages(trusting: FlaskClient) -> None:
    """Where the server trusts whoever can connect, every page is there, and one comes there from the front."""
    assert trusting.get("/").headers["Location"].startswith("/console")
    for address in PAGES:
        answer = trusting.get(f"/console{address}")
        assert answer.status_code == 200, address
        assert HEADERS.items() <= dict(answer.headers).items()


def test_violation(trusting: FlaskClient) -> None:
    """A violation is explained down to the rows that were pushed, with their age."""
    found = re.search(
        r"/console/violations/[0-9a-f]{32}", trusting.get("/console/violations?policy=nfv&text=c+has").text
    )
    assert found is not None
    page = trusting.get(found[0]).text
    assert "c has 4" in page
    assert re.search(r'inv:vm.*?<time datetime="[^"]*" title="[^"]*">', page, re.DOTALL)


ODD = (
    "/violations?cursor=junk",
    "/violations?cursor=%00",
    "/violations?text=%F0%9F%92%A9&object=%E2%80%AE&site=%27",
    "/tables/inv:vm?c.n=x%ff",
    "/tables/inv:vm?c.n=99999999999999999999999999",
    "/tables/inv:vm?c.n=nan&c.id=inf",
    "/tables/inv:vm?offset=99999999999999999999999999",
    "/policies/nfv?version=99999999999999999999999999",
)


@pytest.mark.parametrize("address", ODD)
def test_odd_parameters(trusting: FlaskClient, address: str) -> None:
    """What makes no sense is refused, and nothing breaks."""
    assert trusting.get(f"/console{address}").status_code in (200, 400, 404, 422)


def test_signing_in(client: FlaskClient) -> None:
    """A token of the configuration signs in; the cookie opens the console, and nothing of the REST API."""
    assert client.get("/console/").headers["Location"] == "/console/sign-in?next=/console/"
    wrong = client.post("/console/sign-in", data={"token": "wrong"}, headers=OURS)
    assert wrong.status_code == 401
    assert wrong.mimetype == "text/html"
    right = client.post("/console/sign-in", data={"token": TOKENS["viewer"]}, headers=OURS)
    assert right.status_code == 303
    for address in PAGES:
        assert client.get(f"/console{address}").status_code == 200, address
    for address in ("/v1/policies", "/v1/violations", "/v1/sources"):
        assert client.get(address).status_code == 401, address
