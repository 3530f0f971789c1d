"""Policies over REST: versions, ETags, checks, and findings with their places."""

from __future__ import annotations

from flask.testing import FlaskClient

NEW = 'policy more(description = "more"). @id("any") warning(v) :- inv:vm(id=v).'
WRONG = 'policy more(description = "more").\nerror(v) :- inv:vms(id=v).\nerror(w) :- inv:vm(id=v).\n'


def test_a_policy_from_its_first_to_its_last_version(client: FlaskClient) -> None:
    """A policy is added, read, replaced and removed, each time by somebody who knows what is there."""
    added = client.put("/v1/policies/more", json={"text": NEW}, headers={"If-None-Match": "*"})
    assert (added.status_code, added.headers["Location"]) == (201, "/v1/policies/more")
    etag = added.headers["ETag"]
    read = client.get("/v1/policies/more")
    assert (read.headers["ETag"], read.get_json()["text"]) == (etag, NEW)
    assert client.get("/v1/policies/more", headers={"If-None-Match": etag}).status_code == 304
    assert client.get("/v1/violations?policy=more").get_json()["items"]
    replaced = client.put("/v1/policies/more", json={"text": NEW + "\n"}, headers={"If-Match": etag})
    assert replaced.status_code == 200
    assert replaced.headers["ETag"] != etag
    assert client.delete("/v1/policies/more", headers={"If-Match": etag}).status_code == 412
    assert client.delete("/v1/policies/more", headers={"If-Match": replaced.headers["ETag"]}).status_code == 204
    assert client.get("/v1/policies/more").status_code == 404
    versions = client.get("/v1/policies/more/versions").get_json()["items"]
    assert [each["removed"] for each in versions] == [True, False, False]
    first = client.get(f"/v1/policies/more/versions/{versions[-1]['version']}").get_json()
    assert first["text"] == NEW
    assert client.get("/v1/policies/more/versions/99").status_code == 404
    assert client.get("/v1/violations?policy=more").get_json()["items"] == []


def test_preconditions(client: FlaskClient) -> None:
    """Nothing is replaced by somebody who does not say what they have seen, or has seen something else."""
    client.put("/v1/policies/more", json={"text": NEW})
    for headers, status, code in (
        ({}, 428, "CL560"),
        ({"If-Match": '"more-77"'}, 412, "CL561"),
        ({"If-Match": 'W/"more-1"'}, 412, "CL561"),
        ({"If-None-Match": "*"}, 412, "CL561"),
    ):
        for response in (
            client.put("/v1/policies/more", json={"text": NEW}, headers=headers),
            client.delete("/v1/policies/more", headers=headers),
        ):
            assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert client.put("/v1/policies/none", json={"text": NEW}, headers={"If-Match": "*"}).status_code == 412
    assert client.delete("/v1/policies/none", headers={"If-Match": "*"}).status_code == 404
    assert client.delete("/v1/policies/more", headers={"If-Match": "*"}).status_code == 204


def test_a_policy_that_is_wrong(client: FlaskClient) -> None:
    """Everything that is wrong is told at once with its place, and nothing changes."""
    response = client.put("/v1/policies/more", json={"text": WRONG})
    told = response.get_json()
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert {each["code"] for each in told["findings"]} >= {"CL101", "CL201"}
    assert told["type"] == f"/docs/errors/{told['code']}"
    assert [(each["line"], each["column"]) for each in told["findings"] if each["code"] == "CL101"] == [(2, 13)]
    assert "did you mean" in next(each["hint"] for each in told["findings"] if each["code"] == "CL101")
    assert client.get("/v1/policies/more").status_code == 404


def test_a_policy_of_a_file(client: FlaskClient) -> None:
    """What a file says is changed there."""
    etag = client.get("/v1/policies/nfv").headers["ETag"]
    response = client.delete("/v1/policies/nfv", headers={"If-Match": etag})
    assert (response.status_code, response.get_json()["code"]) == (409, "CL562")
    assert response.get_json()["hint"]


def test_names(client: FlaskClient) -> None:
    """A policy cannot have just any name."""
    for name in ("a b", "1st", "x" * 200, "-", "é%20"):
        assert client.put(f"/v1/policies/{name}", json={"text": NEW}).status_code == 422


def test_check(client: FlaskClient) -> None:
    """A change is foreseen with what it brings and takes, and nothing happens."""
    response = client.post("/v1/policies:check", json={"policies": {"more": NEW}})
    report = response.get_json()
    assert response.status_code == 200
    assert report["violations"]["totals"] == {"new": 3, "resolved": 0, "unchanged": 3}
    assert {each["policy"] for each in report["violations"]["new"]} == {"more"}
    assert report["conflicts"] == []
    assert "potential conflicts" in report["not_analysed"]
    gone = client.post("/v1/policies:check", json={"remove": ["nfv"]}).get_json()
    assert gone["violations"]["totals"] == {"new": 0, "resolved": 3, "unchanged": 0}
    wrong = client.post("/v1/policies:check", json={"policies": {"more": WRONG}}).get_json()
    assert wrong["verdict"] == "reject"
    assert "CL101" in {each["code"] for each in wrong["findings"]}
    assert [each["name"] for each in client.get("/v1/policies").get_json()["items"]] == ["nfv"]
