"""Violations over REST: filters, pages, proofs, counts, and how current they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient


def listed(client: FlaskClient, query: str = "") -> dict[str, Any]:
    """A page of violations."""
    response = client.get(f"/v1/violations?{query}")
    assert response.status_code == 200, response.get_data(as_text=True)
    return dict(response.get_json())


def objects(page: dict[str, Any]) -> list[tuple[str, str]]:
    """The rule and the object of each."""
    return sorted((each["rule"], each["object"]) for each in page["items"])


def test_a_page(reader: FlaskClient) -> None:
    """Each violation tells everything that is known of it."""
    page = listed(reader, "rule=busy&object=b")
    assert page["next"] is None
    assert page["undetermined"] == []
    (found,) = page["items"]
    times = {name: found.pop(name) for name in ("first_seen", "last_seen")}
    assert all(each.endswith("Z") for each in times.values())
    assert times["first_seen"] <= times["last_seen"]
    assert len(found.pop("id")) == 32
    assert found.pop("file").endswith("nfv.dl")
    assert found == {
        "policy": "nfv", "rule": "busy", "kind": "error", "severity": "high", "mode": "warn", "table": "nfv:error",
        "columns": ["vm", "n"], "row": ["b", 3], "object": "b", "tenant": None, "site": None, "message": "b has 3",
        "resolved_at": None, "state": "open", "waiver": None, "line": 3, "undetermined": False, "engine": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [("busy", "b"), ("busy", "c"), ("lost", "b")]),
        ("severity=low", [("lost", "b")]),
        ("severity=low&severity=high", [("busy", "b"), ("busy", "c"), ("lost", "b")]),
        ("kind=warning", [("lost", "b")]),
        ("policy=nfv&rule=busy", [("busy", "b"), ("busy", "c")]),
        ("policy=other", []),
        ("table=nfv:warning", [("lost", "b")]),
        ("object=c", [("busy", "c")]),
        ("source=inv", [("busy", "b"), ("busy", "c"), ("lost", "b")]),
        ("source=dc", []),
        ("text=NOT%20KNOWN", [("lost", "b")]),
        ("until=2020-01-01T00:00:00Z", []),
        ("since=2020-01-01T00:00:00%2B02:00", [("busy", "b"), ("busy", "c"), ("lost", "b")]),
        ("state=resolved", []),
        ("state=undetermined", []),
        ("site=paris", []),
    ],
)
def test_filters(reader: FlaskClient, query: str, expected: list[tuple[str, str]]) -> None:
    """A parameter leaves only what it names."""
    assert objects(listed(reader, query)) == expected


def test_pages_follow_each_other(client: FlaskClient) -> None:
    """A cursor leads to the next page, and fits no other list."""
    rows = [{"id": f"v{number}", "n": 10, "host": "h1"} for number in range(25)]
    client.post("/v1/sources/inv/tables/vm/rows", json={"upsert": rows})
    seen: list[str] = []
    cursor = ""
    while True:
        page = listed(client, f"sort=object&limit=7&rule=busy{cursor}")
        seen += [each["object"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 27
    first = listed(client, "sort=object&limit=7&rule=busy")["next"]
    for other in (f"sort=policy&rule=busy&cursor={first}", "sort=object&rule=busy&cursor=nonsense"):
        assert client.get(f"/v1/violations?limit=7&{other}").status_code == 422


def test_a_violation_with_its_proof_and_history(client: FlaskClient) -> None:
    """One violation has its episodes, and a proof down to the rows of the source if it is asked for."""
    id_ = listed(client, "rule=busy&object=b")["items"][0]["id"]
    plain = client.get(f"/v1/violations/{id_}").get_json()
    assert plain["explanation"] is None
    assert [each["state"] for each in plain["episodes"]] == ["open"]
    explained = client.get(f"/v1/violations/{id_}?explain=true").get_json()["explanation"]
    leaf = [step for step in explained["steps"] if step["table"] == "inv:vm"]
    assert leaf[0]["row"]["id"] == "b"
    assert leaf[0]["as_of"].endswith("Z")
    assert datetime.fromisoformat(leaf[0]["as_of"]).tzinfo is UTC
    client.post("/v1/sources/inv/tables/vm/rows", json={"upsert": [{"id": "b", "n": 1, "host": "h2"}]})
    gone = client.get(f"/v1/violations/{id_}?explain=true").get_json()
    assert (gone["violation"]["state"], gone["explanation"]) == ("resolved", None)
    assert listed(client, "state=resolved")["items"][0]["id"] == id_


@pytest.mark.parametrize("id_", ["0" * 32, "nonsense", "é", "%00", "A" * 32])
def test_a_violation_that_is_not_there(reader: FlaskClient, id_: str) -> None:
    """What there is not is 404, or 400 if it cannot be a name at all."""
    assert reader.get(f"/v1/violations/{id_}").status_code == (400 if id_ == "%00" else 404)


@pytest.mark.parametrize("query", ["tier=pop", "foo=1"])
def test_counts_take_no_parameter(reader: FlaskClient, query: str) -> None:
    """A parameter that would change nothing is refused."""
    assert reader.get(f"/v1/violations:counts?{query}").status_code == 422


def test_counts(reader: FlaskClient) -> None:
    """Counts are told by rule."""
    counted = reader.get("/v1/violations:counts").get_json()["items"]
    assert {(each["rule"], each["severity"], each["open"], each["waived"]) for each in counted} == {
        ("busy", "high", 2, 0),
        ("lost", "low", 1, 0),
    }


def test_what_is_not_current_is_undetermined(client: FlaskClient, tmp_path: Any) -> None:
    """Where a source cannot be read, each answer says which policies it concerns, since when and why."""
    text = 'policy site(description = "sites"). @id("edge") error(s) :- dc:sites(id=s, kind="edge").'
    assert client.put("/v1/policies/site", json={"text": text}).status_code == 201
    assert client.post("/v1/sources/dc:refresh").status_code == 200
    assert objects(listed(client, "policy=site")) == [("edge", "=lyon")]
    (tmp_path / "files" / "sites.csv").unlink()
    assert client.post("/v1/sources/dc:refresh").status_code == 502
    page = listed(client, "state=undetermined")
    assert objects(page) == [("edge", "=lyon")]
    assert page["items"][0]["undetermined"]
    (told,) = page["undetermined"]
    assert (told["source"], told["health"], told["policies"], told["tables"]) == ("dc", "stale", ["site"], ["dc:sites"])
    assert told["since"] is not None
    assert "sites" in told["why"]
    assert client.get("/v1/violations:counts").get_json()["undetermined"] == page["undetermined"]
    everything = [("busy", "b"), ("busy", "c"), ("edge", "=lyon"), ("lost", "b")]
    assert objects(listed(client, "state=open&state=undetermined")) == everything
    assert objects(listed(client, "state=resolved&state=undetermined")) == [("edge", "=lyon")]
    assert client.delete("/v1/policies/site", headers={"If-Match": "*"}).status_code == 204
    assert objects(listed(client, "state=resolved&state=undetermined")) == [("edge", "=lyon")]


def test_a_violation_was_last_seen_with_the_tables_of_its_rule(client: FlaskClient) -> None:
    """Tables that a rule does not rest on, however old, make its violations no older."""
    text = 'policy site(description = "sites"). @id("edge") error(s) :- dc:sites(id=s, kind="edge").'
    assert client.put("/v1/policies/site", json={"text": text}).status_code == 201
    assert client.post("/v1/sources/dc:refresh").status_code == 200
    page = listed(client)
    (pulled,) = {each["last_seen"] for each in page["items"] if each["rule"] == "edge"}
    pushed = {each["last_seen"] for each in page["items"] if each["rule"] == "busy"}
    assert pulled <= page["as_of"] < min(pushed)
