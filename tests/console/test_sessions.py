"""Signing in and out of the console, and what stays closed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from congresslite.diagnostics import Diagnostic
from congresslite.live import Caller
from congresslite.server.console.blueprint import ACTION_PAGES, PAGES
from congresslite.server.console.door import COOKIE
from congresslite.server.console.sessions import IDLE, LONGEST, MOST, Sessions
from congresslite.server.problems import ProblemError
from tests.console.stand_in import StandIn, create_stand_in

TOKEN = "a-token-that-is-right"  # noqa: S105 - it opens nothing
OURS = {"Origin": "http://localhost"}

Holders = dict[str, Caller]


@pytest.fixture
def holders() -> Holders:
    """Whose each token is; a test may withdraw one."""
    return {TOKEN: Caller("ada", "viewer")}


@pytest.fixture
def client(estate: StandIn, holders: Holders) -> FlaskClient:
    """A client of a console that one has to sign in to."""

    def authenticate(token: str) -> Caller:
        if token not in holders:
            raise ProblemError(401, Diagnostic("CL556", "the token is not right"), {"WWW-Authenticate": "Bearer"})
        return holders[token]

    return create_stand_in(estate, authenticate).test_client()


def sign_in(client: FlaskClient, token: str = TOKEN, next: str = "", headers: dict[str, str] = OURS) -> int:
    """Send the form; gives the status."""
    return client.post("/console/sign-in", data={"token": token, "next": next}, headers=headers).status_code


@pytest.mark.parametrize("address", [*PAGES, *ACTION_PAGES, "/nothing/of/that/name"])
@pytest.mark.parametrize("cookie", [None, "wrong", ""])
def test_pages_are_closed(client: FlaskClient, address: str, cookie: str | None) -> None:
    """Without a session, every page leads to where one signs in, and tells nothing."""
    if cookie is not None:
        client.set_cookie(COOKIE, cookie, path="/console")
    answer = client.get(f"/console{address}")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/console/sign-in?next=")
    part = client.get(f"/console{address}", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"], part.data) == (401, "/console/sign-in", b"")


def test_signing_in(client: FlaskClient) -> None:
    """A right token opens the pages; the browser gets a key that is not the token, and that scripts cannot read."""
    answer = client.post("/console/sign-in", data={"token": f" {TOKEN} "}, headers=OURS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/")
    cookie = answer.headers["Set-Cookie"]
    assert TOKEN not in cookie
    for attribute in ("HttpOnly", "SameSite=Strict", "Path=/console"):
        assert attribute in cookie
    assert "Secure" not in cookie
    page = client.get("/console/")
    assert page.status_code == 200
    assert "ada" in page.text
    assert TOKEN not in page.text


def test_cookie_is_secure_with_tls(client: FlaskClient) -> None:
    """Over TLS, the cookie is for TLS alone."""
    headers = {"Origin": "https://localhost"}
    answer = client.post("/console/sign-in", data={"token": TOKEN}, headers=headers, base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("token", ["", "wrong", "x" * 20_000, "\u202e", TOKEN.upper()])
def test_wrong_tokens(client: FlaskClient, token: str) -> None:
    """A token that is not right opens nothing, and does not come back in the answer."""
    answer = client.post("/console/sign-in", data={"token": token}, headers=OURS)
    assert answer.status_code == 401
    assert "the token is not right" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert not token or token not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=["silent", "elsewhere", "hidden", "cross-site", "neighbour", "no page"],
)
def test_forms_of_others(client: FlaskClient, headers: dict[str, str]) -> None:
    """A form that does not come from our own pages signs nobody in or out."""
    assert sign_in(client, headers=headers) == 403
    assert sign_in(client) == 303
    key = form_key(client)
    assert client.post("/console/sign-out", data={"form_key": key}, headers=headers).status_code == 403
    assert client.get("/console/").status_code == 200


def form_key(client: FlaskClient) -> str:
    """The key that the forms of a session carry."""
    found = re.search(r'name="form_key" value="([^"]+)"', client.get("/console/").text)
    assert found is not None
    return found[1]


def test_signing_out(client: FlaskClient) -> None:
    """Signing out needs the session's own form, and then the old key opens nothing any more."""
    sign_in(client)
    key = client.get_cookie(COOKIE, path="/console")
    assert key is not None
    assert client.post("/console/sign-out", data={"form_key": "wrong"}, headers=OURS).status_code == 403
    assert client.post("/console/sign-out", data={"form_key": form_key(client)}, headers=OURS).status_code == 303
    assert client.get_cookie(COOKIE, path="/console") is None
    client.set_cookie(COOKIE, key.value, path="/console")
    assert client.get("/console/").status_code == 303


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/console/violations?severity=high", "/console/violations?severity=high"),
        ("https://elsewhere.example/console/", "/console/"),
        ("//elsewhere.example/console/", "/console/"),
        ("/\\elsewhere.example", "/console/"),
        ("/console/\\..\\elsewhere", "/console/"),
        ("/v1/policies", "/console/"),
        ("", "/console/"),
    ],
)
def test_where_signing_in_leads(client: FlaskClient, wanted: str, reached: str) -> None:
    """One comes to the page that one wanted, if it is one of the console."""
    answer = client.post("/console/sign-in", data={"token": TOKEN, "next": wanted}, headers=OURS)
    assert answer.headers["Location"] == reached


def test_a_token_that_is_withdrawn(client: FlaskClient, holders: Holders) -> None:
    """A session opens nothing while its token is refused, and what a token may do is asked anew each time."""
    sign_in(client)
    caller = holders.pop(TOKEN)
    assert client.get("/console/").status_code == 303
    holders[TOKEN] = Caller(caller.name, "operator")
    assert "operator" in client.get("/console/").text


def test_a_stream_ends_with_its_token(client: FlaskClient, estate: StandIn, holders: Holders) -> None:
    """Whoever is not admitted any more hears of no further change."""
    sign_in(client)
    answer = client.get("/console/events", buffered=False)
    stream = answer.iter_encoded()
    assert next(stream) == b"retry: 2000\nevent: changed\ndata:\n\n"
    estate.resolve(estate.records[0].id)
    assert next(each for each in stream if each != b": \n\n") == b"event: changed\ndata:\n\n"
    holders.clear()
    estate.resolve(estate.records[1].id)
    assert list(stream) == []
    answer.close()


def test_streams_that_are_too_many(client: FlaskClient, estate: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no stream can be opened any more, it is said so, and the pages go on."""

    def watch(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(estate, "watch", watch)
    sign_in(client)
    answer = client.get("/console/events")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def made(clock: Callable[[], float]) -> Sessions:
    """Sessions that accept every token."""
    return Sessions(lambda token: Caller(token, "viewer"), clock)


@pytest.mark.parametrize(
    ("steps", "lasts"),
    [
        ((IDLE - 1,), True),
        ((IDLE + 1,), False),
        ((IDLE - 1, IDLE - 1), True),
        ((1800,) * 24, True),
        ((1800,) * 25, False),
    ],
    ids=["used", "idle", "used again", "half a day", "longer"],
)
def test_sessions_end(steps: tuple[float, ...], lasts: bool) -> None:
    """A session ends when nobody used it for an hour, and after half a day whatever happens."""
    assert LONGEST == 24 * 1800
    now = 0.0
    sessions = made(lambda: now)
    key = sessions.begin("ada")
    found = None
    for step in steps:
        now += step
        found = sessions.find(key)
    assert (found is not None) is lasts


def test_sessions_are_bounded() -> None:
    """However often somebody signs in, so many sessions are kept and no more; those in use stay."""
    now = 0.0
    sessions = made(lambda: now)
    keys = []
    for number in range(MOST + 5):
        now += 0.01
        keys.append(sessions.begin(f"caller {number}"))
        sessions.find(keys[0])
    assert sessions.find(keys[0]) is not None
    assert [sessions.find(key) for key in keys[1:6]] == [None] * 5
    assert sessions.find(keys[6]) is not None


def test_sessions_tell_no_secret() -> None:
    """A session shows neither its token nor its key where it is printed."""
    sessions = made(lambda: 0.0)
    key = sessions.begin("secret-token")
    found = sessions.find(key)
    assert found is not None
    assert "secret-token" not in repr(found[0])
    assert found[0].form_key not in repr(found[0])


def test_nobody_signs_in_where_nobody_has_to(estate: StandIn) -> None:
    """Where the server lets everybody in, there is nothing to sign in to."""
    app: Flask = create_stand_in(estate)
    assert app.test_client().get("/console/sign-in").headers["Location"] == "/console/"
