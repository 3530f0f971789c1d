"""Probes over the network, against real servers on loopback, the well-behaved and the others."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from congresslite.sources.probes.measurement import Measurement
from tests.sources.probing import measured, missing


class Peer:
    """A server that answers each request with the same bytes; with `slowly`, one by one, and without an end."""

    def __init__(self, reply: bytes, *, slowly: bool = False, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self._reply = reply
        self._slowly = slowly
        self._context = context
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._closing.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._closing.is_set():
                connection.close()
                return
            with suppress(OSError):
                self._answer(connection)
            connection.close()

    def _answer(self, plain: socket.socket) -> None:
        connection = plain if self._context is None else self._context.wrap_socket(plain, server_side=True)
        with connection:
            self.requests.append(connection.recv(1 << 16).decode(errors="replace"))
            if not self._slowly:
                connection.sendall(self._reply)
                return
            for position in range(len(self._reply)):
                connection.sendall(self._reply[position : position + 1])
                self._closing.wait(0.02)
            self._closing.wait()


@contextmanager
def peer(reply: bytes = b"", **how: Any) -> Iterator[Peer]:
    """A server while it is needed."""
    made = Peer(reply, **how)
    try:
        yield made
    finally:
        made.close()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def get(server: Peer, path: str = "/", **settings: Any) -> Measurement:
    """What a probe finds on a page of a server."""
    return measured(type="http", url=f"http://127.0.0.1:{server.port}{path}", **settings)


# -- ICMP ----------------------------------------------------------------------------------------


def test_ping() -> None:
    """An address that answers has a round-trip time."""
    found = measured(type="icmp", address="127.0.0.1")
    if not found.ran:
        missing("permission to ping")
    assert found.ok
    assert found.value is not None
    assert found.value > 0


def test_ping_of_an_unknown_name() -> None:
    """A name that leads nowhere tells nothing of an object."""
    found = measured(type="icmp", address="nowhere.invalid")
    assert (found.ran, found.value) == (False, None)
    assert found.fault == "the name `nowhere.invalid` is not known"


def _ping_as_nobody(answers: Connection) -> None:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    answers.send(measured(type="icmp", address="127.0.0.1"))


def test_ping_not_permitted() -> None:
    """Where pings are not permitted, nothing is known, and the row says how to permit them."""
    low, high = map(int, Path("/proc/sys/net/ipv4/ping_group_range").read_text().split())
    if os.geteuid() != 0 or low <= 65534 <= high:
        pytest.skip("this needs a process that may give up its rights, and a system that permits pings to few")
    ours, theirs = get_context("fork").Pipe()
    child = get_context("fork").Process(target=_ping_as_nobody, args=(theirs,))
    child.start()
    assert ours.poll(20)
    found = ours.recv()
    child.join()
    assert not found.ran
    assert found.fault.startswith("CL549: pings are not permitted to this process (let its group ping: `sysctl")


# -- TCP -----------------------------------------------------------------------------------------


def test_connect() -> None:
    """A port that takes connections has a time to connect."""
    with peer() as server:
        found = measured(type="tcp", address="127.0.0.1", port=server.port)
    assert found.ok
    assert found.value is not None
    assert found.value > 0


def test_refused() -> None:
    """A port that nobody listens on is a fault of the object."""
    found = measured(type="tcp", address="127.0.0.1", port=closed_port())
    assert found == Measurement(None, "connection refused")


def test_no_answer() -> None:
    """A port that does not answer in time is a fault of the object, as soon as the time is over."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        # The queue is full once one connection waits in it; nobody takes it out.
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        found = measured(type="tcp", address="127.0.0.1", port=port, timeout=0.3)
        for each in waiting:
            each.close()
    assert found == Measurement(None, "no answer within 0.3 s")


def test_unknown_name() -> None:
    """A name that is not known may be our trouble as well as the object's: nothing is known."""
    found = measured(type="tcp", address="nowhere.invalid", port=80)
    assert not found.ran
    assert found.fault is not None
    assert found.fault.startswith("the name is not known")


# -- HTTP ----------------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"
PAGE = OK + b"Content-Length: 10\r\n\r\nall's well"
NOT_HTTP = "the reply is no whole HTTP reply"


@pytest.mark.parametrize(
    ("reply", "settings", "fault"),
    [
        (PAGE, {}, None),
        (OK + b"\r\nuntil the end", {"expect_text": "until"}, None),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", {"expect_text": "abc"}, None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + PAGE, {}, None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", {}, None),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", {}, "the status is 500"),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", {"expect_status": [200, 401]}, None),
        (PAGE, {"expect_status": [204]}, "the status is 200"),
        (PAGE, {"expect_text": "all's well"}, None),
        (PAGE, {"expect_text": "ready"}, "the reply does not have the expected text"),
        (OK + b"Content-Length: 100\r\n\r\ncut short", {}, NOT_HTTP),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n30\r\nabc", {}, NOT_HTTP),
        (OK + b"Content-Length: 2\r\n\r\n\xff\xfe", {}, None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", {}, NOT_HTTP),
        (b"", {}, NOT_HTTP),
        (OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n", {}, NOT_HTTP),
        (OK + b"X: x\r\n" * 1000 + b"\r\n", {}, NOT_HTTP),
        (OK + b"\r\n" + b"x" * (2 << 20), {}, "the reply is longer than 1 MB"),
        (b"HTTP/1.1 abc\r\n\r\n", {}, NOT_HTTP),
    ],
    ids=[
        "well",
        "without a length",
        "in chunks",
        "after a 100",
        "nothing to say",
        "an error of the server",
        "an expected status",
        "not the expected status",
        "the expected text",
        "not the expected text",
        "cut short",
        "cut short within a chunk",
        "no text",
        "another protocol",
        "nothing at all",
        "an endless header",
        "headers without end",
        "too long",
        "no status",
    ],
)
def test_replies(reply: bytes, settings: dict[str, Any], fault: str | None) -> None:
    """A reply is well if it is whole and as expected, and otherwise a fault that says what it is."""
    with peer(reply) as server:
        found = get(server, **settings)
    assert found.ran
    assert found.fault == fault


def test_status_as_value() -> None:
    """The status is a value for thresholds, also where it is not as expected."""
    with peer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as server:
        assert get(server, value="status") == Measurement(503, "the status is 503")


def test_trickle() -> None:
    """A server that sends a byte now and then is out of time at the end of the time, not of each byte."""
    with peer(PAGE, slowly=True) as server:
        assert get(server, timeout=0.5) == Measurement(None, "no answer within 0.5 s")


def test_redirect() -> None:
    """A redirect is a status, and is not followed: nobody sends the probe to another address."""
    with peer(PAGE) as other:
        location = f"Location: http://127.0.0.1:{other.port}/\r\n".encode()
        with peer(b"HTTP/1.1 302 Found\r\n" + location + b"Content-Length: 0\r\n\r\n") as server:
            assert get(server).fault == "the status is 302"
        assert other.requests == []


def test_request() -> None:
    """The request is for the page that was named, with the headers and the credentials that were given."""
    with peer(PAGE) as server:
        credentials = {"username": "watch", "password": "pass:word"}
        assert get(server, "/health?deep=1", headers={"x-token": "t0ken"}, **credentials).ok
    lines = server.requests[0].split("\r\n")
    assert lines[0] == "GET /health?deep=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "X-Token: t0ken" in lines
    assert "Authorization: Basic d2F0Y2g6cGFzczp3b3Jk" in lines


def test_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the server's environment does not come between the probe and what it measures."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    with peer(PAGE) as server:
        assert get(server).ok


# -- HTTPS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "probe")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def secure(certificate: Path, host: str = "127.0.0.1", **settings: Any) -> Measurement:
    """What a probe finds on a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with peer(PAGE, context=context) as server:
        return measured(type="http", url=f"https://{host}:{server.port}/", **settings)


def test_certificate_that_nobody_trusts(certificate: Path) -> None:
    """A certificate that is not trusted is a fault."""
    found = secure(certificate)
    assert found.ran
    assert found.fault is not None
    assert found.fault.startswith("the certificate is not trusted: self-signed")


def test_certificate_of_another_host(certificate: Path) -> None:
    """A trusted certificate of another host is a fault."""
    found = secure(certificate, host="localhost", ca=str(certificate))
    assert found.fault is not None
    assert "not trusted" in found.fault


@pytest.mark.parametrize("settings", [{"ca": True}, {"verify": False}], ids=["trusted", "not verified"])
def test_certificate_that_is_taken(certificate: Path, settings: dict[str, Any]) -> None:
    """A certificate is taken if the probe names it as trusted, or asks for no trust."""
    given = {name: str(certificate) if name == "ca" else value for name, value in settings.items()}
    found = secure(certificate, **given)
    assert found.fault is None
    assert found.value is not None


def test_no_tls() -> None:
    """A server that speaks no TLS is a fault."""
    with peer(b"HTTP/1.1 400 Speak plainly\r\n\r\n") as server:
        found = measured(type="http", url=f"https://127.0.0.1:{server.port}/")
    assert found.ran
    assert found.fault


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    """Without the certificates that it is to trust, a probe is not run."""
    for text in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if text is not None:
            path.write_text(text)
        found = measured(type="http", url="https://127.0.0.1:1/", ca=str(path))
        assert not found.ran
        assert found.fault is not None
        assert found.fault.startswith(f"CL402: the certificates `{path}` cannot be read")
