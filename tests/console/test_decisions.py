"""Forms that decide on actions of a real estate: who may send them, from where, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from congresslite.server.app import create_app
from tests.server.acting import ACTING, come, command
from tests.server.conftest import TOKENS, bearer, config_of, running, with_tokens

OURS = {"Origin": "http://localhost"}
KEY = re.compile(r'name="form_key" value="([^"]+)"')

Open = Callable[..., FlaskClient]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens an estate where two actions wait for approval, and gives a client of its console."""
    estates = []

    def begin(**changes: object) -> FlaskClient:
        config = config_of(tmp_path, **{**ACTING, "console": {"enabled": True}, **changes})
        estate = running(config)
        estates.append(estate)
        client = create_app(estate.__enter__(), config).test_client()
        admin = bearer("admin") if changes else None
        command(client, admin, mode="enforce", approval=True)
        come(client, "approval", 2, admin)
        return client

    yield begin
    for each in estates:
        each.__exit__(None, None, None)


def key_of(client: FlaskClient) -> str:
    """The key of the forms of this session; the last one on the page, after that of the form to sign out."""
    found = KEY.findall(client.get("/console/actions").text)
    return str(found[-1]) if found else ""


def decide(client: FlaskClient, path: str, **form: str) -> TestResponse:
    """Send a form as our page would."""
    return client.post(f"/console/{path}", data={"form_key": key_of(client), **form}, headers=OURS)


def test_what_waits_is_listed_first(opened: Open) -> None:
    """The page of actions begins with what waits for a person; a plan that waits can be approved as a whole."""
    client = opened()
    page = client.get("/console/actions").text
    assert page.index("Waiting for a person") < page.index("a person must approve it")
    waiting = come(client, "approval")
    answer = decide(client, f"actions/{waiting[0]['id']}/approve")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/console/actions/{waiting[0]['id']}")
    come(client, "succeeded", 1)
    page = client.get("/console/actions").text
    assert page.index("Waiting for a person") < page.index("All others") < page.index("succeeded</span>")
    shown = client.get(f"/console/actions/{waiting[0]['id']}").text
    assert "approved by anonymous" in shown
    assert "Cancel</button>" not in shown


def test_a_plan_runs_as_it_was_shown_or_not_at_all(opened: Open) -> None:
    """A plan of which one action was cancelled meanwhile is refused, on a page that says why, and nothing runs."""
    client = opened()
    first, second = come(client, "approval")
    plan = first["plan"]
    assert "Approve the plan" in client.get(f"/console/actions?plan={plan}&state=any").text
    assert decide(client, f"actions/{first['id']}/cancel", reason="no").status_code == 303
    refused = decide(client, f"plans/{plan}/approve")
    assert (refused.status_code, "is not what it was" in refused.text, "CL673" in refused.text) == (409, True, True)
    assert "Approve the plan" not in client.get(f"/console/actions?plan={plan}&state=any").text
    assert [each["id"] for each in come(client, "approval", 1)] == [second["id"]]
    assert decide(client, "plans/000000000000/approve").status_code == 404


STRANGERS = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
    "a site beside ours": {"Sec-Fetch-Site": "same-site", "Origin": "http://x.localhost"},
    "nobody says": {},
    "another port": {"Origin": "http://localhost:8080"},
    "an origin that is none": {"Origin": "null"},
}
PATHS = ("actions/{id}/approve", "actions/{id}/cancel", "plans/{plan}/approve", "actions/pause", "actions/resume")


def test_forms_of_others_change_nothing(opened: Open) -> None:
    """A form that another site sends, or one without the key of a page of ours, is refused."""
    trusting = opened()
    (first, _) = come(trusting, "approval")
    key = key_of(trusting)
    for path in (each.format(**first) for each in PATHS):
        for what, headers in STRANGERS.items():
            answer = trusting.post(f"/console/{path}", data={"form_key": key}, headers=headers)
            assert answer.status_code == 403, (path, what)
        for wrong in ("", "x", key[:-1], key + "x", "\u00e4"):
            assert trusting.post(f"/console/{path}", data={"form_key": wrong}, headers=OURS).status_code == 403, path
        assert trusting.get(f"/console/{path}").status_code in (404, 405)
    assert len(come(trusting, "approval")) == 2
    assert trusting.get("/v1/actions:paused").get_json()["items"] == []


def sign_in(client: FlaskClient, token: str) -> None:
    """Begin a session."""
    assert client.post("/console/sign-in", data={"token": token}, headers=OURS).status_code == 303


def test_who_may_decide(opened: Open) -> None:
    """Only operators get the buttons and are obeyed: no reader, no author, nobody of a tenant, no stranger."""
    app = opened(auth=with_tokens()).application
    first, _ = come(app.test_client(), "approval", 2, bearer("viewer"))
    for token in (TOKENS["viewer"], TOKENS["author"], "tenant-token"):
        client = app.test_client()
        sign_in(client, token)
        page = client.get("/console/actions").text
        assert "Pause everything" not in page
        key = KEY.search(page)
        assert key is not None
        for path in (each.format(**first) for each in PATHS):
            answer = client.post(f"/console/{path}", data={"form_key": key[1]}, headers=OURS)
            assert answer.status_code == 403, (token, path)
    stranger = app.test_client()
    for path in (each.format(**first) for each in PATHS):
        answer = stranger.post(f"/console/{path}", data={"form_key": "x"}, headers=OURS)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/console/sign-in?next=")
    assert come(app.test_client(), "approval", 2, bearer("viewer"))[0]["id"] == first["id"]
    assert app.test_client().get("/v1/actions:paused", headers=bearer("viewer")).get_json()["items"] == []


def test_a_tenant_sees_its_own(opened: Open) -> None:
    """Whoever is bound to a tenant sees no action on objects of others, and not what is paused."""
    app = opened(auth=with_tokens()).application
    first, _ = come(app.test_client(), "approval", 2, bearer("viewer"))
    app.test_client().post("/v1/actions:pause", json={"reason": "storm"}, headers=bearer("operator"))
    client = app.test_client()
    sign_in(client, "tenant-token")
    page = client.get("/console/actions").text
    assert "There is no such action" in page
    assert "storm" not in page + client.get("/console/").text
    assert client.get(f"/console/actions/{first['id']}").status_code == 404


def test_decisions_are_audited(opened: Open) -> None:
    """What is decided by a form is in the audit like what is decided by REST, done or refused."""
    app = opened(auth=with_tokens()).application
    first, second = come(app.test_client(), "approval", 2, bearer("viewer"))
    client = app.test_client()
    sign_in(client, TOKENS["operator"])
    for path, form in (
        (f"actions/{first['id']}/approve", {}),
        (f"actions/{second['id'][:12]}/cancel", {"reason": "no"}),
        (f"actions/{second['id']}/approve", {}),
        ("actions/pause", {"reason": "storm"}),
        ("actions/resume", {}),
    ):
        decide(client, path, **form)
    audit = client.get("/v1/audit?limit=5", headers=bearer("admin")).get_json()["items"][::-1]
    assert [(each["actor"], each["action"], each["target"], each["outcome"]) for each in audit] == [
        ("operator", "action.approve", first["id"], "done"),
        ("operator", "action.cancel", second["id"], "done"),
        ("operator", "action.approve", second["id"], "refused"),
        ("operator", "action.pause", "everything", "done"),
        ("operator", "action.resume", "everything", "done"),
    ]
    assert [each["detail"].get("reason") for each in audit] == [None, "no", None, "storm", None]
    assert all(re.fullmatch("[0-9a-f]{32}", each["request"]) for each in audit)
