"""A server as a process: event streams, its start, its stop, and what keeps it from starting."""

from __future__ import annotations

import datetime
import http.client
import json
import signal
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.server.served import PATIENCE, Served, Stream, failing, serving, write_config


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with few threads, so that whoever holds one is missed."""
    path = write_config(tmp_path_factory.mktemp("served") / "x", server={"threads": 2, "streams": 4})
    with serving(path) as served:
        yield served


def wait(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


# -- event streams -------------------------------------------------------------------------------


def test_changes_are_told_as_they_happen(served: Served) -> None:
    """Whoever watches is told what came and went, and misses nothing after a break."""
    stream = Stream(served)
    assert (stream.status, stream.response.getheader("Content-Type")) == (200, "text/event-stream; charset=utf-8")
    served.push({"id": "s1", "n": 9})
    first = stream.event()
    data = json.loads(first["data"])
    assert [(each["rule"], each["object"]) for each in data["opened"]] == [("busy", "s1")]
    assert int(first["id"]) == data["batch"]
    stream.close()
    served.push({"id": "s2", "n": 9})
    served.push({"id": "s1", "n": 1})
    for query, headers in ((f"?after={first['id']}", {}), ("", {"Last-Event-ID": first["id"]})):
        again = Stream(served, query, headers)
        opened, resolved = json.loads(again.event()["data"]), json.loads(again.event()["data"])
        assert [each["object"] for each in opened["opened"]] == ["s2"]
        assert [each["object"] for each in resolved["resolved"]] == ["s1"]
        again.close()


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "9" * 40, "٣"])
def test_a_last_event_that_is_none(served: Served, last: str) -> None:
    """A last event that is no number is refused."""
    stream = Stream(served, headers={"Last-Event-ID": last.encode().decode("latin-1")})
    assert stream.status == 422
    stream.close()


def test_too_many_streams(served: Served) -> None:
    """Streams take no thread from requests, there are only so many, and whoever leaves makes room."""
    wait(lambda: "congresslite_event_streams 0.0" in _metrics(served))
    streams = [Stream(served) for _ in range(4)]
    assert [stream.status for stream in streams] == [200] * 4
    refused = Stream(served)
    assert (refused.status, refused.response.getheader("Retry-After")) == (503, "5")
    assert json.loads(refused.response.read())["code"] == "CL563"
    refused.close()
    assert served.ask("GET", "/v1/violations")[0] == 200
    served.push({"id": "s3", "n": 9})
    assert {json.loads(stream.event()["data"])["opened"][0]["object"] for stream in streams} == {"s3"}
    streams.pop().close()

    def room() -> bool:
        # A dead peer is noticed once something is sent to it.
        served.push({"id": "s4", "n": int(time.monotonic() * 1000) % 100_000})
        stream = Stream(served)
        stream.close()
        return stream.status == 200

    wait(room)
    for stream in streams:
        stream.close()


def test_fifty_streams_at_once(tmp_path: Path) -> None:
    """Fifty streams are told the same, each of everything, while others ask and push."""
    with serving(write_config(tmp_path / "x")) as served, ThreadPoolExecutor(50) as pool:
        streams = [Stream(served) for _ in range(50)]
        told = [pool.submit(_ids, stream) for stream in streams]
        for batch in range(10):
            served.push(*({"id": f"v{batch}-{number}", "n": 9} for number in range(100)))
            assert served.ask("GET", "/v1/violations?limit=100")[0] == 200
        first, *others = [each.result(PATIENCE) for each in told]
        assert len(set(first)) == 10
        assert all(each == first for each in others)
        for stream in streams:
            stream.close()


def _ids(stream: Stream) -> list[str]:
    return [stream.event()["id"] for _ in range(10)]


def _metrics(served: Served) -> str:
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    if "congresslite_event_streams 0.0" not in text:
        served.push({"id": "s5", "n": int(time.monotonic() * 1000) % 100_000})
    return text


# -- start and stop ------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_streams_and_keeps_everything(tmp_path: Path, sent: signal.Signals) -> None:
    """On a signal streams end, the process too, and after the next start all is as it was."""
    path = write_config(tmp_path / "x")
    with serving(path) as served:
        stream = Stream(served)
        served.push({"id": "k1", "n": 9})
        assert stream.event()["event"] == "violations"
        assert served.end(sent) == 0
        assert stream.event() == {}
        stream.close()
    with serving(path) as served:
        assert [each["object"] for each in served.ask("GET", "/v1/violations")[1]["items"]] == ["k1"]


def test_a_request_finishes_before_the_end(tmp_path: Path) -> None:
    """A request that has begun is answered though the server is stopping; a second Ctrl-C does not wait for one."""
    path = write_config(tmp_path / "x")
    with serving(path) as served:
        slow = _begun(served)
        served.process.send_signal(signal.SIGTERM)
        wait(lambda: not _accepts(served))
        slow.sendall(b'"inv:vm(v)"}')
        assert slow.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        slow.close()
        assert served.process.wait(PATIENCE) == 0
    with serving(path) as served:
        slow = _begun(served)
        served.process.send_signal(signal.SIGINT)
        wait(lambda: not _accepts(served))
        assert served.end(signal.SIGINT) == 130
        slow.close()


def _begun(served: Served) -> socket.socket:
    """A connection with a request whose body is not there yet, which a thread waits for."""
    parts = urlsplit(served.url)
    connection = socket.create_connection((parts.hostname, parts.port or 0), timeout=PATIENCE)
    connection.sendall(
        b"POST /v1/queries HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Content-Length: 22\r\nConnection: close\r\n\r\n{"query": '
    )
    # The other requests are answered after this one was taken up.
    assert served.ask("GET", "/health/live")[0] == 200
    return connection


def _accepts(served: Served) -> bool:
    parts = urlsplit(served.url)
    try:
        with socket.create_connection((parts.hostname, parts.port or 0), timeout=PATIENCE) as connection:
            connection.settimeout(0.2)
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return bool(connection.recv(1))
    except OSError:
        return False


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """After a kill in the middle of things, a start is possible at once, and what was acknowledged is there."""
    path = write_config(tmp_path / "x")
    with serving(path) as served:
        served.push({"id": "k1", "n": 9})
        served.end(signal.SIGKILL)
    with serving(path) as served:
        assert [each["object"] for each in served.ask("GET", "/v1/violations")[1]["items"]] == ["k1"]


def test_a_port_that_is_taken(served: Served, tmp_path: Path) -> None:
    """Where another program listens, the finding says so and what to do."""
    code, told = failing(write_config(tmp_path / "x"), "--listen", urlsplit(served.url).netloc)
    assert code == 2
    assert "error[CL566]: it is not possible to listen here: address already in use" in told
    assert "--listen" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("changes", "listen", "expected"),
    [
        ({"state": "{folder}/congresslite.yaml/state"}, "127.0.0.1:0", "CL569"),
        ({"state": "{folder}/congresslite.yaml"}, "127.0.0.1:0", "CL569"),
        ({}, "nowhere.invalid:0", "CL566"),
        ({}, "192.0.2.1:8181", "CL566"),
        ({}, "0.0.0.0:0", "CL495"),
        ({"auth": {"required": False}}, "0.0.0.0:0", "CL494"),
        ({"server": {"tls": {"certificate": "{folder}/none.pem", "key": "{folder}/none.pem"}}}, "127.0.0.1:0", "CL567"),
        ({"server": {"tls": {"certificate": "{folder}/nfv.dl", "key": "{folder}/nfv.dl"}}}, "127.0.0.1:0", "CL567"),
        ({"policies": ["inv.yaml"]}, "127.0.0.1:0", "CL"),
        ({"sources": {"inv": {"driver": "push", "definition": "{folder}/none.yaml"}}}, "127.0.0.1:0", "CL"),
    ],
    ids=["state below a file", "state is a file", "no such name", "no such address", "open to all",
         "open to all on purpose", "no certificate", "no PEM", "a wrong policy", "a wrong source"],
)  # fmt: skip
def test_what_keeps_it_from_starting(tmp_path: Path, changes: dict[str, object], listen: str, expected: str) -> None:
    """A server that cannot start says why in a finding, and ends with 2."""
    folder = tmp_path / "x"
    if listen == "192.0.2.1:8181":
        changes = {**changes, "auth": {"tokens": [{"name": "a", "role": "admin", "sha256": "0" * 64}]}}
    if listen == "nowhere.invalid:0":
        changes = {**changes, "auth": {"tokens": [{"name": "a", "role": "admin", "sha256": "0" * 64}]}}
    filled = json.loads(json.dumps(changes).replace("{folder}", str(folder)))
    code, told = failing(write_config(folder, **filled), "--listen", listen)
    assert code == 2, told
    assert f"error[{expected}" in told
    assert "Traceback" not in told
    assert '"level"' not in told


# -- encryption ----------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for this machine and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def test_https(tmp_path: Path) -> None:
    """With a certificate the server speaks HTTPS, of today, and tells browsers to stay with it."""
    crt, key = certificate(tmp_path, "one")
    path = write_config(tmp_path / "x", server={"tls": {"certificate": str(crt), "key": str(key)}})
    with serving(path) as served:
        assert served.url.startswith("https://127.0.0.1:")
        port = urlsplit(served.url).port
        trusting = ssl.create_default_context(cafile=str(crt))
        connection = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=PATIENCE)
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        assert response.status == 200
        assert response.getheader("Strict-Transport-Security")
        connection.close()
        old = ssl.create_default_context(cafile=str(crt))
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        refused = http.client.HTTPSConnection("localhost", port, context=old, timeout=PATIENCE)
        with pytest.raises((ssl.SSLError, OSError)):
            refused.request("GET", "/health/ready")


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    """A key that does not fit its certificate is told before anything starts."""
    crt, _ = certificate(tmp_path, "one")
    _, key = certificate(tmp_path, "two")
    path = write_config(tmp_path / "x", server={"tls": {"certificate": str(crt), "key": str(key)}})
    code, told = failing(path, "--listen", "127.0.0.1:0")
    assert code == 2
    assert "error[CL567]: the certificate or its key cannot be used: key values mismatch" in told


@pytest.mark.parametrize("within", [False, True], ids=["beside the rest", "under settings"])
def test_what_came_from_elsewhere_is_not_shown(tmp_path: Path, within: bool) -> None:
    """A setting that the configuration takes from a file is masked for whoever reads the source."""
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path}/hidden.sqlite", encoding="utf-8")
    own = {"url": {"file": "url"}, "tables": {"t": {"query": "SELECT 1 AS id", "columns": {"id": "int"}}}}
    sources = {"cmdb": {"driver": "sql", **({"settings": own} if within else own)}}
    with serving(write_config(tmp_path, sources=sources, policies=[])) as served:
        status, told = served.ask("GET", "/v1/sources/cmdb")
        assert (status, told["settings"]["url"]) == (200, "********")
