"""Sources and pushing over REST."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient


def test_sources_and_how_current_they_are(client: FlaskClient) -> None:
    """Each source tells its health, and pulling now waits for the rows."""
    assert client.post("/v1/sources/dc:refresh", json={"feed": None}).status_code == 200
    found = {each["name"]: each for each in client.get("/v1/sources").get_json()["items"]}
    assert (found["dc"]["driver"], found["dc"]["managed"], found["dc"]["health"]) == ("files", "file", "fresh")
    assert found["inv"]["driver"] == "push"
    tables = client.get("/v1/sources/inv/schema").get_json()["items"]
    assert [each["name"] for each in tables] == ["inv:host", "inv:project", "inv:vm"]
    for path in ("/v1/sources/none", "/v1/sources/none/schema", "/v1/sources/none/hooks/x"):
        assert client.get(path).status_code == 404
    assert client.post("/v1/sources/none:refresh").status_code == 404
    assert client.post("/v1/sources/dc:refresh", json={"feed": "none"}).status_code == 404


def test_a_source_from_its_addition_to_its_removal(client: FlaskClient, tmp_path: Path) -> None:
    """A source is added, read, replaced and removed; its secrets are never shown."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "t.csv").write_text("id\nx\n")
    settings = {"driver": "files", "folder": str(folder), "every": "1h"}
    added = client.post("/v1/sources", json={"name": "more", "settings": settings})
    assert added.status_code == 201, added.get_data(as_text=True)
    etag = added.headers["ETag"]
    assert added.get_json()["managed"] == "api"
    assert client.get("/v1/tables/more:t/rows").get_json()["items"] == [["x"]]
    assert client.post("/v1/sources", json={"name": "more", "settings": settings}).status_code == 428
    replaced = client.put(
        "/v1/sources/more", json={"settings": {**settings, "every": "2h"}}, headers={"If-Match": etag}
    )
    assert replaced.status_code == 200
    assert client.delete("/v1/sources/more", headers={"If-Match": etag}).status_code == 412
    wrong = client.put("/v1/sources/other", json={"settings": {"driver": "fils"}})
    assert wrong.status_code == 422
    assert client.delete("/v1/sources/more", headers={"If-Match": replaced.headers["ETag"]}).status_code == 204
    assert client.get("/v1/sources/more").status_code == 404
    by_file = client.get("/v1/sources/dc").headers["ETag"]
    assert client.delete("/v1/sources/dc", headers={"If-Match": by_file}).status_code == 409


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps([{"id": "x", "n": 5}, {"id": "y"}])),
        ("application/x-ndjson", '{"id": "x", "n": 5}\n{"id": "y"}\n'),
        ("text/csv", "id,n\nx,5\ny,\n"),
    ],
)
def test_a_table_that_is_replaced(client: FlaskClient, kind: str, body: str) -> None:
    """A table becomes the rows of a body, whatever their form; the same rows again change nothing."""
    path = "/v1/sources/inv/tables/vm/rows"
    told = client.put(path, data=body, content_type=kind).get_json()
    assert told == {"inserted": 2, "deleted": 3, "unchanged": 0}
    assert client.put(path, data=body, content_type=kind).get_json() == {"inserted": 0, "deleted": 0, "unchanged": 2}
    rows = client.get("/v1/tables/inv:vm/rows").get_json()["items"]
    assert sorted(rows, key=str) == [["x", None, 5, None], ["y", None, None, None]]


def test_rows_that_change(client: FlaskClient) -> None:
    """Rows come in place of those with the same keys, and go by their keys."""
    path = "/v1/sources/inv/tables/vm/rows"
    change = {"upsert": [{"id": "a", "n": 9, "host": "h1"}, {"id": "d", "n": 9}], "delete": [{"id": "c"}]}
    assert client.post(path, json=change).status_code == 200
    rows = client.get("/v1/tables/inv:vm/rows").get_json()["items"]
    assert {row[0]: row[2] for row in rows} == {"a": 9, "b": 3, "d": 9}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([{"id": "x", "m": 5}], None),
        ([{"n": 5}], None),
        ([{"id": 5}], None),
        ([{"id": "x", "n": [1]}], None),
        ([{"id": "x", "n": 2**70}], None),
        ([{"id": "x"}, {"id": "x", "n": 1}], None),
    ],
    ids=["unknown column", "no key", "wrong type", "nested", "too big", "one key twice"],
)
def test_rows_that_do_not_fit(client: FlaskClient, rows: list[dict[str, object]], code: str | None) -> None:
    """Rows that do not fit change nothing, not even those before them."""
    path = "/v1/sources/inv/tables/vm/rows"
    before = client.get("/v1/tables/inv:vm/rows").get_json()["items"]
    response = client.put(path, json=rows)
    assert response.status_code == 422, response.get_data(as_text=True)
    assert response.get_json()["findings"]
    assert client.get("/v1/tables/inv:vm/rows").get_json()["items"] == before


def test_rows_that_break_off(client: FlaskClient) -> None:
    """A body that breaks off changes nothing."""
    before = client.get("/v1/tables/inv:vm/rows").get_json()["items"]
    response = client.put(
        "/v1/sources/inv/tables/vm/rows", data='[{"id": "x", "n": 5}, {"id"', content_type="application/json"
    )
    assert response.status_code == 400
    assert client.get("/v1/tables/inv:vm/rows").get_json()["items"] == before


def test_pushing_where_it_is_not_taken(client: FlaskClient) -> None:
    """Rows go only to sources that are pushed to, and tables that they have."""
    assert client.put("/v1/sources/dc/tables/sites/rows", json=[]).status_code == 422
    assert client.put("/v1/sources/inv/tables/nothing/rows", json=[]).status_code == 404
    assert client.put("/v1/sources/none/tables/vm/rows", json=[]).status_code == 404
    assert client.post("/v1/sources/inv/hooks/nothing", json={}).status_code == 404


def test_the_address_of_a_webhook(client: FlaskClient) -> None:
    """Asking for the address of a webhook tells whether a post to it would be taken."""
    called = {"callback": {"url": "http://127.0.0.1:1/v1/sources/called/hooks/notify"}}
    for name, settings in {
        "am": {"driver": "push", "definition": "alertmanager"},
        "called": {"driver": "rest", "definition": "vnfm", "url": "http://127.0.0.1:1", **called},
        "asked": {"driver": "rest", "definition": "vnfm", "url": "http://127.0.0.1:1"},
    }.items():
        assert client.post("/v1/sources", json={"name": name, "settings": settings}).status_code == 201
    for path, status in {
        "am/hooks/alerts": 204, "am/hooks/nothing": 404, "called/hooks/notify": 204, "asked/hooks/notify": 404,
        "inv/hooks/any": 404, "dc/hooks/any": 404,
    }.items():  # fmt: skip
        assert client.get(f"/v1/sources/{path}").status_code == status, path
        assert (client.post(f"/v1/sources/{path}", json={}).status_code == 404) == (status == 404), path


def test_waivers(client: FlaskClient) -> None:
    """A waiver takes a violation off the list for a time; its end brings it back. Unknown names are refused."""
    waiver = {"owner": "ann", "reason": "moving", "expires": "2999-01-01", "policy": "nfv", "object": "b"}
    granted = client.post("/v1/waivers", json=waiver)
    assert granted.status_code == 201, granted.get_data(as_text=True)
    assert granted.get_json()["holds"]
    open_ones = client.get("/v1/violations").get_json()["items"]
    assert [(each["rule"], each["object"]) for each in open_ones] == [("busy", "c")]
    waived = client.get("/v1/violations?state=waived").get_json()["items"]
    assert {each["waiver"] for each in waived} == {granted.get_json()["id"]}
    assert client.delete(f"/v1/waivers/{granted.get_json()['id']}").status_code == 204
    assert len(client.get("/v1/violations").get_json()["items"]) == 3
    assert client.delete("/v1/waivers/none").status_code == 404
    for path, item in (("policy", "nvf"), ("rule", "bussy")):
        refused = client.post("/v1/waivers", json={**waiver, path: item})
        assert (refused.status_code, refused.get_json()["code"]) == (422, "CL580")
        assert refused.get_json()["hint"] == f"did you mean `{'nfv' if path == 'policy' else 'busy'}`?"
    one = client.get("/v1/violations").get_json()["items"][0]["id"]
    for id_, status in ((one, 201), (one.upper() + " ", 422), ("0" * 32, 422), ("none", 422)):
        named = {**waiver, "policy": None, "object": None, "violation": id_}
        assert client.post("/v1/waivers", json=named).status_code == status, id_
    for more in ({"rule": "busy"}, {"policy": "conflict", "rule": "modality"}):
        assert client.post("/v1/waivers", json={**waiver, **more}).status_code == 201
    for wrong in ({"owner": " "}, {"expires": "2001-01-01"}, {"expires": "soon"}, {"policy": None, "object": None}):
        assert client.post("/v1/waivers", json={**waiver, **wrong}).status_code == 422


def test_secrets_that_are_read_and_put_back(client: FlaskClient) -> None:
    """A password of an address or within a list is not shown, and stays what it is when settings are put back."""
    listening = socket.create_server(("127.0.0.1", 0))
    _, port = listening.getsockname()
    listening.close()
    settings: dict[str, Any] = {
        "driver": "sql",
        "url": f"postgresql://u:hunter2secret@127.0.0.1:{port}/db",
        "tables": {"racks": {"query": "SELECT 1 AS id", "columns": {"id": "int"}, "key": ["id"]}},
    }
    added = client.post("/v1/sources", json={"name": "cmdb", "settings": settings})
    assert added.status_code == 201, added.get_data(as_text=True)
    assert "hunter2" not in added.get_data(as_text=True)
    shown = added.get_json()["settings"]
    assert shown["tables"]["racks"]["key"] == ["id"]
    replaced = client.put("/v1/sources/cmdb", json={"settings": shown}, headers={"If-Match": added.headers["ETag"]})
    assert replaced.status_code == 200, replaced.get_data(as_text=True)
    assert replaced.get_json()["settings"] == shown
    refused = client.post("/v1/sources", json={"name": "other", "settings": shown})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "CL577")
