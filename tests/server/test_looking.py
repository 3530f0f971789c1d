"""What nobody's rules read, and somebody asks about: it is pulled for whoever looks, and never taken for empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from congresslite.server.app import create_app
from tests.server.conftest import bearer, config_of, fill, running, with_tokens
from tests.waiting import until

RACKS = "id,site\nr1,paris\nr2,lyon\n"
PARIS = 'policy paris.\n@id("rack") error(r) :- racks:rack(id=r, site="paris").\n'


def client_of(folder: Path, **more: Any) -> Iterator[FlaskClient]:
    """A client of an estate with a lazy source that no rule reads."""
    (folder / "racks").mkdir(exist_ok=True)
    (folder / "racks" / "rack.csv").write_text(RACKS, encoding="utf-8")
    config = config_of(folder)
    lazy = {"driver": "files", "folder": str(folder / "racks"), "every": 0.2, "settle": 0}
    config = config_of(folder, sources={**config.model_dump()["sources"], "racks": lazy}, **more)
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        client.post("/v1/sources/dc:refresh", headers=bearer("admin"))
        yield client


def break_(folder: Path) -> None:
    """Let the lazy source be one that cannot be read."""
    (folder / "racks" / "rack.csv").write_text("id,site\nr1,too,much\n", encoding="utf-8")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    for client in client_of(tmp_path):
        fill(client)
        yield client


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[FlaskClient]:
    """A client of an estate whose lazy source cannot be read since before somebody looked."""
    for client in client_of(tmp_path):
        break_(tmp_path)
        yield client


def test_a_query_sees_what_no_rule_reads(client: FlaskClient, tmp_path: Path) -> None:
    """It answers from the source as it is, not from nothing, and again once that has changed."""
    ask = {"query": "racks:rack(id=r)"}
    found = client.post("/v1/queries", json=ask).get_json()
    assert (found["items"], found["undetermined"]) == ([["r1"], ["r2"]], [])
    assert found["as_of"] is not None
    (tmp_path / "racks" / "rack.csv").write_text("id,site\nr3,oslo\n", encoding="utf-8")
    until(lambda: client.post("/v1/queries", json=ask).get_json()["items"] == [["r3"]])


def test_a_query_never_takes_what_cannot_be_read_for_empty(broken: FlaskClient) -> None:
    """It says which source its answer would rest on, and why that cannot be read."""
    for text in ("racks:rack(id=r)", "inv:vm(id=v), not racks:rack(id=v)"):
        found = broken.post("/v1/queries", json={"query": text}).get_json()
        (told,) = found["undetermined"]
        assert (told["source"], told["health"], told["policies"]) == ("racks", "pending", [])
        assert told["why"]
        assert found["as_of"] is None
    for path in ("/v1/why", "/v1/why-not"):
        found = broken.post(path, json={"atom": 'racks:rack("r1", "paris")'}).get_json()
        assert [each["source"] for each in found["undetermined"]] == ["racks"]


def test_a_row_that_no_rule_reads_is_explained(client: FlaskClient) -> None:
    """It comes from its source; a row that is not there comes from a source as well."""
    proof = client.post("/v1/why", json={"atom": 'racks:rack("r1", _)'}).get_json()["explanation"]
    assert proof["row"] == {"id": "r1", "site": "paris"}
    assert proof["steps"][0]["from"] == "source"
    assert client.post("/v1/why", json={"atom": 'racks:rack("r9", _)'}).get_json()["explanation"] is None
    found = client.post("/v1/why-not", json={"atom": 'racks:rack("r9", _)'}).get_json()["explanation"]
    assert "source" in found["note"]


def test_a_check_finds_what_would_follow_from_tables_that_no_rule_reads_yet(client: FlaskClient) -> None:
    """It tells the violations that come once the policy is in, and apply commits it."""
    made = client.post("/v1/policies:check", json={"policies": {"paris": PARIS}}).get_json()
    assert (made["verdict"], made["violations"]["totals"]["new"], made["undetermined"]) == ("warn", 1, [])
    assert client.post(f"/v1/checks/{made['id']}:apply").status_code == 200
    assert [each["object"] for each in client.get("/v1/violations?policy=paris").get_json()["items"]] == ["r1"]


def test_a_check_says_what_cannot_be_read(broken: FlaskClient) -> None:
    """A policy on a source that cannot be read is not `ok`: nobody knows, and the check says so."""
    made = broken.post("/v1/policies:check", json={"policies": {"paris": PARIS}}).get_json()
    assert made["verdict"] == "warn"
    assert [each["code"] for each in made["reasons"]] == ["CL330"]
    assert [each["source"] for each in made["undetermined"]] == ["racks"]


def test_a_simulation_sees_what_no_rule_reads(client: FlaskClient) -> None:
    """Rows of such a table can go."""
    done = client.post("/v1/simulate", json={"steps": ['rack-(id="r1")']}).get_json()
    assert done["steps"][0]["parts"][0]["result"] == "done"


def test_a_simulation_says_what_cannot_be_read(broken: FlaskClient) -> None:
    """Rows that nobody knows are missed, not simulated."""
    told = broken.post("/v1/simulate", json={"steps": ['rack-(id="r1")']}).get_json()
    assert [each["source"] for each in told["undetermined"]] == ["racks"]


def test_rows_that_are_held_are_shown_with_their_age(client: FlaskClient, tmp_path: Path) -> None:
    """The first look says of when its rows are; later ones too, though the source cannot be read any more."""
    first = client.get("/v1/tables/racks:rack/rows").get_json()
    assert (first["total"], first["as_of"] is None) == (2, False)
    break_(tmp_path)

    def stale() -> Any:
        page = client.get("/v1/tables/racks:rack/rows").get_json()
        return page["health"] == "stale" and page

    later = until(stale)
    assert (later["total"], later["items"]) == (2, first["items"])
    assert later["as_of"] is not None


def test_rows_that_were_never_read_are_not_none(broken: FlaskClient) -> None:
    """A table that cannot be pulled and was never seen is an error of its source, not an empty page."""
    told = broken.get("/v1/tables/racks:rack/rows")
    assert (told.status_code, told.get_json()["findings"] != []) == (502, True)


def test_what_is_pushed_does_not_hide_how_current_the_rest_is(client: FlaskClient) -> None:
    """Beside a source that others push to, answers say when the oldest pull was; violations of its rows are of now."""
    page = until(lambda: (found := client.get("/v1/violations").get_json())["as_of"] and found)
    client.post("/v1/sources/dc:refresh")
    later = client.get("/v1/violations").get_json()
    assert later["as_of"] > page["as_of"]
    assert later["items"]
    assert all(each["last_seen"] > later["as_of"] for each in later["items"])


def test_a_tenant_is_not_told_how_many_rows_others_have(tmp_path: Path) -> None:
    """Whoever is bound to a tenant learns how many rows are its own, where it asks for them, and no other count."""
    for client in client_of(tmp_path, auth=with_tokens()):
        fill(client, bearer("admin"))
        own = {"Authorization": "Bearer tenant-token"}
        assert client.get("/v1/tables/inv:vm", headers=bearer("admin")).get_json()["rows"] == 3
        assert client.get("/v1/tables/inv:vm", headers=own).get_json()["rows"] is None
        assert {each["rows"] for each in client.get("/v1/tables", headers=own).get_json()["items"]} == {None}
        assert client.get("/v1/tables/inv:vm/rows", headers=own).get_json()["total"] == 0
