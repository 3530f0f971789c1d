"""Requests arrive as the settings describe them, once, and their outcome says exactly what is known."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.executors.http import HttpExecutor, Settings, open_executor
from congresslite.sources.driver import Deadline
from tests.sources.service import Asked, Say, Script, Service, service

DRAIN = {
    "drain": {
        "method": "POST",
        "path": "/nodes/{object}/drain?why={reason}",
        "parameters": ["reason", "grace"],
        "body": {"node": "{object}", "grace": "{grace}", "note": "of {object}: {reason} {{sic}}", "tags": ["{1}", 7]},
    }
}


@contextmanager
def listening(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Service]:
    """A service that takes all methods."""
    with service(script, tls) as running:
        handler: Any = running.server.RequestHandlerClass
        handler.do_PUT = handler.do_PATCH = handler.answer
        yield running


def executor(url: str, tmp_path: Path, **settings: Any) -> HttpExecutor:
    """An executor for a service."""
    return open_executor("hook", Settings.model_validate({"url": url, **settings}), tmp_path)


def order(action: str, *, reference: str = "", **arguments: Any) -> Order:
    """An order; terms without a name are `_1`, `_2` and so on."""
    named = {name.lstrip("_") if name[1:].isdigit() else name: value for name, value in arguments.items()}
    return Order(secrets.token_hex(16), action, {"object": "n1", **named}, reference=reference)


def soon() -> Deadline:
    """A deadline that nothing here should reach."""
    return Deadline.after(20)


def brief(outcome: Outcome) -> tuple[str, bool]:
    """What counts of an outcome: the state, and whether it may be tried again."""
    return outcome.state, outcome.retry


def test_a_request(tmp_path: Path) -> None:
    """Terms come into path, query and body with their types, and the key with every request."""
    with listening(lambda asked: Say({"ok": True})) as running:
        given = order("drain", object="a/b c?", reason='x&y="é', grace=30, _1=True)
        outcome = executor(f"{running.url}/v2/", tmp_path, actions=DRAIN).perform(given, soon())
    (asked,) = running.asked
    assert asked.target == "/v2/nodes/a%2Fb%20c%3F/drain?why=x%26y%3D%22%C3%A9"
    assert asked.headers["Idempotency-Key"] == given.key
    assert asked.headers["Content-Type"] == "application/json"
    note = 'of a/b c?: x&y="é {sic}'
    assert json.loads(asked.body) == {"node": "a/b c?", "grace": 30, "note": note, "tags": [True, 7]}
    assert (outcome.state, outcome.output) == ("succeeded", {"status": 200, "body": '{"ok": true}'})


@pytest.mark.parametrize("verb", ["get", "put", "post", "patch", "delete"])
def test_plain_verbs(verb: str, tmp_path: Path) -> None:
    """The plain methods take a path of the rule's own, and a body as JSON text."""
    body = {} if verb in ("get", "delete") else {"body": '{"a": [1, null]}'}
    with listening(lambda asked: Say(status=204)) as running:
        outcome = executor(running.url, tmp_path).perform(order(verb, path="things/1?x=2", **body), soon())
    (asked,) = running.asked
    assert (asked.method, asked.target, outcome.state) == (verb.upper(), "/things/1?x=2", "succeeded")
    assert asked.body == (b'{"a": [1, null]}' if body else b"")
    assert ("Content-Type" in asked.headers) == bool(body)


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "/a/../../etc"},
        {"path": ".."},
        {"path": "/a/%2e%2e/b"},
        {"path": "/a/%252e%252e/b"},
        {"path": "/a/%2e./b"},
        {"path": "//evil.example/x"},
        {"path": "/a//b"},
        {"path": "/a\\..\\b"},
        {"path": "/a%5c..%5cb"},
        {"path": "/a#b"},
        {"path": "/a\r\nX: y"},
        {"path": "/a%0d%0aX: y"},
        {"path": "/a", "body": "{"},
        {"path": "/a", "body": "[" * 100_000},
    ],
    ids=lambda arguments: repr(arguments)[:40],
)
def test_paths_that_lead_elsewhere(arguments: dict[str, str], tmp_path: Path) -> None:
    """A path with a way out, however written, and a body that is none are refused before anything is sent."""
    with listening(lambda asked: Say({})) as running:
        outcome = executor(running.url, tmp_path).perform(order("post", **arguments), soon())
    assert brief(outcome) == ("failed", False)
    assert "CL622" in outcome.why
    assert running.asked == []


@pytest.mark.parametrize("path", ["http://127.0.0.2:1/x", "@127.0.0.2/x", ":80@evil/x", "x:y", "/a/b;c=d", "é ü/x"])
def test_paths_that_only_look_like_addresses(path: str, tmp_path: Path) -> None:
    """What looks like another address is a path at ours, or is refused."""
    with listening(lambda asked: Say({})) as running:
        outcome = executor(running.url, tmp_path).perform(order("get", path=path), soon())
    assert outcome.state == ("failed" if "//" in path else "succeeded")
    assert len(running.asked) == (0 if "//" in path else 1)


@pytest.mark.parametrize("value", ["..", ".", "", None], ids=repr)
def test_terms_that_are_no_segment(value: str | None, tmp_path: Path) -> None:
    """A term that would be another segment than one of its own is refused."""
    actions = {"drain": {"method": "DELETE", "path": "/nodes/{object}/x"}}
    with listening(lambda asked: Say({})) as running:
        outcome = executor(running.url, tmp_path, actions=actions).perform(order("drain", object=value), soon())
    assert brief(outcome) == ("failed", False)
    assert running.asked == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, ("succeeded", True)),
        (202, ("succeeded", True)),
        (204, ("succeeded", True)),
        (303, ("failed", False)),
        (308, ("failed", False)),
        (400, ("failed", False)),
        (401, ("failed", False)),
        (404, ("failed", False)),
        (409, ("failed", False)),
        (408, ("failed", True)),
        (425, ("failed", True)),
        (429, ("failed", True)),
        (500, ("unknown", True)),
        (501, ("failed", False)),
        (502, ("unknown", True)),
        (503, ("unknown", True)),
        (504, ("unknown", True)),
    ],
)
def test_statuses(status: int, expected: tuple[str, bool], tmp_path: Path) -> None:
    """A refusal has failed; an error of the service may come after it did what was asked, so that nobody knows."""
    headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
    with listening(lambda asked: Say(b"no JSON", status, headers)) as running:
        outcome = executor(running.url, tmp_path).perform(order("post", path="/x"), soon())
    assert brief(outcome) == expected
    assert len(running.asked) == 1
    assert outcome.output["status"] == status
    assert outcome.state == "succeeded" or outcome.why.startswith(f"status {status}")


def test_expected_codes(tmp_path: Path) -> None:
    """Codes that are said to mean success do so beside those that always do; the others mean what they always do."""
    actions = {"drop": {"method": "DELETE", "path": "/{object}", "expect": [204, 404]}}
    for status, state in (
        (204, "succeeded"),
        (404, "succeeded"),
        (200, "succeeded"),
        (403, "failed"),
        (500, "unknown"),
    ):
        with listening(lambda asked, status=status: Say({}, status)) as running:  # type: ignore[misc]
            outcome = executor(running.url, tmp_path, actions=actions).perform(order("drop"), soon())
        assert outcome.state == state


def silent(running: Service) -> Script:
    """Says nothing until the end of the test."""

    def script(asked: Asked) -> Say:
        running.closing.wait(20)
        return Say(raw=lambda line: None)

    return script


@pytest.mark.parametrize("how", ["cut", "half a head", "silence", "drops", "too slow"])
def test_no_answer(how: str, tmp_path: Path) -> None:
    """Once it was sent, whatever keeps the answer away leaves the order unknown, within the time."""
    with listening(lambda asked: Say(raw=lambda line: None)) as running:
        if how == "half a head":
            running.script = lambda asked: Say(raw=lambda line: line.write(b"HTTP/1.1 20"))
        if how in ("silence", "too slow"):
            running.script = silent(running)
        if how == "drops":

            def drops(line: Any) -> None:
                while not running.closing.wait(0.05):
                    line.write(b"H")
                    line.flush()

            running.script = lambda asked: Say(raw=drops)
        made = executor(running.url, tmp_path, timeout=0.5 if how == "silence" else 20)
        outcome = made.perform(order("post", path="/x"), Deadline.after(1.0 if how in ("drops", "too slow") else 20))
        running.closing.set()
    assert outcome.state == "unknown", outcome
    assert len(running.asked) == 1


@pytest.mark.parametrize("how", ["cut", "too big", "too slow"])
def test_an_answer_that_breaks_off(how: str, tmp_path: Path) -> None:
    """Once the status came, what it says is known, whatever becomes of the body."""

    def raw(line: Any) -> None:
        line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * (50_000 if how == "too big" else 10))
        line.flush()
        if how == "too slow":
            running.closing.wait(20)

    with listening(lambda asked: Say(raw=raw)) as running:
        made = executor(running.url, tmp_path, max_bytes=20_000)
        outcome = made.perform(order("post", path="/x"), Deadline.after(1 if how == "too slow" else 20))
        running.closing.set()
    assert outcome.state == "succeeded"


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


LOG_IN = {"type": "oauth2", "token_url": "PORT", "client_id": "a", "client_secret": "b"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "PORT"}, "the connection was refused"),
        ({"url": "http://no-such-host.invalid"}, "is not known"),
        ({"url": "http://127.0.0.1:1", "proxy": "PORT"}, "refused"),
        ({"url": "http://127.0.0.1:1", "auth": LOG_IN}, "PORT: the connection was refused"),
    ],
    ids=["refused", "unknown name", "no proxy", "no log-in"],
)  # fmt: skip
def test_never_sent(settings: dict[str, Any], says: str, tmp_path: Path) -> None:
    """What certainly was not sent has failed, and may be tried again."""
    port = f"http://127.0.0.1:{closed_port()}"
    text = json.dumps(settings).replace("PORT", port)
    made = open_executor("hook", Settings.model_validate_json(text), tmp_path)
    outcome = made.perform(order("post", path="/x"), soon())
    assert brief(outcome) == ("failed", True), outcome
    assert says.replace("PORT", port) in outcome.why


def test_plain_text_where_tls_is_expected(tmp_path: Path) -> None:
    """A hand-shake that fails sent nothing."""
    with listening(lambda asked: Say({})) as running:
        made = executor(running.url.replace("http", "https"), tmp_path)
        outcome = made.perform(order("post", path="/x"), soon())
    assert brief(outcome) == ("failed", True), outcome


def test_no_time_left(tmp_path: Path) -> None:
    """Without time nothing is sent."""
    with listening(lambda asked: Say({})) as running:
        outcome = executor(running.url, tmp_path).perform(order("post", path="/x"), Deadline.after(-1))
    assert brief(outcome) == ("failed", True)
    assert running.asked == []


def test_a_token_that_is_refused_once(tmp_path: Path) -> None:
    """A log-in is kept for all threads, and asked for anew when it is refused; no secret is in what is told."""
    tokens: list[str] = []

    def script(asked: Asked) -> Say:
        if asked.path == "/token":
            tokens.append(f"token-{len(tokens)}-secret")
            return Say({"access_token": tokens[-1], "token_type": "Bearer", "expires_in": 3600})
        told = asked.headers["Authorization"]
        return Say({"echo": told}, 401 if told == "Bearer token-0-secret" else 200)

    with listening(script) as running:
        auth = {"type": "oauth2", "token_url": f"{running.url}/token", "client_id": "a", "client_secret": "very-secret"}
        made = executor(running.url, tmp_path, auth=auth)
        first = made.perform(order("post", path="/x"), soon())
        outcomes: list[Outcome] = []
        threads = [
            threading.Thread(target=lambda: outcomes.append(made.perform(order("post", path="/x"), soon())))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert tokens == ["token-0-secret", "token-1-secret"]
    assert {each.state for each in (first, *outcomes)} == {"succeeded"}
    assert first.output["body"] == '{"echo": "Bearer …"}'
    assert "-secret" not in repr(outcomes) + repr(made._settings)


FOLLOWED = {
    "start": {
        "method": "POST",
        "path": "/jobs/{object}",
        "follow": {"state": "job.state", "succeeded": ["done"], "failed": ["broken"]},
        "done": {"path": "/jobs/{object}?key={key}", "jmespath": "length(jobs) > `0`", "missing": False},
    }
}


@pytest.mark.parametrize(
    ("say", "state", "retry"),
    [
        (Say({"job": {"state": "busy"}}), "underway", True),
        (Say({"job": {"state": "done"}}), "succeeded", True),
        (Say({"job": {"state": "broken"}}), "failed", False),
        (Say({"job": {}}), "underway", True),
        (Say(b"no JSON"), "underway", True),
        (Say({}, 503), "underway", True),
        (Say({}, 404), "unknown", True),
        (Say({}, 410), "unknown", True),
        (Say(raw=lambda line: None), "underway", True),
    ],
    ids=["busy", "done", "broken", "no state", "no JSON", "503", "404", "410", "cut"],
)
def test_following(say: Say, state: str, retry: bool, tmp_path: Path) -> None:
    """What was accepted is asked for where the service says, until it is in a state that ends it."""
    with listening(lambda asked: Say({}, 202, {"Location": "/status/7"}) if asked.method == "POST" else say) as running:
        made = executor(running.url, tmp_path, actions=FOLLOWED)
        begun = made.perform(order("start"), soon())
        assert (begun.state, begun.reference) == ("underway", f"{running.url}/status/7")
        for ask in (made.follow, made.inspect):
            assert brief(ask(order("start", reference=begun.reference), soon())) == (state, retry)


@pytest.mark.parametrize(
    "location", ["http://127.0.0.2:9/x", "//evil.example/x", "http://u@127.0.0.1/", None], ids=repr
)
def test_followed_nowhere_else(location: str | None, tmp_path: Path) -> None:
    """Nothing is followed to another address, and what cannot be followed is unknown."""
    headers = {} if location is None else {"Location": location}
    with listening(lambda asked: Say({}, 202, headers)) as running:
        assert executor(running.url, tmp_path, actions=FOLLOWED).perform(order("start"), soon()).state == "unknown"


def test_a_place_to_follow_by_template(tmp_path: Path) -> None:
    """The settings may say where to follow, and a term that does not fit there is found before anything is sent."""
    follow = {**FOLLOWED["start"]["follow"], "path": "/jobs/by-key/{key}/{1}"}  # type: ignore[dict-item]
    actions = {"start": {"method": "POST", "path": "/jobs", "follow": follow}}
    with listening(lambda asked: Say({"job": {"state": "done"}}, 202 if asked.method == "POST" else 200)) as running:
        made = executor(running.url, tmp_path, actions=actions)
        given = order("start", _1="x")
        begun = made.perform(given, soon())
        assert begun.reference == f"/jobs/by-key/{given.key}/x"
        followed = Order(given.key, "start", given.arguments, reference=begun.reference)
        assert made.follow(followed, soon()).state == "succeeded"
        asked = len(running.asked)
        assert brief(made.perform(order("start", _1=None), soon())) == ("failed", False)
        assert len(running.asked) == asked


@pytest.mark.parametrize(
    ("say", "state"),
    [
        (Say({"jobs": [1]}), "succeeded"),
        (Say({"jobs": []}), "absent"),
        (Say({}, 404), "absent"),
        (Say({"jobs": None}), "unknown"),
        (Say([]), "unknown"),
        (Say({"jobs": [1]}, 500), "unknown"),
        (Say(raw=lambda line: None), "unknown"),
    ],
    ids=["done", "not done", "404", "null", "another shape", "500", "cut"],
)
def test_inspecting(say: Say, state: str, tmp_path: Path) -> None:
    """Whether it was done is what the service says, and unknown if it says nothing of the kind."""
    with listening(lambda asked: say) as running:
        made = executor(running.url, tmp_path, actions=FOLLOWED)
        given = order("start")
        assert made.inspect(given, soon()).state == state
        assert running.asked[0].target == f"/jobs/n1?key={given.key}"
        assert made.inspect(order("post", path="/x"), soon()).state == "unknown"


def test_a_service_that_does_it_and_answers_500(tmp_path: Path) -> None:
    """After a 500 the service itself tells whether it was done, by the key."""
    done: list[str] = []

    def script(asked: Asked) -> Say:
        if asked.method == "POST":
            done.append(asked.headers["Idempotency-Key"])
            return Say({}, 500)
        return Say({"jobs": [key for key in done if key == asked.query["key"]]})

    with listening(script) as running:
        made = executor(running.url, tmp_path, actions=FOLLOWED)
        given = order("start")
        assert made.inspect(given, soon()).state == "absent"
        assert made.perform(given, soon()).state == "unknown"
        assert made.inspect(given, soon()).state == "succeeded"


def test_kinds(tmp_path: Path) -> None:
    """What can be done is what the settings say: parameters, whether it is repeatable, its inverse and its effects."""
    effects = ["{source}:nodes+(id=v, drained=true) :- {target}:drain(v)."]
    actions = {
        **DRAIN,
        "undrain": {"method": "PUT", "path": "/{object}", "inverse": "drain", "effects": effects},
        "post": {"method": "POST", "path": "/only/{object}", "repeatable": True},
    }
    kinds = executor("http://127.0.0.1:1", tmp_path, actions=actions).kinds
    assert sorted(kinds) == ["delete", "drain", "get", "patch", "post", "put", "undrain"]
    drain, undrain = kinds["drain"], kinds["undrain"]
    assert [each.name for each in drain.parameters] == ["object", "reason", "grace"]
    assert (drain.rest, drain.repeatable, drain.inverse) == (True, False, None)
    assert (undrain.rest, undrain.repeatable, undrain.inverse, undrain.effects) == (
        False,
        True,
        "drain",
        tuple(effects),
    )
    assert kinds["post"].repeatable
    assert "get" not in executor("http://127.0.0.1:1", tmp_path, actions=actions, verbs=False).kinds


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"path": "/{other}"}, "none of its parameters"),
        ({"path": "/{object"}, "single `{`"),
        ({"path": "/../{object}"}, "should be a path"),
        ({"path": "http://evil.example/"}, "should be a path"),
        ({"path": "/x", "body": {"a": ["}"]}}, "single `}`"),
        ({"path": "/x", "parameters": ["key"]}, "names of their own"),
        ({"path": "/x", "parameters": ["a", "a"]}, "names of their own"),
        ({"path": "/x", "inverse": "none"}, "is none of its actions"),
        ({"path": "/x", "done": {"path": "/x", "jmespath": "a["}}, "no JMESPath"),
        ({"path": "/x", "follow": {"state": "a", "succeeded": []}}, "at least 1"),
        ({"path": "/x", "unknown": 1}, "Extra"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_settings_that_do_not_fit(action: dict[str, Any], says: str) -> None:
    """What is wrong in the description of an action is found when it is read."""
    with pytest.raises(ValidationError, match=says.replace("{", r"\{").replace("}", r"\}")):
        Settings.model_validate({"url": "http://h", "actions": {"x": {"method": "POST", **action}}})


def test_reachable(tmp_path: Path) -> None:
    """Whether somebody listens is seen without a request."""
    with listening(lambda asked: Say({})) as running:
        assert executor(running.url, tmp_path).reachable(soon()) is None
        assert running.asked == []
    told = executor(f"http://127.0.0.1:{closed_port()}", tmp_path).reachable(soon())
    assert told is not None
    assert told.endswith("no connection: connection refused")
