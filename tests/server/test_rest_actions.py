"""Actions over REST: what waits, what people decide, what is paused, and who may see what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from congresslite.server.app import create_app
from tests.server.acting import ACTING, come, command, listed, policy
from tests.server.conftest import bearer, config_of, running, with_tokens
from tests.waiting import until

Open = Callable[..., FlaskClient]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens an estate with a target, and gives a client of it."""
    estates = []

    def begin(**changes: Any) -> FlaskClient:
        config = config_of(tmp_path, **{**ACTING, **changes})
        estate = running(config)
        estates.append(estate)
        return create_app(estate.__enter__(), config).test_client()

    yield begin
    for each in estates:
        each.__exit__(None, None, None)


@pytest.fixture
def client(opened: Open) -> FlaskClient:
    return opened()


def detail(client: FlaskClient, id: str) -> dict[str, Any]:
    """An action with its record."""
    document: dict[str, Any] = client.get(f"/v1/actions/{id}").get_json()
    return document


# -- approval --------------------------------------------------------------------------------------


def test_what_needs_approval_waits_for_it(client: FlaskClient) -> None:
    """Of two that wait, the approved one runs and the cancelled one does not; the record says who and why."""
    command(client, mode="enforce", approval=True)
    first, second = come(client, "approval")
    assert (first["object"], first["arguments"], first["table"]) == ("b", ["b", 3], "inv:vm")
    assert (first["guard"], first["reason"]) == ("approval", "a person must approve it")
    assert "approve or cancel" in first["mend"]
    approved = client.post(f"/v1/actions/{first['id']}:approve", json={"reason": "it is time"})
    assert (approved.status_code, approved.get_json()["action"]["approved_by"]) == (200, "anonymous")
    cancelled = client.post(f"/v1/actions/{second['id'][:12]}:cancel", json={"reason": "not today"})
    assert (cancelled.status_code, cancelled.get_json()["action"]["state"]) == (200, "cancelled")
    come(client, "succeeded", 1)
    found = detail(client, first["id"])
    assert [each["state"] for each in found["steps"]] == ["approval", "planned", "running", "succeeded"]
    assert (found["steps"][1]["by"], found["steps"][1]["reason"]) == ("anonymous", "approved by anonymous: it is time")
    assert found["action"]["mend"] is None
    assert detail(client, second["id"])["action"]["reason"] == "cancelled by anonymous: not today"


def test_what_is_over_cannot_be_decided(client: FlaskClient) -> None:
    """To approve or to cancel what ran is a conflict, told with what may be approved, and changes nothing."""
    command(client, mode="enforce")
    done = come(client, "succeeded")[0]
    for decision in ("approve", "cancel"):
        refused = client.post(f"/v1/actions/{done['id']}:{decision}", json={})
        told = refused.get_json()
        assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
        assert (told["code"], done["id"][:12] in told["detail"], told["hint"] is not None) == ("CL673", True, True)
    assert detail(client, done["id"])["action"] == done


def test_a_plan_runs_as_it_was_shown(client: FlaskClient) -> None:
    """A plan is approved as a whole, and exactly its actions run."""
    command(client, mode="enforce", approval=True)
    waiting = come(client, "approval")
    plan = waiting[0]["plan"]
    assert [each["id"] for each in listed(client, f"?plan={plan}")[::-1]] == [
        each["id"] for each in client.get(f"/v1/plans/{plan}").get_json()["items"]
    ]
    approved = client.post(f"/v1/plans/{plan}:approve", json={"reason": "as agreed"})
    assert approved.status_code == 200, approved.text
    assert [each["id"] for each in come(client, "succeeded")] == [each["id"] for each in waiting]


@pytest.mark.parametrize("change", ["cancelled by somebody", "no longer wanted"])
def test_a_plan_that_changed_is_refused(client: FlaskClient, change: str) -> None:
    """If one of its actions is not as it was shown, none of them runs."""
    command(client, mode="enforce", approval=True)
    first, second = come(client, "approval")
    if change == "cancelled by somebody":
        client.post(f"/v1/actions/{first['id']}:cancel", json={})
    else:
        client.post("/v1/sources/inv/tables/vm/rows", json={"delete": [{"id": first["object"]}]})
    come(client, "cancelled", 1)
    refused = client.post(f"/v1/plans/{first['plan']}:approve", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "CL673")
    assert "is not what it was" in refused.get_json()["detail"]
    assert detail(client, second["id"])["action"]["state"] == "approval"
    assert listed(client, "?state=succeeded&state=running&state=planned") == []


# -- guards and modes ------------------------------------------------------------------------------


def test_what_would_act_upon_too_much_is_stopped(opened: Open) -> None:
    """Nothing runs that exceeds the blast radius until a person says that so much is meant."""
    client = opened(max_affected={"amount": 1, "percent": 100})
    command(client, mode="enforce")
    stopped = come(client, "stopped")
    assert {each["guard"] for each in stopped} == {"blast_radius"}
    assert "2 objects of the 3 in `inv:vm`" in stopped[0]["reason"]
    assert "so much is meant" in stopped[0]["mend"]
    assert all(each["attempt"] == 0 for each in stopped)
    assert client.post(f"/v1/actions/{stopped[0]['id']}:approve", json={}).status_code == 200
    come(client, "succeeded", 1)
    assert [each["object"] for each in come(client, "stopped", 1)] == ["c"]


def test_what_is_tried_out_is_shown(client: FlaskClient) -> None:
    """A policy in dry run shows what it would do, and nobody can make it run."""
    command(client, mode="dryrun")
    shown = come(client, "shown")
    assert shown[0]["mode"] == "dryrun"
    assert "`enforce`" in shown[0]["mend"]
    assert client.post(f"/v1/actions/{shown[0]['id']}:approve", json={}).get_json()["code"] == "CL673"


@pytest.mark.parametrize("scope", ["", "log", "policy act"], ids=["everything", "target", "policy"])
def test_what_is_paused_waits(client: FlaskClient, scope: str) -> None:
    """While everything, its target or its policy is paused, an action waits and says so; then it runs by itself."""
    put = client.put("/v1/policies/act", json={"text": policy(mode="enforce")})
    assert put.status_code == 201
    paused = client.post("/v1/actions:pause", json={"scope": scope, "reason": "storm"})
    assert [(each["scope"], each["by"], each["reason"]) for each in paused.get_json()["items"]] == [
        (scope, "anonymous", "storm")
    ]
    assert client.get("/v1/actions:paused").get_json() == paused.get_json()
    client.put("/v1/sources/inv/tables/vm/rows", json=[{"id": "a", "n": 9}])

    def waits() -> dict[str, Any] | None:
        return next((each for each in listed(client, "?state=planned") if each["guard"] == "switch"), None)

    found = until(waits)
    assert "is paused by anonymous: storm" in found["reason"]
    assert "by itself" in found["mend"]
    assert client.post("/v1/actions:resume", json={"scope": scope}).get_json() == {"items": [], "next": None}
    come(client, "succeeded", 1)


def test_scopes_that_there_are_not(client: FlaskClient) -> None:
    """What does not exist cannot be paused, and what is not paused cannot be resumed."""
    for scope in ("nova", "policy nothing", "act", "policy ", "x" * 500):
        refused = client.post("/v1/actions:pause", json={"scope": scope})
        assert (refused.status_code, refused.get_json()["code"]) == (404, "CL554"), scope
    assert client.post("/v1/actions:resume", json={}).status_code == 404
    assert client.get("/v1/actions:paused").get_json()["items"] == []


# -- lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "objects"),
    [
        ("", ["b", "c"]),
        ("?state=approval&state=held", ["b", "c"]),
        ("?state=succeeded", []),
        ("?policy=act", ["b", "c"]),
        ("?policy=nfv", []),
        ("?action=log:note&object=c", ["c"]),
        ("?action=log:other", []),
        ("?plan=000000000000", []),
        ("?since=2999-01-01T00:00:00Z", []),
        ("?until=2999-01-01T00:00:00Z&since=2000-01-01T00:00:00Z", ["b", "c"]),
    ],
)
def test_filters(waiting: FlaskClient, query: str, objects: list[str]) -> None:
    """Each filter narrows the list; what is given twice takes either."""
    assert sorted(each["object"] for each in listed(waiting, query)) == objects


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of an estate, which tests only read, where two actions wait for approval."""
    config = config_of(tmp_path_factory.mktemp("waiting"), **ACTING)
    with running(config) as estate:
        client = create_app(estate, config).test_client()
        command(client, mode="enforce", approval=True)
        come(client, "approval")
        yield client


def test_pages(waiting: FlaskClient) -> None:
    """Pages that follow each other hold each action once; a cursor that is none is told."""
    first = waiting.get("/v1/actions?limit=1").get_json()
    second = waiting.get(f"/v1/actions?limit=1&cursor={first['next']}").get_json()
    assert sorted(each["object"] for each in first["items"] + second["items"]) == ["b", "c"]
    assert second["next"] is None
    wrong = waiting.get("/v1/actions?cursor=x")
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "CL489")


@pytest.mark.parametrize(
    ("id", "status"),
    [("0" * 32, 404), ("none", 404), ("0" * 33, 404), ("%25%25%25%25%25%25%25%25", 404), ("ABCDEF012345", 404),
     ("0123456", 422), ("________", 404)],
)  # fmt: skip
def test_ids_of_nothing(waiting: FlaskClient, id: str, status: int) -> None:
    """What is no id of an action is not there, whatever is asked of it; too little of one is told as such."""
    assert waiting.get(f"/v1/actions/{id}").status_code == status
    for decision in ("approve", "cancel"):
        assert waiting.post(f"/v1/actions/{id}:{decision}", json={}).status_code == status
    assert waiting.get("/v1/plans/000000000000").status_code == 404
    assert waiting.post("/v1/plans/%25:approve", json={}).status_code == 404


def test_targets_say_what_they_can(waiting: FlaskClient) -> None:
    """A target is told with its executor, and each of its actions with what it takes; its settings are not."""
    (target,) = waiting.get("/v1/executors").get_json()["items"]
    assert (target["target"], target["executor"], target["source"], target["site"]) == ("log", "log", "inv", None)
    (kind,) = target["actions"]
    assert (kind["name"], kind["repeatable"], kind["rest"]) == ("*", True, True)
    assert [each["name"] for each in kind["parameters"]] == ["object"]


# -- who may -----------------------------------------------------------------------------------------


ROWS = [{"id": "a", "n": 5, "project": "t1"}, {"id": "b", "n": 5, "project": "t2"}, {"id": "c", "n": 5}]


@pytest.fixture
def closed(opened: Open) -> FlaskClient:
    """A client of a server that wants to know who asks; of the objects, `a` is of the tenant `t1`, `b` of another."""
    client = opened(auth=with_tokens())
    operator = bearer("operator")
    projects = [{"id": "t1"}, {"id": "t2"}]
    assert client.put("/v1/sources/inv/tables/project/rows", json=projects, headers=operator).status_code == 200
    assert client.put("/v1/sources/inv/tables/vm/rows", json=ROWS, headers=operator).status_code == 200
    text = policy(mode="enforce", approval=True)
    assert client.put("/v1/policies/act", json={"text": text}, headers=bearer("author")).status_code == 201
    come(client, "approval", 3, bearer("viewer"))
    return client


def test_a_tenant_sees_its_own_and_decides_nothing(closed: FlaskClient) -> None:
    """Of actions on objects of others, whoever is bound to a tenant learns nothing, not even that they are there."""
    mine = {"Authorization": "Bearer tenant-token"}
    (own,) = listed(closed, "", mine)
    assert (own["object"], own["tenant"], own["output"]) == ("a", "t1", {})
    assert closed.get(f"/v1/actions/{own['id']}", headers=mine).get_json()["action"] == own
    assert [each["object"] for each in closed.get(f"/v1/plans/{own['plan']}", headers=mine).get_json()["items"]] == [
        "a"
    ]
    for other in listed(closed, "?object=b&object=c", bearer("viewer")):
        for id_ in (other["id"], other["id"][:12]):
            assert closed.get(f"/v1/actions/{id_}", headers=mine).status_code == 404
    for path in (f"actions/{own['id']}:approve", f"actions/{own['id']}:cancel", f"plans/{own['plan']}:approve",
                 "actions:pause", "actions:resume"):  # fmt: skip
        assert closed.post(f"/v1/{path}", json={}, headers=mine).status_code == 403, path
    for path in ("actions:paused", "executors"):
        assert closed.get(f"/v1/{path}", headers=mine).status_code == 403, path


def test_decisions_are_audited(closed: FlaskClient) -> None:
    """Each decision is in the audit with who, what and why, whether it was done or refused."""
    first, second, _ = come(closed, "approval", 3, bearer("viewer"))
    for role, path, body in (
        ("operator", f"actions/{first['id'][:12]}:approve", {"reason": "it is time"}),
        ("operator", f"actions/{second['id']}:cancel", {"reason": "no"}),
        ("author", f"actions/{second['id']}:approve", {}),
        ("operator", f"plans/{first['plan']}:approve", {"reason": "all"}),
        ("operator", "actions:pause", {"scope": "log", "reason": "storm"}),
        ("admin", "actions:resume", {"scope": "log"}),
        ("operator", "actions:pause", {}),
    ):
        closed.post(f"/v1/{path}", json=body, headers=bearer(role))
    audit = closed.get("/v1/audit?limit=7", headers=bearer("admin")).get_json()["items"][::-1]
    assert [(each["actor"], each["action"], each["target"], each["outcome"]) for each in audit] == [
        ("operator", "action.approve", first["id"], "done"),
        ("operator", "action.cancel", second["id"], "done"),
        ("author", "action.approve", second["id"], "refused"),
        ("operator", "plan.approve", first["plan"], "refused"),
        ("operator", "action.pause", "log", "done"),
        ("admin", "action.resume", "log", "done"),
        ("operator", "action.pause", "everything", "done"),
    ]
    assert [each["detail"].get("reason") for each in audit] == ["it is time", "no", None, "all", "storm", None, None]


# -- metrics -----------------------------------------------------------------------------------------


def test_metrics(client: FlaskClient) -> None:
    """Prometheus is told how many actions wait and what is paused, and counts each end once, whatever goes after it."""

    def metrics() -> str:
        return client.get("/metrics").get_data(as_text=True)

    metrics()
    command(client, mode="enforce", approval=True)
    first, second = come(client, "approval")
    assert 'congresslite_actions_open{action="log:note",state="approval"} 2.0' in metrics()
    client.post(f"/v1/actions/{first['id']}:approve", json={})
    client.post(f"/v1/actions/{second['id']}:cancel", json={})
    come(client, "succeeded", 1)
    client.put("/v1/sources/inv/tables/vm/rows", json=[])
    until(lambda: not [each for each in listed(client) if each["commanded"]])
    client.post("/v1/actions:pause", json={})
    told = metrics()
    assert 'congresslite_actions_total{action="log:note",outcome="succeeded",policy="act"} 1.0' in told
    assert 'congresslite_actions_total{action="log:note",outcome="cancelled",policy="act"} 1.0' in told
    assert "congresslite_actions_paused 1.0" in told
    assert not re.search(r"congresslite_actions_open\{.*approval", told)
