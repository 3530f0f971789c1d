"""Checks and conflicts over REST."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

NEW = 'policy more(description = "more"). @id("any") warning(v) :- inv:vm(id=v).'
STOP = 'policy stopping.\n@id("stop") execute[nova:stop(v)] :- inv:vm(id=v).\n'
KEEP = 'policy keeping.\n@id("keep") deny[nova:stop(v)] :- inv:vm(id=v, n=n), n > 2.\n'


def test_a_check_is_applied_once_it_was_made(client: FlaskClient) -> None:
    """What was checked goes in as it was checked, and the list of checks says so."""
    made = client.post("/v1/policies:check", json={"policies": {"more": NEW}}).get_json()
    assert client.get(f"/v1/checks/{made['id']}").get_json() == made
    applied = client.post(f"/v1/checks/{made['id']}:apply")
    assert applied.status_code == 200
    assert [each["name"] for each in applied.get_json()["policies"]] == ["more"]
    assert client.get("/v1/policies/more").get_json()["text"] == NEW
    (listed,) = client.get("/v1/checks").get_json()["items"]
    assert (listed["id"], listed["verdict"], listed["applied_at"] is None) == (made["id"], made["verdict"], False)


def test_a_stale_or_unknown_check_is_refused(client: FlaskClient) -> None:
    """What would find something else now is a conflict, and what nobody made is not found."""
    made = client.post("/v1/policies:check", json={"policies": {"more": NEW}}).get_json()
    client.put("/v1/policies/other", json={"text": "seen(v) :- inv:vm(id=v)."})
    refused = client.post(f"/v1/checks/{made['id']}:apply")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "CL333")
    assert refused.get_json()["findings"][0]["notes"]
    assert client.post("/v1/checks/chk_0000000000000000:apply").status_code == 404
    assert client.get("/v1/checks/chk_0000000000000000").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"policies": {"more": NEW}, "remove": ["more"]}, {"limit": 0}, {"max_affected": {"percent": 101}}, {"more": 1}],
)
def test_a_proposal_that_makes_no_sense_is_refused(client: FlaskClient, body: dict[str, object]) -> None:
    """It is told where it is wrong."""
    assert client.post("/v1/policies:check", json=body).status_code == 422


def test_a_limit_is_held_against_the_actions(client: FlaskClient) -> None:
    """The blast radius is the server's, unless the caller asks for another one."""
    text = 'policy moving(mode = "enforce").\n@id("m") execute[nova:stop(v)] :- inv:vm(id=v).'
    strict = client.post("/v1/policies:check", json={"policies": {"moving": text}, "max_affected": {"amount": 1}})
    assert strict.get_json()["verdict"] == "reject"
    loose = client.post("/v1/policies:check", json={"policies": {"moving": text}, "max_affected": {"amount": 100}})
    assert loose.get_json()["verdict"] != "reject"


def test_conflicts_are_listed_with_both_sides(client: FlaskClient) -> None:
    """Each has the winner and what decided, an own address, its history and both proofs."""
    for name, text in (("stopping", STOP), ("keeping", KEEP)):
        assert client.put(f"/v1/policies/{name}", json={"text": text}).status_code == 201
    page = client.get("/v1/conflicts").get_json()
    assert page["items"]
    for each in page["items"]:
        assert each["kind"] == "modality"
        assert each["sides"][each["winner"]]["policy"] == "keeping"
        assert each["decided_by"] == "specificity"
    first = page["items"][0]
    detail = client.get(f"/v1/conflicts/{first['id']}?explain=true").get_json()
    assert detail["conflict"]["id"] == first["id"]
    assert [proof["steps"][0]["table"] is not None for proof in detail["explanations"]] == [True, True]
    assert client.get(f"/v1/conflicts/{'0' * 32}").status_code == 404
    assert client.get("/v1/conflicts?object=nobody").get_json()["items"] == []
    assert not [each for each in client.get("/v1/violations").get_json()["items"] if each["policy"] == "conflict"]
    limited = client.get("/v1/conflicts?limit=1").get_json()
    assert len(limited["items"]) == 1
