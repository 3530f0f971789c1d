"""Names of sources: none is that of a policy or means something else, and a change that fails leaves nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from congresslite.diagnostics import Diagnostic, PolicyError
from congresslite.live import LiveEstate, open_estate
from congresslite.server.app import create_app
from congresslite.store.errors import AwayError
from tests.server.conftest import config_of, running

PUSHED = """
source: more
tables:
  t:
    key: [id]
    columns: {id: str}
"""


@pytest.fixture
def pushed(tmp_path: Path) -> dict[str, Any]:
    """Settings of a source with one table."""
    path = tmp_path / "more.yaml"
    path.write_text(PUSHED, encoding="utf-8")
    return {"driver": "push", "definition": str(path)}


def names(client: FlaskClient) -> list[str]:
    return [each["name"] for each in client.get("/v1/sources").get_json()["items"]]


@pytest.mark.parametrize(
    ("name", "code"),
    [("nfv", "CL131"), ("builtin", "CL131"), ("conflict", "CL301")],
    ids=["policy", "builtin", "conflict"],
)
def test_a_name_that_is_taken(client: FlaskClient, pushed: dict[str, Any], name: str, code: str) -> None:
    """A source cannot have the name of a policy, nor one with a meaning; nothing is left of the attempt."""
    refused = client.post("/v1/sources", json={"name": name, "settings": pushed})
    assert (refused.status_code, refused.get_json()["code"]) == (422, code)
    assert names(client) == ["dc", "inv"]
    assert client.get(f"/v1/sources/{name}").status_code == 404
    assert client.put("/v1/policies/other", json={"text": "policy other. error(v) :- inv:vm(v)."}).status_code == 201


@pytest.mark.parametrize("name", ["lifecycle", "enforcement"])
def test_a_source_of_the_engine_itself(client: FlaskClient, pushed: dict[str, Any], name: str) -> None:
    """The sources that the engine fills itself are neither replaced nor removed, whatever version is named."""
    match = {"If-Match": f'"{name}-0"'}
    assert client.put(f"/v1/sources/{name}", json={"settings": pushed}, headers=match).status_code == 409
    assert client.delete(f"/v1/sources/{name}", headers=match).status_code == 409
    assert client.get(f"/v1/tables/{name}:{'action' if name == 'enforcement' else 'stage'}").status_code == 200


def test_one_name_for_two(client: FlaskClient, pushed: dict[str, Any]) -> None:
    """Of a policy and a source that come at the same time with one name, one is refused."""
    for number in range(5):
        name = f"both{number}"
        told: list[int] = []
        start = threading.Barrier(2)

        def ask(
            method: str, path: str, body: dict[str, Any], told: list[int] = told, start: threading.Barrier = start
        ) -> None:
            start.wait()
            told.append(client.application.test_client().open(path, method=method, json=body).status_code)

        threads = [
            threading.Thread(target=ask, args=("PUT", f"/v1/policies/{name}", {"text": f"policy {name}. p(1)."})),
            threading.Thread(target=ask, args=("PUT", f"/v1/sources/{name}", {"settings": pushed})),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told) == [201, 422]


def test_a_policy_named_like_a_source(client: FlaskClient, tmp_path: Path, pushed: dict[str, Any]) -> None:
    """A policy cannot have the name of a source, nor can both stand in the configuration."""
    assert client.post("/v1/sources", json={"name": "more", "settings": pushed}).status_code == 201
    refused = client.put("/v1/policies/more", json={"text": "policy more. p(1)."})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "CL131")
    folder = tmp_path / "other"
    folder.mkdir()
    with pytest.raises(PolicyError, match="CL131"):
        open_estate(config_of(folder, sources={"inv": pushed | {"definition": "inv.yaml"}, "nfv": pushed}), folder)
    with pytest.raises(PolicyError, match="CL131"):
        open_estate(config_of(folder, policies=[], sources={"builtin": pushed}), folder)


def test_a_change_that_is_not_stored(
    estate: LiveEstate, client: FlaskClient, pushed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the store fails, a source is not there that was to be added, and is as it was if it was to change or go."""
    away = AwayError(Diagnostic("CL481", "the database cannot be reached: at db"))

    def fails(*given: object, **named: object) -> None:
        raise away

    etag = client.post("/v1/sources", json={"name": "more", "settings": pushed}).headers["ETag"]
    rows = "/v1/sources/more/tables/t/rows"
    assert client.put(rows, json=[{"id": "x"}]).status_code == 200
    with monkeypatch.context() as patched:
        patched.setattr(estate._store.sources, "put", fails)
        patched.setattr(estate._store.sources, "remove", fails)
        assert client.post("/v1/sources", json={"name": "new", "settings": pushed}).status_code == 503
        match = {"If-Match": etag}
        assert client.put("/v1/sources/more", json={"settings": pushed}, headers=match).status_code == 503
        assert client.delete("/v1/sources/more", headers=match).status_code == 503
    assert names(client) == ["dc", "inv", "more"]
    assert client.get("/v1/tables/more:t/rows").get_json()["items"] == [["x"]]
    assert client.post(rows, json={"upsert": [{"id": "y"}]}).status_code == 200
    assert client.post("/v1/sources", json={"name": "new", "settings": pushed}).status_code == 201
    assert client.delete("/v1/sources/more", headers=match).status_code == 204
    assert names(client) == ["dc", "inv", "new"]


def test_a_change_that_a_policy_forbids(client: FlaskClient, tmp_path: Path, pushed: dict[str, Any]) -> None:
    """A table that a policy reads neither goes nor becomes another, and keeps its rows; other settings are taken."""
    etag = client.post("/v1/sources", json={"name": "more", "settings": pushed}).headers["ETag"]
    client.put("/v1/sources/more/tables/t/rows", json=[{"id": "x"}])
    client.put("/v1/policies/reads", json={"text": "policy reads. error(v) :- more:t(v)."})
    match = {"If-Match": etag}
    other = tmp_path / "other.yaml"
    other.write_text(PUSHED.replace("id: str", "id: any"), encoding="utf-8")
    changed = {**pushed, "definition": str(other)}
    assert client.put("/v1/sources/more", json={"settings": changed}, headers=match).status_code == 422
    assert client.delete("/v1/sources/more", headers=match).status_code == 422
    changed = {**pushed, "max_rows": 5}
    assert client.put("/v1/sources/more", json={"settings": changed}, headers=match).status_code == 200
    assert client.get("/v1/tables/more:t/rows").get_json()["items"] == [["x"]]


def test_a_source_that_is_added_anew(tmp_path: Path, pushed: dict[str, Any]) -> None:
    """A source that was removed takes its rows with it: added anew it has none, after a restart neither."""
    config = config_of(tmp_path)
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        etag = client.post("/v1/sources", json={"name": "more", "settings": pushed}).headers["ETag"]
        client.put("/v1/sources/more/tables/t/rows", json=[{"id": "x"}])
        assert client.delete("/v1/sources/more", headers={"If-Match": etag}).status_code == 204
        assert client.post("/v1/sources", json={"name": "more", "settings": pushed}).status_code == 201
        assert client.get("/v1/tables/more:t/rows").get_json()["items"] == []
        assert list((tmp_path / "state" / "pushed").glob("more*")) == []
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        assert client.get("/v1/tables/more:t/rows").get_json()["items"] == []
