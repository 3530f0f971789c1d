"""Who is asking: tokens of the configuration, tokens of an issuer, and everything that is none."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from congresslite.config.models import Config
from congresslite.live import Caller
from congresslite.server.auth import Authenticator
from congresslite.server.oidc import BadTokenError, IssuerError, Keys, verified
from congresslite.server.problems import ProblemError
from congresslite.server.throttle import MOST_FAILURES, WINDOW, Throttle
from tests.server.issuer import AUDIENCE, Issuer, raw, serving_issuer

ROLES = {"see": "viewer", "write": "author", "run": "operator", "own": "admin"}


@pytest.fixture(scope="module")
def shared_issuer() -> Iterator[Issuer]:
    with serving_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(shared_issuer: Issuer) -> Issuer:
    shared_issuer.broken, shared_issuer.claimed_issuer = False, shared_issuer.url
    return shared_issuer


def authenticator(issuer: Issuer, **oidc: Any) -> Authenticator:
    """One that knows a token of its own and an issuer."""
    sha256 = hashlib.sha256(b"s3cret").hexdigest()
    return Authenticator(
        Config.model_validate(
            {
                "auth": {
                    "required": True,
                    "tokens": [{"name": "robot", "role": "operator", "tenant": "t1", "sha256": sha256}],
                    "oidc": {"issuer": issuer.url, "audience": AUDIENCE, "roles": ROLES, **oidc},
                }
            }
        )
    )


def status(known: Authenticator, token: str, address: str = "192.0.2.1") -> int:
    """How a token fares."""
    try:
        known.by_token(token, address)
    except ProblemError as problem:
        return problem.status
    return 200


def test_a_token_of_the_configuration(issuer: Issuer) -> None:
    """Whoever shows a token is who the configuration says, and nobody by half of it."""
    known = authenticator(issuer)
    assert known.by_token("s3cret", "192.0.2.1") == Caller("robot", "operator", "t1", "192.0.2.1")
    for wrong in ("s3cre", "s3cret ", "S3CRET", hashlib.sha256(b"s3cret").hexdigest(), "\udcff", ""):
        assert status(known, wrong) == 401


@pytest.mark.parametrize(("kid", "alg"), [("rsa", "RS256"), ("rsa", "PS512"), ("ec", "ES256"), ("ed", "Ed25519")])
def test_a_token_of_the_issuer(issuer: Issuer, kid: str, alg: str) -> None:
    """Each kind of signature with a private key is taken."""
    found = authenticator(issuer).by_token(issuer.token(kid, alg), "192.0.2.1")
    assert found == Caller("ann", "viewer", None, "192.0.2.1")


def wrong_tokens(issuer: Issuer) -> dict[str, str]:
    """Tokens that are not right, by what is wrong with them."""
    now = int(time.time())
    other = RSAKey.generate_key(2048, {"kid": "rsa"})
    good = issuer.token()
    head, _, signature = good.split(".")
    forged = Issuer(issuer.url)
    forged.keys = {"rsa": other}
    return {
        "expired": issuer.token(exp=now - 3600),
        "not yet valid": issuer.token(nbf=now + 3600),
        "of tomorrow": issuer.token(iat=now + 86_400),
        "without an end": issuer.token(exp=None),
        "with an end that is a text": issuer.token(exp="tomorrow"),
        "of another issuer": issuer.token(iss="http://127.0.0.1:1/"),
        "of no issuer": issuer.token(iss=None),
        "for another audience": issuer.token(aud="billing"),
        "for no audience": issuer.token(aud=None),
        "of nobody": issuer.token(sub=None),
        "unsigned": issuer.unsigned(),
        "signed with the public key as a secret": issuer.confused(),
        "signed by somebody else": forged.token(),
        "signed with a key that nobody has": raw('{"alg": "RS256", "kid": "unknown"}'),
        "signed with a secret of the key set": raw('{"alg": "HS256", "kid": "shared"}'),
        "with another body": f"{head}.{raw('{}', '{}').split('.')[1]}.{signature}",
        "cut short": good[:-5],
        "with a header that is no JSON": raw("{"),
        "with a header that is a list": raw("[]"),
        "with a nested header": raw("[" * 6000),
        "with a key id that is a list": raw('{"alg": "RS256", "kid": ["rsa"]}'),
        "without an algorithm": raw('{"kid": "rsa"}'),
        "with critical headers": raw('{"alg": "RS256", "kid": "rsa", "crit": ["x"], "x": 1}'),
        "two dots": "..",
        "long": f"{'a' * 20_000}.b.c",
        "of other characters": "é.é.é",
    }


def test_tokens_that_are_not_right(issuer: Issuer) -> None:
    """Nothing but a token that the issuer signed for us, now, lets anybody in; and nothing of it is told."""
    tokens = wrong_tokens(issuer)
    for number, (what, token) in enumerate(tokens.items()):
        known = authenticator(issuer)
        with pytest.raises(ProblemError) as caught:
            known.by_token(token, f"192.0.2.{number}")
        assert caught.value.status == 401, what
        assert "WWW-Authenticate" in caught.value.headers
        assert len(token) < 10 or token not in str(caught.value)


@pytest.mark.parametrize(
    ("claims", "oidc", "expected"),
    [
        ({"roles": ["see", "own", "run"]}, {}, ("admin", None)),
        ({"roles": "write"}, {}, ("author", None)),
        ({"roles": ["unheard of"]}, {}, 403),
        ({"roles": None}, {}, 403),
        ({"roles": {"own": True}}, {}, 403),
        ({"roles": None, "realm": {"roles": ["run"]}}, {"role_claim": "realm.roles"}, ("operator", None)),
        ({"roles": None, "https://x.example/roles": ["run"]}, {"role_claim": "https://x.example/roles"},
         ("operator", None)),
        ({"project": "t1"}, {"tenant_claim": "project"}, ("viewer", "t1")),
        ({}, {"tenant_claim": "project"}, 403),
        ({"project": ""}, {"tenant_claim": "project"}, 403),
        ({"project": ["t1"], "roles": ["own"]}, {"tenant_claim": "project"}, 403),
        ({"roles": ["own"]}, {"tenant_claim": "project"}, ("admin", None)),
    ],
)  # fmt: skip
def test_roles_and_tenants(issuer: Issuer, claims: dict[str, Any], oidc: dict[str, Any], expected: Any) -> None:
    """A role and a tenant are what the token says; what it leaves out gives nobody more."""
    known = authenticator(issuer, **oidc)
    if isinstance(expected, int):
        assert status(known, issuer.token(**claims)) == expected
    else:
        found = known.by_token(issuer.token(**claims), "192.0.2.1")
        assert (found.role, found.tenant) == expected


def test_keys_that_change(issuer: Issuer) -> None:
    """A new key is found once a minute has passed, and keys of made-up names ask the issuer nothing more."""
    now = [0.0]
    keys = Keys(issuer.url, clock=lambda: now[0])
    verified(issuer.token(), keys, AUDIENCE)
    asked = issuer.asked
    issuer.keys["new"] = RSAKey.generate_key(2048, {"kid": "new"})
    try:
        token = issuer.token("new")
        for _ in range(5):
            with pytest.raises(BadTokenError):
                verified(token, keys, AUDIENCE)
        assert issuer.asked == asked
        now[0] = 61.0
        assert verified(token, keys, AUDIENCE)["sub"] == "ann"
    finally:
        del issuer.keys["new"]
    now[0] = 4000.0
    verified(issuer.token(), keys, AUDIENCE)
    with pytest.raises(BadTokenError):
        verified(token, keys, AUDIENCE)


def test_an_issuer_that_does_not_answer(issuer: Issuer) -> None:
    """Without its keys nobody is let in, and whoever comes is told to come again; with them, all goes on."""
    now = [0.0]
    fresh, held = Keys(issuer.url, clock=lambda: now[0]), Keys(issuer.url, clock=lambda: now[0])
    verified(issuer.token(), held, AUDIENCE)
    issuer.broken = True
    with pytest.raises(IssuerError):
        verified(issuer.token(), fresh, AUDIENCE)
    assert status(authenticator(issuer), issuer.token()) == 503
    now[0] = 5000.0
    assert verified(issuer.token(), held, AUDIENCE)["sub"] == "ann"
    issuer.broken = False
    assert verified(issuer.token(), fresh, AUDIENCE)["sub"] == "ann"


def test_a_discovery_document_of_another_issuer(issuer: Issuer) -> None:
    """Keys come only from the issuer that the configuration names."""
    issuer.claimed_issuer = "https://evil.example/"
    with pytest.raises(IssuerError):
        verified(issuer.token(), Keys(issuer.url), AUDIENCE)
    assert verified(issuer.token(), Keys(issuer.url, f"{issuer.url}/keys"), AUDIENCE)["sub"] == "ann"


def test_basic_credentials_hold_a_token(issuer: Issuer) -> None:
    """A system that can only say who it is by Basic is known by its password, a token like any other."""
    known = authenticator(issuer)
    given = base64.b64encode(b"tacker:s3cret").decode()
    caller = known.by_header(f"Basic {given}", "127.0.0.1")
    assert caller is not None
    assert caller == known.by_header("Bearer s3cret", "127.0.0.1")
    for wrong in (base64.b64encode(b"tacker:other").decode(), base64.b64encode(b"tacker").decode(), "%%%", ""):
        with pytest.raises(ProblemError) as raised:
            known.by_header(f"Basic {wrong}", "127.0.0.1")
        assert raised.value.status == 401


def test_too_many_failures(issuer: Issuer) -> None:
    """After too many wrong tokens an address waits, others do not."""
    known = authenticator(issuer)
    found = [status(known, f"guess{number}", "192.0.2.7") for number in range(MOST_FAILURES + 2)]
    assert found == [401] * MOST_FAILURES + [429] * 2
    assert status(known, "s3cret", "192.0.2.7") == 429
    assert status(known, "s3cret", "192.0.2.8") == 200


def test_throttling_forgets() -> None:
    """Failures are forgotten after their window, an IPv6 network is one address, and memory is bounded."""
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for number in range(MOST_FAILURES):
        throttle.failed(f"2001:db8::{number:x}")
    assert throttle.wait("2001:db8::ffff") == WINDOW + 1
    assert throttle.wait("2001:db8:0:1::1") == 0
    now[0] = WINDOW + 1
    assert throttle.wait("2001:db8::1") == 0
    for number in range(10_000):
        throttle.failed(f"host-{number}")
    assert len(throttle._failures) <= 4096
