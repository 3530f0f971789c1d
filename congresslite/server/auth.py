"""
Who is asking: a token becomes a Caller with a role and perhaps a tenant.

The rule to keep: tokens are compared by their hashes, in constant time, and
appear nowhere: not in logs, not in errors, not in what is kept. Whoever cannot
be known is refused; nobody becomes somebody by a claim that was left out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from congresslite.config.models import Config
from congresslite.diagnostics import Diagnostic
from congresslite.live import Caller
from congresslite.server.contract import ROLES, Role
from congresslite.server.oidc import BadTokenError, IssuerError, Keys, claim_at, verified
from congresslite.server.problems import ProblemError
from congresslite.server.throttle import Throttle

REALM = 'Bearer realm="congresslite"'
_LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class _Known:
    """A token of the configuration, by its hash."""

    sha256: str
    caller: Caller


class Authenticator:
    """Knows callers by their tokens; where nobody needs one, everybody is an administrator."""

    def __init__(self, config: Config) -> None:
        self.required = config.auth_required
        self._known = [
            _Known(each.sha256.lower(), Caller(each.name, each.role, each.tenant)) for each in config.auth.tokens
        ]
        self._oidc = config.auth.oidc
        self._keys = None if self._oidc is None else Keys(self._oidc.issuer, self._oidc.jwks_url)
        self._throttle = Throttle()

    def by_header(self, header: str | None, address: str) -> Caller | None:
        """The caller of an `Authorization` header; None where there is none and one is needed. Raises ProblemError."""
        if not self.required:
            return Caller("anonymous", "admin", address=address)
        if header is None:
            return None
        scheme, _, given = header.partition(" ")
        token = _token(scheme.lower(), given.strip())
        if not token:
            raise unauthorized("send a token in the header `Authorization: Bearer …`", "invalid_request")
        return self.by_token(token, address)

    def by_token(self, token: str, address: str) -> Caller:
        """The caller of a token. Raises ProblemError: 401 for one that is not right, 429 after too many of them."""
        wait = self._throttle.wait(address)
        if wait:
            message = "too many tokens from this address were not right"
            raise ProblemError(429, Diagnostic("CL559", message), {"Retry-After": str(wait)})
        try:
            caller = self._by_hash(token) or self._by_issuer(token)
        except BadTokenError as error:
            self._throttle.failed(address)
            raise unauthorized(f"the token is not right: {error}", "invalid_token") from None
        except IssuerError:
            message = "the issuer of tokens cannot be asked for its keys"
            raise ProblemError(503, Diagnostic("CL564", message), {"Retry-After": "10"}) from None
        return replace(caller, address=address)

    def _by_hash(self, token: str) -> Caller | None:
        given = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        found = None
        for each in self._known:  # all of them, so that the time tells nothing
            if hmac.compare_digest(each.sha256, given):
                found = each.caller
        return found

    def _by_issuer(self, token: str) -> Caller:
        if self._oidc is None or self._keys is None or token.count(".") != 2 or len(token) > _LONGEST:
            raise BadTokenError("nobody has it")
        claims = verified(token, self._keys, self._oidc.audience)
        name = claim_at(claims, self._oidc.name_claim) or claims.get("sub")
        if not isinstance(name, str) or not name:
            raise BadTokenError("it does not say whose it is")
        role = _role(claim_at(claims, self._oidc.role_claim), self._oidc.roles)
        if role is None:
            raise ProblemError(403, Diagnostic("CL557", "the token is right, but gives no role here"))
        return Caller(name[:200], role, self._tenant(claims, role))

    def _tenant(self, claims: Mapping[str, Any], role: Role) -> str | None:
        """The tenant that a token is bound to; where tenants are told apart, only an administrator's may lack it."""
        path = None if self._oidc is None else self._oidc.tenant_claim
        if not path:
            return None
        tenant = claim_at(claims, path)
        if isinstance(tenant, str) and tenant:
            return tenant
        if tenant is None and role == "admin":
            return None
        raise ProblemError(403, Diagnostic("CL557", "the token is right, but does not say for which tenant"))


def _token(scheme: str, given: str) -> str:
    """The token in a header; that of Basic is its password: many systems that call webhooks know nothing else."""
    if scheme == "bearer":
        return given
    if scheme != "basic":
        return ""
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _role(claimed: Any, roles: Mapping[str, Role]) -> Role | None:
    """The highest role of those that a claim gives."""
    values = claimed if isinstance(claimed, list) else [claimed]
    given = [roles[value] for value in values if isinstance(value, str) and value in roles]
    return max(given, key=ROLES.index, default=None)


def unauthorized(message: str, error: str | None = None) -> ProblemError:
    """That somebody must say who they are (RFC 6750)."""
    challenge = REALM if error is None else f'{REALM}, error="{error}"'
    return ProblemError(401, Diagnostic("CL556", message), {"WWW-Authenticate": challenge})
