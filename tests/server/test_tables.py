"""Tables, queries, and questions about single rows over REST."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient


def test_tables_and_their_schemas(reader: FlaskClient) -> None:
    """Each table says what it holds; one that is not there is 404."""
    found = {each["name"]: each for each in reader.get("/v1/tables").get_json()["items"]}
    assert {"inv:vm", "inv:host", "dc:sites", "nfv:error", "nfv:warning", "nfv:known"} <= found.keys()
    assert (found["inv:vm"]["rows"], found["inv:vm"]["derived"]) == (3, False)
    assert (found["nfv:known"]["rows"], found["nfv:known"]["derived"]) == (1, True)
    table = reader.get("/v1/tables/inv:vm").get_json()
    assert table["key"] == ["id"]
    assert [(each["name"], each["type"], each["references"]) for each in table["columns"]][1] == (
        "host", "str", "inv:host.id",
    )  # fmt: skip
    assert reader.get("/v1/tables/inv:nothing").status_code == 404
    assert reader.get("/v1/tables/inv:nothing/rows").status_code == 404


def test_rows_page_by_page(reader: FlaskClient) -> None:
    """Rows come in pages, and a column keeps those whose value reads so."""
    first = reader.get("/v1/tables/inv:vm/rows?limit=2").get_json()
    rest = reader.get(f"/v1/tables/inv:vm/rows?limit=2&offset={first['next']}").get_json()
    assert (first["total"], rest["next"]) == (3, None)
    assert sorted(row[0] for row in first["items"] + rest["items"]) == ["a", "b", "c"]
    only = reader.get("/v1/tables/inv:vm/rows?n=3&host=h2").get_json()
    assert [row[0] for row in only["items"]] == ["b"]
    assert reader.get("/v1/tables/inv:vm/rows?n=77").get_json()["items"] == []


@pytest.mark.parametrize("query", ["limit=0", "offset=-1", "format=xml", "limit=x", "hots=h1", "limit=1&limit=2"])
def test_wrong_parameters_of_rows(reader: FlaskClient, query: str) -> None:
    """What is no column and no parameter is an error, with the nearest column as a hint."""
    response = reader.get(f"/v1/tables/inv:vm/rows?{query}")
    assert response.status_code == 422
    if query.startswith("hots"):
        assert response.get_json()["hint"] == "did you mean `host`?"


def test_rows_as_csv(client: FlaskClient) -> None:
    """CSV has all rows up to its limit, leads to those that follow, and no spreadsheet runs it."""
    client.post("/v1/sources/dc:refresh")
    plain = client.get("/v1/tables/dc:sites/rows", headers={"Accept": "text/csv"})
    assert plain.mimetype == "text/csv"
    assert sorted(plain.get_data(as_text=True).splitlines()) == ["'=lyon,edge", "id,kind", "paris,core"]
    part = client.get("/v1/tables/inv:vm/rows?format=csv&limit=2&host=h1")
    assert "Link" not in part.headers
    part = client.get("/v1/tables/inv:vm/rows?format=csv&limit=2")
    link = part.headers["Link"].partition(">")[0].removeprefix("<")
    following = client.get(link).get_data(as_text=True).splitlines()
    assert len(part.get_data(as_text=True).splitlines()) + len(following) == 5


def test_a_column_that_is_given_twice(client: FlaskClient) -> None:
    """A column that is asked for with two values is refused: neither of them is passed over."""
    response = client.get("/v1/tables/inv:vm/rows?id=a&id=b")
    assert (response.status_code, response.get_json()["code"]) == (422, "CL550")
    assert "`id` is given more than once" in response.get_json()["findings"][0]["message"]


def test_queries(reader: FlaskClient) -> None:
    """A query answers under the names of its variables; what is wrong with one is told with its place."""
    found = reader.post("/v1/queries", json={"query": 'inv:vm(id=v, host="h1")', "limit": 1}).get_json()
    assert (found["columns"], len(found["items"]), found["total"]) == (["v"], 1, 2)
    wrong = reader.post("/v1/queries", json={"query": "inv:vn(x)"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "CL101")
    assert wrong.get_json()["findings"][0]["column"] == 1


def test_why_and_why_not(reader: FlaskClient) -> None:
    """A row that is there has a proof, and one that is not says how far each rule got."""
    why = reader.post("/v1/why", json={"atom": 'nfv:error("b", _)'}).get_json()["explanation"]
    assert why["row"] == {"vm": "b", "n": 3}
    assert all("as_of" in step for step in why["steps"] if step["table"] == "inv:vm")
    assert reader.post("/v1/why", json={"atom": 'nfv:error("a", n)'}).get_json()["explanation"] is None
    not_there = reader.post("/v1/why-not", json={"atom": 'nfv:error("a", n)'}).get_json()["explanation"]
    assert not_there["attempts"]
    assert reader.post("/v1/why-not", json={"atom": 'nfv:error("b", _)'}).get_json()["explanation"] is None


@pytest.mark.parametrize(
    "atom",
    ['nfv:error("b"', "nfv:nothing(x)", "x > 1", "nfv:error(v, n), inv:vm(v)", "inv:vm(v, v)", "not nfv:error(v, n)",
     "builtin:lt(1, 2)", "(", "\u202e", "a" * 5000],
)  # fmt: skip
def test_what_is_no_row(reader: FlaskClient, atom: str) -> None:
    """What is no row of a table is told as a finding, never as an internal error."""
    for path in ("/v1/why", "/v1/why-not"):
        assert reader.post(path, json={"atom": atom}).status_code == 422
