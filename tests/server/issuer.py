"""An OpenID issuer on loopback that signs whatever a test wants."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

AUDIENCE = "congresslite"


class Issuer:
    """Its keys, what it publishes of them, and how often somebody asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict[str, Key] = {
            "rsa": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
            "ec": ECKey.generate_key("P-256", {"kid": "ec"}),
            "ed": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        }
        self.asked = 0
        self.broken = False
        self.claimed_issuer = url
        self.extra: list[dict[str, Any]] = [{"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}, {"kty": "future"}]

    def published(self) -> dict[str, Any]:
        """The key set, with keys that nobody should use."""
        return {"keys": [*(key.as_dict(private=False) for key in self.keys.values()), *self.extra]}

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Claims of somebody who may view; None leaves one out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "ann", "exp": now + 60, "iat": now, "roles": ["see"]}
        return {name: value for name, value in {**usual, **changed}.items() if value is not None}

    def token(self, kid: str = "rsa", alg: str = "RS256", header: dict[str, Any] | None = None, **changed: Any) -> str:
        """A token, signed well."""
        return jwt.encode(
            {"alg": alg, "kid": kid, **(header or {})}, self.claims(**changed), self.keys[kid], algorithms=[alg]
        )

    def confused(self) -> str:
        """A token whose shared secret is the public key, as if that were one."""
        pem = self.keys["rsa"].as_pem(private=False)  # type: ignore[union-attr]
        signed = f"{_encoded({'alg': 'HS256', 'kid': 'rsa'})}.{_encoded(self.claims())}"
        signature = hmac.digest(pem, signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def unsigned(self) -> str:
        """A token without a signature."""
        return ".".join([_encoded({"alg": "none", "kid": "rsa"}), _encoded(self.claims()), ""])


def raw(header: str, claims: str = "{}", signature: str = "c2ln") -> str:
    """A token of these texts."""
    return ".".join([base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in (header, claims)]) + (
        f".{signature}"
    )


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@contextmanager
def serving_issuer() -> Iterator[Issuer]:
    """An issuer that answers until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            if issuer.broken:
                self.send_error(500)
                return
            document = issuer.published()
            if self.path == "/.well-known/openid-configuration":
                document = {"issuer": issuer.claimed_issuer, "jwks_uri": f"{issuer.url}/keys"}
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
