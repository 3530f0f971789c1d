"""How a service is spoken to: who we are, what is tried again, and what is never waited for, read or followed."""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from congresslite import __version__
from congresslite.sources.driver import Deadline
from congresslite.sources.drivers.rest import RestDriver
from tests.sources.service import BOXES, Asked, Say, Service, driver, failure, rows, service

BOX = {"boxes": [{"id": "a", "size": 1}]}
LAB = "replies:\n  boxes: {path: /boxes, headers: {X-Version: '2'}}\n" + BOXES
SECRET = "hush-hush-hush"  # noqa: S105 (it opens nothing)


@contextmanager
def opened(script: Callable[[Asked], Say], folder: Path, **settings: Any) -> Iterator[tuple[Service, RestDriver]]:
    """A service and its driver."""
    with service(script) as there, driver(there.url, folder, LAB, **settings) as lab:
        yield there, lab


def sizes(lab: RestDriver, within: float = 10) -> list[tuple[Any, ...]]:
    """What a pull brings."""
    return rows(lab.pull("boxes", Deadline.after(within))["boxes"])


def test_headers(tmp_path: Path):
    """A request says who asks, for what, and has the headers of the definition and of the settings."""
    with opened(lambda asked: Say(BOX), tmp_path, headers={"X-Key": SECRET}) as (there, lab):
        assert sizes(lab) == [("a", 1)]
        headers = there.asked[0].headers
        assert headers["User-Agent"] == f"congresslite/{__version__}"
        assert (headers["X-Version"], headers["X-Key"], headers["Accept"]) == ("2", SECRET, "application/json")
        assert SECRET not in repr(lab._settings)


# -- who we are --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ({"type": "none"}, None),
        ({"type": "basic", "username": "Aladdin", "password": "open sesame"}, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ({"type": "bearer", "token": SECRET}, f"Bearer {SECRET}"),
    ],
    ids=["none", "basic", "bearer"],
)
def test_fixed_auth(auth: dict[str, str], expected: str | None, tmp_path: Path):
    """A user with a password, or a token, goes with each request."""
    with opened(lambda asked: Say(BOX), tmp_path, auth=auth) as (there, lab):
        assert sizes(lab) == [("a", 1)]
        assert there.asked[0].headers.get("Authorization") == expected


def test_oauth2(tmp_path: Path):
    """A token of client credentials is asked for once, kept, and once it is refused, asked for anew."""
    good = {"Bearer token-1"}
    tokens = iter(range(1, 9))

    def script(asked: Asked) -> Say:
        if asked.path == "/token":
            assert asked.headers["Authorization"].startswith("Basic ")
            assert asked.body == b"grant_type=client_credentials&scope=read"
            return Say({"access_token": f"token-{next(tokens)}", "token_type": "Bearer", "expires_in": 3600})
        return Say(BOX) if asked.headers.get("Authorization") in good else Say({}, 401)

    with service(script) as there:
        auth = {"type": "oauth2", "token_url": f"{there.url}/token", "client_id": "me", "client_secret": SECRET}
        with driver(there.url, tmp_path, LAB, auth={**auth, "scope": "read"}) as lab:
            assert sizes(lab) == sizes(lab) == [("a", 1)]
            assert there.paths() == ["/token", "/boxes", "/boxes"]
            good.add("Bearer token-2")
            good.discard("Bearer token-1")
            assert sizes(lab) == [("a", 1)]
            assert there.paths()[3:] == ["/boxes", "/token", "/boxes"]
            good.clear()
            assert failure(lab).code == "CL471"


def test_a_token_that_ends(tmp_path: Path):
    """A token that is at its end is asked for anew before a request is refused."""

    def script(asked: Asked) -> Say:
        return Say({"access_token": "token", "expires_in": 0}) if asked.path == "/token" else Say(BOX)

    with service(script) as there:
        auth = {"type": "oauth2", "token_url": f"{there.url}/token", "client_id": "me", "client_secret": SECRET}
        with driver(there.url, tmp_path, LAB, auth=auth) as lab:
            sizes(lab)
            sizes(lab)
            assert there.paths() == ["/token", "/boxes", "/token", "/boxes"]


def keystone(catalog_url: str, **token: Any) -> Callable[[Asked], Say]:
    """Keystone and a service in one."""

    def script(asked: Asked) -> Say:
        if asked.path == "/v3/auth/tokens":
            if SECRET.encode() not in asked.body:
                return Say({"error": {"message": f"not {asked.body.decode()}"}}, 401)
            endpoints = [
                {"interface": "public", "region_id": "R1", "url": catalog_url or f"http://{asked.headers['Host']}/lab"}
            ]
            told: dict[str, Any] = {
                "roles": [{"name": "reader"}, {"name": "admin"}],
                "catalog": [{"type": "boxes", "endpoints": endpoints}],
                **token,
            }
            return Say({"token": told}, 201, {"X-Subject-Token": "ticket"})
        return Say(BOX) if asked.headers.get("X-Auth-Token") == "ticket" else Say({}, 401)

    return script


USER = {"type": "keystone", "username": "me", "project": "p", "service": "boxes"}
APPLICATION = {"type": "keystone", "application_credential_id": "7", "service": "boxes", "region": "R1"}


@pytest.mark.parametrize(
    "auth",
    [{**USER, "password": SECRET}, {**APPLICATION, "application_credential_secret": SECRET}],
    ids=["user", "application"],
)
def test_keystone(auth: dict[str, str], tmp_path: Path):
    """Keystone gives a token and says where the service is; `auth_url` may have the version or not."""
    for suffix in ("", "/v3", "/v3/"):
        with service(keystone("")) as there:
            url = there.url + suffix
            with driver(None, tmp_path, LAB, auth={**auth, "auth_url": url}) as lab:
                assert sizes(lab) == sizes(lab) == [("a", 1)]
                assert there.paths() == ["/v3/auth/tokens", "/lab/boxes", "/lab/boxes"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "wrong-wrong"}, "status 401"),
        ({"service": "crates"}, "no public address of a service of type `crates`"),
        ({"region": "R2"}, "in region `R2`"),
        ({"roles": ["manager"]}, "none of the roles that see all projects: `manager`"),
    ],
    ids=["a wrong password", "no such service", "no such region", "not such a role"],
)
def test_keystone_refuses(changed: dict[str, Any], said: str, tmp_path: Path):
    """What Keystone does not grant, or does not know, is told; the password is not, though Keystone sent it back."""
    with service(keystone("")) as there:
        auth = {**USER, "password": SECRET, "auth_url": there.url, **changed}
        with driver(None, tmp_path, LAB, auth=auth) as lab:
            told = failure(lab)
            assert told.code == "CL478"
            assert said in told.message
            assert "wrong-wrong" not in told.message


# -- again -------------------------------------------------------------------------------------------


def after(failures: list[Say]) -> Callable[[Asked], Say]:
    """A service that fails some times first."""
    return lambda asked: failures.pop(0) if failures else Say(BOX)


def hang_up(wfile: Any) -> None:
    """Say nothing."""


def cut(wfile: Any) -> None:
    """Say less than was promised."""
    wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"boxes": []')


def cut_chunks(wfile: Any) -> None:
    """Leave the last chunk out."""
    wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n")


@pytest.mark.parametrize(
    "failures",
    [
        [Say({}, 500), Say({}, 503)],
        [Say({}, 429, {"Retry-After": "0"}), Say({}, 503, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"})],
        [Say(raw=hang_up)],
        [Say(raw=cut)],
        [Say(raw=cut_chunks)],
    ],
    ids=["5xx", "Retry-After", "hung up", "cut short", "without the last chunk"],
)
def test_again(failures: list[Say], tmp_path: Path):
    """What may pass is tried again, and passes."""
    many = len(failures)
    with opened(after(failures), tmp_path, retries=3) as (there, lab):
        assert sizes(lab) == [("a", 1)]
        assert len(there.asked) == many + 1


LASTING = {
    "5xx": (Say({"sorry": "no"}, 500), 2, "CL471"),
    "not implemented": (Say({}, 501), 1, "CL471"),
    "forbidden": (Say({}, 403), 1, "CL471"),
    "not found": (Say({}, 404), 1, "CL471"),
    "hung up": (Say(raw=hang_up), 2, "CL470"),
    "cut short": (Say(raw=cut), 2, "CL472"),
    "asked to wait longer than there is time": (Say({}, 429, {"Retry-After": "3600"}), 1, "CL471"),
    "no JSON": (Say(b"<html><script>x</script><p>Sign in, please</p>"), 1, "CL472"),
    "not a number": (Say(b'{"boxes": [NaN]}'), 1, "CL472"),
    "deep": (Say(b"[" * 100000), 1, "CL472"),
    "not UTF-8": (Say(b'{"boxes": "\xff"}'), 1, "CL472"),
    "not compressed as it says": (Say(b"{}", headers={"Content-Encoding": "gzip"}), 2, "CL472"),
}


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts(name: str, tmp_path: Path):
    """What does not pass is told with its address; only what may pass was tried again."""
    say, asked, code = LASTING[name]
    with opened(lambda _: say, tmp_path, retries=1) as (there, lab):
        told = failure(lab)
        assert (told.code, told.place) == (code, f"{there.url}/boxes")
        assert len(there.asked) == asked


def test_what_is_quoted(tmp_path: Path):
    """An error has the first words of a body, without mark-up, control characters, and our own secrets."""
    body = f"<b>\x1b[31mbad\n`token`</b> Bearer {SECRET} {'x' * 500}".encode()
    auth = {"type": "bearer", "token": SECRET}
    with opened(lambda _: Say(body, 403), tmp_path, auth=auth) as (_, lab):
        told = failure(lab)
        assert told.message.startswith("the service answered with status 403: `[31mbad 'token' Bearer … xxx")
        assert len(told.message) < 200
        assert SECRET not in str(told)


def test_nobody_there(tmp_path: Path):
    """A service that is not running is told as such."""
    with service(lambda _: Say(BOX)) as there:
        pass
    with driver(there.url, tmp_path, LAB) as lab:
        assert failure(lab).message == "the connection was refused"


def test_an_unknown_name(tmp_path: Path):
    """A name that does not exist is told with the name."""
    with driver("http://nobody.invalid", tmp_path, LAB) as lab:
        assert failure(lab).message == "the name `nobody.invalid` is not known"


# -- bounds ------------------------------------------------------------------------------------------


def drip(head: bytes, closing: Callable[[], bool]) -> Callable[[Any], None]:
    """Send a byte now and then, for ever."""

    def raw(wfile: Any) -> None:
        wfile.write(head)
        while not closing():
            wfile.write(b" ")
            wfile.flush()
            time.sleep(0.05)

    return raw


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"],
    ids=["headers", "body"],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_slow_service(head: bytes, secure: bool, tmp_path: Path):
    """A service that sends a byte now and then is given up at the deadline, whatever its time-outs."""
    authority = Authority(tmp_path)
    with service(lambda _: Say(raw=drip(head, lambda: False)), authority.server() if secure else None) as there:
        tls = {"ca": str(authority.file)} if secure else {}
        with driver(there.url, tmp_path, LAB, timeout=60, retries=3, tls=tls) as lab:
            assert failure(lab, within=0.5).code == "CL474"


def test_a_silent_service(tmp_path: Path):
    """A service that says nothing is given up after the time-out."""

    def wait(wfile: Any) -> None:
        there.closing.wait(30)

    with service(lambda _: Say(raw=wait)) as there, driver(there.url, tmp_path, LAB, timeout=0.2) as lab:
        assert failure(lab).message == "nothing came for 0.2 s"
        there.closing.set()


def endless(wfile: Any) -> None:
    wfile.write(b"HTTP/1.1 200 OK\r\n\r\n[")
    for _ in range(10_000):
        wfile.write(b"1," * 50_000)


BIG = {
    "endless": Say(raw=endless),
    "a bomb": Say(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}),
    "big": Say(b" " * 2_000_000),
}


@pytest.mark.parametrize("name", BIG)
def test_big_bodies(name: str, tmp_path: Path):
    """A body is read as far as the limit, which counts what it is once it is decompressed."""
    with opened(lambda _: BIG[name], tmp_path, max_bytes=1_000_000) as (there, lab):
        assert failure(lab).code == "CL473"
        assert len(there.asked) == 1


def test_compressed(tmp_path: Path):
    """A compressed body is read."""
    body = gzip.compress(b'{"boxes": [{"id": "a", "size": 1}]}')
    with opened(lambda _: Say(body, headers={"Content-Encoding": "gzip"}), tmp_path) as (_, lab):
        assert sizes(lab) == [("a", 1)]


def test_rate(tmp_path: Path):
    """Beyond the rate, a request waits for its turn, or fails if that comes after the deadline."""
    with opened(lambda _: Say(BOX), tmp_path, rate=0.1) as (there, lab):
        assert sizes(lab) == [("a", 1)]
        assert failure(lab, within=0.2).code == "CL474"
        assert len(there.asked) == 1


# -- conditions and redirects ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "condition"),
    [
        ({"ETag": 'W/"1"'}, ("If-None-Match", 'W/"1"')),
        (
            {"Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT"},
            ("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"),
        ),
    ],
    ids=["ETag", "Last-Modified"],
)
def test_unchanged(version: dict[str, str], condition: tuple[str, str], tmp_path: Path):
    """A reply whose version the service knows is sent once, and is then only said to be still true."""

    def script(asked: Asked) -> Say:
        name, value = condition
        return Say(status=304) if asked.headers.get(name) == value else Say(BOX, headers=version)

    with opened(script, tmp_path) as (there, lab):
        assert sizes(lab) == sizes(lab) == sizes(lab) == [("a", 1)]
        assert [each.headers.get(condition[0]) for each in there.asked] == [None, condition[1], condition[1]]


def test_changed_within_a_second(tmp_path: Path):
    """A time that is too young to tell two versions apart is not relied upon."""
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with opened(lambda _: Say(BOX, headers={"Last-Modified": now}), tmp_path) as (there, lab):
        assert sizes(lab) == sizes(lab)
        assert "If-Modified-Since" not in there.asked[1].headers


def test_unchanged_since_nothing(tmp_path: Path):
    """A service that says that nothing changed, though we hold nothing, is wrong."""
    with opened(lambda _: Say(status=304), tmp_path) as (_, lab):
        assert failure(lab).code == "CL471"


def test_redirects(tmp_path: Path):
    """A redirect within the origin is followed, with our credentials."""

    def script(asked: Asked) -> Say:
        assert asked.headers["Authorization"] == f"Bearer {SECRET}"
        return Say(BOX) if asked.path == "/lab/boxes" else Say(status=301, headers={"Location": "/lab/boxes?x=1"})

    with opened(script, tmp_path, auth={"type": "bearer", "token": SECRET}) as (there, lab):
        assert sizes(lab) == [("a", 1)]
        assert there.paths() == ["/boxes", "/lab/boxes?x=1"]


@pytest.mark.parametrize(
    "target", ["{other}/boxes", "https://127.0.0.1:{port}/boxes", "/boxes", "//x:y@127.0.0.1:{port}/"]
)
def test_redirects_elsewhere(target: str, tmp_path: Path):
    """A redirect to another origin, or without an end, is refused, and nobody else is asked."""
    with service(lambda _: Say(BOX)) as other:
        location = ""
        with opened(lambda _: Say(status=302, headers={"Location": location}), tmp_path) as (there, lab):
            location = target.format(other=other.url, port=there.server.server_address[1])
            told = failure(lab)
            assert told.code == "CL475"
            assert "x:y" not in told.message
        assert other.asked == []


def test_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A proxy of the environment is not used, and one that is asked for is."""
    with service(lambda _: Say(BOX)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        with opened(lambda _: Say(BOX), tmp_path) as (there, lab):
            assert sizes(lab) == [("a", 1)]
            assert (len(there.asked), proxy.asked) == (1, [])
        with driver("http://box.example:8000", tmp_path, LAB, proxy=proxy.url) as lab:
            assert sizes(lab) == [("a", 1)]
            assert proxy.paths() == ["http://box.example:8000/boxes"]


# -- TLS ---------------------------------------------------------------------------------------------


class Authority:
    """Somebody who signs certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
        self.certificate = self._signed(self.name, self.key, None)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, host: str | None) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(host))])
            made = made.add_extension(names, critical=False)
        return made.sign(self.key, hashes.SHA256())

    def issue(self, who: str, host: str = "127.0.0.1") -> Path:
        """A certificate with its key, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)]), key, host)
        path = self.folder / f"{who}.pem"
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
        return path

    def server(self, host: str = "127.0.0.1", *, asks: bool = False) -> ssl.SSLContext:
        """What a service needs; with `asks`, whoever comes needs a certificate too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue("server", host))
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context


def test_tls(tmp_path: Path):
    """A service is trusted if an authority that we name signed its certificate, and only then."""
    authority = Authority(tmp_path)
    with service(lambda _: Say(BOX), authority.server()) as there:
        with driver(there.url, tmp_path, LAB, tls={"ca": str(authority.file)}) as lab:
            assert sizes(lab) == [("a", 1)]
        with driver(there.url, tmp_path, LAB, retries=3) as lab:
            told = failure(lab)
            assert told.code == "CL470"
            assert told.message.startswith("its certificate is not trusted: ")
        with driver(there.url, tmp_path, LAB, tls={"verify": False}) as lab:
            assert sizes(lab) == [("a", 1)]


def test_tls_of_another_host(tmp_path: Path):
    """A certificate for another host is not trusted, whoever signed it."""
    authority = Authority(tmp_path)
    with (
        service(lambda _: Say(BOX), authority.server("127.0.0.9")) as there,
        driver(there.url, tmp_path, LAB, tls={"ca": str(authority.file)}) as lab,
    ):
        assert "certificate is not valid for '127.0.0.1'" in failure(lab).message


def test_tls_of_ours(tmp_path: Path):
    """A service that asks for a certificate gets ours."""
    authority = Authority(tmp_path)
    tls = {"ca": str(authority.file)}
    with service(lambda _: Say(BOX), authority.server(asks=True)) as there:
        with driver(there.url, tmp_path, LAB, tls={**tls, "certificate": str(authority.issue("me"))}) as lab:
            assert sizes(lab) == [("a", 1)]
        with driver(there.url, tmp_path, LAB, tls=tls) as lab:
            assert failure(lab).code == "CL470"
