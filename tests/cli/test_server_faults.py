"""A server that cannot be asked, that is none, or that lies: findings with the mend, and no secret in any of them."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from congresslite.cli.client import events, http
from tests.cli.conftest import Run
from tests.sources.service import Asked, Say, Service, service

TOKEN = "s3cr3t-token-of-mine"  # noqa: S105
EMPTY: dict[str, Any] = {"items": [], "next": None}
Ask = Callable[..., Result]
ESC = "\x1b[31m\u202e"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for what is tried again, and nothing comes from the environment."""
    for name in [each for each in os.environ if each.startswith("CONGRESSLITE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CONGRESSLITE_TOKEN", TOKEN)
    monkeypatch.setattr(http, "_WAITS", (0.0, 0.0))
    monkeypatch.setattr(events, "WAITS", (0.0, 0.0))


@pytest.fixture
def ask(run: Run) -> Ask:
    """Run a command against a scripted server; no output of it shows the token."""

    def invoke(running: Service, *arguments: str) -> Result:
        result = run(*arguments, "--server", running.url)
        assert TOKEN not in result.output
        return result

    return invoke


def always(say: Say) -> Callable[[Asked], Say]:
    """A script that answers everything alike."""
    return lambda asked: say


def problem(status: int, message: str, **more: Any) -> Say:
    """A problem document."""
    body = {
        "type": "/docs/errors/CL550", "title": "t", "status": status, "detail": message, "code": "CL550",
        "location": None, "hint": None, "findings": [], "trace_id": "abc", **more,
    }  # fmt: skip
    return Say(body, status, {"Content-Type": "application/problem+json"})


@pytest.mark.parametrize(
    ("say", "code", "told"),
    [
        (Say(b"<h1>Sign in</h1>"), "CL592", "it begins with `Sign in`"),
        (Say(b""), "CL592", "it is empty"),
        (Say(b"[" * 100_000), "CL592", "none of a congresslite server"),
        (Say({"items": [{"name": 1}], "next": None}), "CL592", "none of a congresslite server"),
        (Say({"items": None}), "CL592", "none of a congresslite server"),
        (Say(b"gone", 404), "CL592", "(status 404)"),
        (Say(b"", 302, {"Location": "https://elsewhere.example/login?next=secret"}), "CL592", "is not followed"),
        (Say(b"", 307, {}), "CL592", "is not followed"),
        (problem(422, "that is wrong"), "CL550", "that is wrong"),
        (problem(500, "an internal error"), "CL550", "note: the trace id is abc"),
        (problem(422, ESC), "CL550", "␛[31m\ufffd"),
        (problem(422, f"you said {TOKEN}"), "CL550", "you said ***"),
        (Say(f"you said {TOKEN}".encode()), "CL592", "you said ***"),
    ],
    ids=[
        "a page", "nothing", "too deep", "another shape", "no list", "another 404", "a redirect",
        "a redirect to nowhere", "a problem", "an internal error", "a hostile problem", "a problem with the token",
        "a page with the token",
    ],
)  # fmt: skip
def test_replies(ask: Ask, say: Say, code: str, told: str) -> None:
    """Whatever answers, the finding says what it is, and shows the text of others as text."""
    with service(always(say)) as running:
        result = ask(running, "policy", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"error[{code}]" in result.stderr
    assert told in result.stderr
    assert "\x1b" not in result.output
    assert len(running.asked) == 1


def test_a_newer_server_may_tell_more(ask: Ask) -> None:
    """Keys that are not known are left alone."""
    with service(always(Say({**EMPTY, "more": 1}))) as running:
        assert ask(running, "policy", "list").stdout == "no policies\n"


def test_a_reply_that_is_too_big(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """No reply takes more memory than it may."""
    monkeypatch.setattr(http, "MAX_BYTES", 1000)
    with service(always(Say({**EMPTY, "more": "x" * 2000}))) as running:
        assert "bigger than 1,000 bytes" in ask(running, "policy", "list").stderr


def test_a_server_that_does_not_end(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps nobody waiting for ever."""
    monkeypatch.setattr(http, "WHOLE", 0.3)

    def drip(line: Any) -> None:
        line.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while not running.closing.wait(0.05):
            line.write(b" ")

    with service(always(Say(raw=drip))) as running:
        result = ask(running, "policy", "list")
    assert (result.exit_code, "error[CL591]" in result.stderr) == (2, True)
    assert "no whole answer within 0.3 s" in result.stderr


def test_a_silent_server(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says nothing is given up, and not asked again and again for what changes something."""
    monkeypatch.setattr(http, "SILENCE", 0.2)

    def say_nothing(line: Any) -> None:
        running.closing.wait()

    with service(always(Say(raw=say_nothing))) as running:
        read = ask(running, "policy", "list")
        assert "nothing came for 0.2 s" in read.stderr
        assert len(running.asked) == 3
        ask(running, "waiver", "add", "--policy", "p", "--owner", "o", "--reason", "r", "--expires", "2099-01-01")
        assert len(running.asked) == 4


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_failure_that_passes(ask: Ask, status: int) -> None:
    """What changes nothing is asked for again; what changes something is not."""
    replies = iter([problem(status, "later"), problem(status, "later"), Say(EMPTY)])
    with service(lambda asked: next(replies)) as running:
        assert ask(running, "policy", "list").exit_code == 0
    assert len(running.asked) == 3
    with service(always(problem(status, "later"))) as running:
        result = ask(running, "query", "inv:vm(id=x)")
        assert (result.exit_code, "later" in result.stderr, len(running.asked)) == (2, True, 1)


def test_a_wait_that_is_too_long(ask: Ask) -> None:
    """A server that asks for patience is not kept waiting for on a terminal: the finding says so."""
    said = problem(503, "busy")
    with service(always(Say(said.body, 503, {**said.headers, "Retry-After": "3600"}))) as running:
        assert "try again a little later" in ask(running, "policy", "list").stderr
        assert len(running.asked) == 1


def test_nobody_there(run: Run) -> None:
    """Where nobody listens, the finding says how to start a server."""
    with service(always(Say())) as running:
        pass
    result = run("policy", "list", "--server", running.url)
    assert (result.exit_code, "the connection was refused" in result.stderr) == (2, True)
    assert "congresslite serve" in result.stderr


def test_an_unknown_name(run: Run) -> None:
    """A host that nobody knows is told by its name."""
    result = run("policy", "list", "--server", "http://nobody.invalid")
    assert (result.exit_code, "error[CL591]" in result.stderr) == (2, True)


# -- TLS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Service]:
    """A scripted server with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with service(always(Say(EMPTY)), context) as running:
        yield running


def test_tls(ask: Ask, secure: Service, certificate: Path) -> None:
    """A certificate is trusted if `--ca` says so, and not otherwise."""
    unknown = ask(secure, "policy", "list")
    assert (unknown.exit_code, "`--ca FILE`" in unknown.stderr, secure.asked) == (2, True, [])
    assert ask(secure, "policy", "list", "--ca", str(certificate)).exit_code == 0
    assert secure.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_wrong_certificates(ask: Ask, secure: Service) -> None:
    """A file of `--ca` that is not there, or holds no certificate, is told."""
    Path("no.pem").write_text("nothing", encoding="utf-8")
    assert "error[CL590]" in ask(secure, "policy", "list", "--ca", "nowhere.pem").stderr
    assert "error[CL591]" in ask(secure, "policy", "list", "--ca", "no.pem").stderr


def test_tls_where_there_is_none(run: Run) -> None:
    """Whoever speaks HTTPS to a server that does not learns it."""
    with service(always(Say(EMPTY))) as running:
        result = run("policy", "list", "--server", running.url.replace("http:", "https:"))
    assert (result.exit_code, "begin the address with `http://`" in result.stderr) == (2, True)


# -- what is sent ----------------------------------------------------------------------------------


def test_what_the_environment_has_no_part_in(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy is asked, and no .netrc puts another name in the place of the token."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with service(always(Say(EMPTY))) as running:
        assert ask(running, "policy", "list").exit_code == 0
    assert running.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("name", ["a b", "a/b", "ä?x#y", "%2e", "a\nb"])
def test_names_are_quoted(ask: Ask, name: str) -> None:
    """Whatever a name is made of, it leads to no other address."""
    with service(always(problem(404, "no"))) as running:
        ask(running, "policy", "show", name)
    path = running.asked[0].target
    assert path.startswith("/v1/policies/")
    assert not set(path.removeprefix("/v1/policies/")) & set("/?# \n")


def test_a_path_before_the_server(run: Run) -> None:
    """A server behind a proxy may be served under a path."""
    with service(always(Say(EMPTY))) as running:
        assert run("policy", "list", "--server", f"{running.url}/noc/").exit_code == 0
    assert running.paths() == ["/noc/v1/policies"]


def test_a_token_in_the_clear(run: Run) -> None:
    """Whoever sends a token over the network unencrypted is warned."""
    result = run("policy", "list", "--server", "http://nobody.invalid")
    assert "use https" in result.stderr
    assert TOKEN not in result.output


def test_a_light_installation(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the parts that speak HTTP are not installed, the command says what brings them."""
    import sys

    for name in [each for each in sys.modules if each.startswith("congresslite.cli.client.http")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "requests", None)
    with service(always(Say(EMPTY))) as running:
        result = ask(running, "policy", "list")
    assert (result.exit_code, running.asked) == (2, [])
    assert "congresslite[server]" in result.stderr


# -- hostile lists, and streams --------------------------------------------------------------------


def test_a_cursor_that_leads_round(ask: Ask) -> None:
    """A list whose pages lead round ends."""
    page: dict[str, Any] = {"items": [], "next": "again", "undetermined": [], "as_of": None}
    with service(always(Say(page))) as running:
        assert ask(running, "violations", "list", "--all", "-o", "json").exit_code == 0
    assert len(running.asked) == 2


def test_hostile_names(ask: Ask) -> None:
    """Names that a server tells move no cursor."""
    source = {
        "name": ESC, "driver": ESC, "managed": "api", "health": "fresh", "feeds": [], "watching": True,
        "watch_fault": ESC,
    }  # fmt: skip
    with service(always(Say({"items": [source], "next": None}))) as running:
        result = ask(running, "source", "list")
    assert "␛[31m\ufffd" in result.stdout
    assert "\x1b" not in result.output


def stream(*pieces: bytes) -> Say:
    """An event stream that ends after some pieces."""

    def raw(line: Any) -> None:
        line.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for piece in pieces:
            line.write(piece)
            line.flush()

    return Say(raw=raw)


def event(number: int, message: str = "m") -> bytes:
    """An event that one violation came."""
    data = {"batch": number, "at": "2026-05-01T12:00:00Z", "opened": [{"severity": "high", "message": message}]}
    return f"id: {number}\nevent: violations\ndata: {json.dumps({**data, 'resolved': None})}\n\n".encode()


def test_a_stream_that_breaks(ask: Ask) -> None:
    """After a break the stream goes on behind the last event that came."""
    replies = iter([stream(event(7), event(8)), Say(b"down", 503), stream(event(9))])
    with service(lambda asked: next(replies)) as running:
        result = ask(running, "violations", "watch", "--events", "3")
    assert result.exit_code == 0
    assert result.stdout.count("2026-05-01 12:00:00Z  +  high") == 3
    assert [each.headers.get("Last-Event-ID") for each in running.asked] == [None, "8", "8"]
    assert "the connection was lost" in result.stderr


def test_a_stream_that_is_gone(ask: Ask) -> None:
    """A server that does not come back is given up; one that never answered is not asked again."""
    replies = iter([stream(event(7))])
    with service(lambda asked: next(replies, Say(b"down", 502))) as running:
        assert ask(running, "violations", "watch").exit_code == 2
        assert len(running.asked) == 3
        assert ask(running, "violations", "watch").exit_code == 2
        assert len(running.asked) == 4


@pytest.mark.parametrize(
    "data", [b"nonsense", b"[]", b'{"opened": 3}', b'{"opened": [1], "at": 7}', b"\xff", ESC.encode()]
)
def test_hostile_events(ask: Ask, data: bytes) -> None:
    """An event that cannot be read is shown as nothing, and ends nothing."""
    pieces = b"event: violations\ndata: " + data + b"\n\n", event(1, ESC)
    with service(always(stream(*pieces))) as running:
        result = ask(running, "violations", "watch", "--events", "2")
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert "␛[31m" in result.stdout


def test_a_page_instead_of_a_stream(ask: Ask) -> None:
    """What sends no events is no server."""
    with service(always(Say({}))) as running:
        assert "it does not send events" in ask(running, "violations", "watch").stderr
