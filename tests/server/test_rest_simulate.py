"""Simulation over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from congresslite.server.app import create_app
from tests.server.conftest import bearer, config_of, fill, running, with_tokens
from tests.waiting import until

ACTIONS = """policy actions.
inv:vm-(id=v) :- nova:delete(v).
dc:sites-(id=s) :- close(s), dc:sites(id=s).
"""


@pytest.fixture
def acting(client: FlaskClient) -> FlaskClient:
    """A client of an estate whose policies say what actions do."""
    assert client.put("/v1/policies/actions", json={"text": ACTIONS}).status_code == 201
    until(lambda: client.get("/v1/tables/dc:sites").get_json()["health"] == "fresh")
    return client


def open_violations(client: FlaskClient) -> list[dict[str, Any]]:
    """The open violations, but for when they were seen last, which is now if nothing changes."""
    return [{**each, "last_seen": None} for each in client.get("/v1/violations").get_json()["items"]]


def test_steps_are_simulated(acting: FlaskClient) -> None:
    """Each step is told with its rows and violations, and nothing has changed afterwards."""
    steps = ['nova:delete("c")', 'inv:host+("h2", "lyon")', 'nova:rebuild("a")', 'nova:delete("c")']
    before = open_violations(acting)
    told = acting.post("/v1/simulate", json={"steps": steps}).get_json()
    results = [part["result"] for step in told["steps"] for part in step["parts"]]
    assert results == ["done", "done", "no_effect_model", "nothing"]
    assert {each["object"] for each in told["violations"]["resolved"]} == {"b", "c"}
    assert {each["code"] for each in told["findings"]} == {"CL316", "CL317"}
    assert told["undetermined"] == []
    assert open_violations(acting) == before


def test_what_only_effects_read_is_pulled(tmp_path: Path) -> None:
    """A table that an effect reads, and no rule, is pulled as others are."""
    config = config_of(tmp_path)
    config.sources["dc"] = config.sources["dc"].model_copy(update={"lazy": True})
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        assert client.get("/v1/tables/dc:sites").get_json()["health"] == "lazy"
        client.put("/v1/policies/actions", json={"text": ACTIONS})
        until(lambda: client.get("/v1/tables/dc:sites").get_json()["health"] == "fresh")
        told = client.post("/v1/simulate", json={"steps": ['close("paris")']}).get_json()
        assert [part["result"] for part in told["steps"][0]["parts"]] == ["done"]


def test_wrong_steps_are_refused_with_their_places(acting: FlaskClient) -> None:
    """Every one of them is told."""
    refused = acting.post("/v1/simulate", json={"steps": ["nova:delete(c)", 'inv:vms-(id="a")']})
    assert refused.status_code == 422
    found = [(each["code"], each["file"], each["column"]) for each in refused.get_json()["findings"]]
    assert found == [("CL311", "step 1", 13), ("CL312", "step 2", 1)]


@pytest.mark.parametrize("body", [{}, {"steps": []}, {"steps": [""]}, {"steps": "x"}, {"steps": ["x(1)"], "limit": 0}])
def test_a_request_that_makes_no_sense_is_refused(acting: FlaskClient, body: dict[str, Any]) -> None:
    """It is told where it is wrong."""
    assert acting.post("/v1/simulate", json=body).status_code == 422


def test_who_may_simulate(tmp_path: Path) -> None:
    """Authors may; a viewer may not, nor whoever sees one tenant alone."""
    config = config_of(tmp_path, auth=with_tokens())
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        fill(client, bearer("admin"))
        body = {"steps": ['inv:vm-(id="a")']}
        assert client.post("/v1/simulate", json=body, headers=bearer("author")).status_code == 200
        assert client.post("/v1/simulate", json=body, headers=bearer("viewer")).status_code == 403
        tenant = {"Authorization": "Bearer tenant-token"}
        assert client.post("/v1/simulate", json=body, headers=tenant).status_code == 403
