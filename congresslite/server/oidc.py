"""
Access tokens of an OpenID Connect issuer: JWTs, checked here with the issuer's public keys.

The rule to keep: what a token says counts only after its signature, issuer,
audience and times are right. Only signatures with a private key at the issuer
are taken, so that no public key can be misused as a shared secret. Keys are
kept; an unknown one is looked for again, at most once a minute, because anybody
can make up the name of a key.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_KINDS = ("RSA", "EC", "OKP")
_DISCOVERY = "/.well-known/openid-configuration"
_TIMEOUTS = (3.05, 5.0)
_LARGEST = 1_000_000
_LEEWAY = 30  # seconds by which clocks may differ
_PAUSE = 60.0  # between two looks for a key that is not known
_LIFE = 3600.0  # after which keys are looked up again, so that withdrawn ones go

# What is wrong with a token, whatever its bytes provoke in a parser.
_BAD = (JoseError, ValueError, TypeError, KeyError, RecursionError)


class BadTokenError(Exception):
    """A token that is not right; the text says why, and holds nothing of the token."""


class IssuerError(Exception):
    """The issuer cannot be asked for its keys."""


@dataclass(slots=True)
class Keys:
    """The public keys of an issuer, by their ids."""

    issuer: str
    jwks_url: str | None = None
    clock: Callable[[], float] = time.monotonic
    _keys: dict[str, Key] = field(default_factory=dict)
    _looked: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, kid: str | None) -> Key:
        """The key of this id, or the only one there is. Raises BadTokenError, IssuerError."""
        with self._lock:  # one caller asks the issuer, the others wait for what it learns
            key = self._known(kid)
            if key is None or self._age() > _LIFE:
                self._look(needed=key is None)
                key = self._known(kid)
        if key is None:
            raise BadTokenError("it is signed with a key that the issuer does not have")
        return key

    def _known(self, kid: str | None) -> Key | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _age(self) -> float:
        return float("inf") if self._looked is None else self.clock() - self._looked

    def _look(self, *, needed: bool) -> None:
        if self._age() < _PAUSE:
            if needed and not self._keys:
                raise IssuerError
            return
        self._looked = self.clock()
        try:
            document = fetch(self.jwks_url or self._discovered())
            listed = document["keys"]
            found = dict(_imported(listed))
        except (requests.RequestException, *_BAD) as error:
            if needed and not self._keys:
                raise IssuerError from error
            return  # the keys that are known still serve
        self._keys = found

    def _discovered(self) -> str:
        document = fetch(self.issuer.rstrip("/") + _DISCOVERY)
        if document["issuer"] != self.issuer:
            raise ValueError("the discovery document is of another issuer")
        return str(document["jwks_uri"])


def _imported(listed: list[Mapping[str, Any]]) -> list[tuple[str, Key]]:
    """Keys that may have signed something; those that are not understood are left out."""
    found: list[tuple[str, Key]] = []
    for each in listed[:100]:
        if each.get("kty") not in _KINDS or each.get("use", "sig") != "sig":
            continue
        try:
            key = JWKRegistry.import_key(dict(each))
        except _BAD:
            continue
        key.ensure_kid()
        found.append((str(key.kid), key))
    return found


def fetch(url: str) -> Any:
    """A small JSON document, at once or not at all. Raises RequestException, ValueError."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("not an address of the web")
    end = time.monotonic() + 2 * sum(_TIMEOUTS)
    with requests.get(url, timeout=_TIMEOUTS, stream=True, allow_redirects=False) as response:
        response.raise_for_status()
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > _LARGEST or time.monotonic() > end:
                raise ValueError("too big or too slow")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def verified(token: str, keys: Keys, audience: str) -> Mapping[str, Any]:
    """What a token says, if it is right. Raises BadTokenError, IssuerError."""
    try:
        header = jws.extract_compact(token.encode("ascii")).protected
    except _BAD:
        raise BadTokenError("it is no JWT") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise BadTokenError("it is not signed in a way that is taken here")
    if kid is not None and not isinstance(kid, str):
        raise BadTokenError("it is no JWT")
    key = keys.find(kid)
    try:
        claims = jwt.decode(token, key, algorithms=[algorithm]).claims
    except _BAD:
        raise BadTokenError("its signature is not right") from None
    _check_claims(claims, keys.issuer, audience)
    return claims


def _check_claims(claims: dict[str, Any], issuer: str, audience: str) -> None:
    registry = jwt.JWTClaimsRegistry(
        leeway=_LEEWAY,
        exp={"essential": True},
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        claim = getattr(error, "claim", None)
        wrong = {"exp": "it has expired", "iss": "it is of another issuer", "aud": "it is for another audience"}
        raise BadTokenError(wrong.get(str(claim), "it is not valid now")) from None


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """The value of a claim: under its name, or else along a path (`realm_access.roles`)."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
