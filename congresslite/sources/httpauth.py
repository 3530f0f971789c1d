"""
Who we are to a service: nobody, a user, the bearer of a token, or of one that is asked for and renewed.

A token is kept until shortly before it expires. A service may refuse it earlier;
then another one is asked for, once. What is secret stands in no repr.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import listing
from congresslite.sources.driver import Deadline
from congresslite.sources.http import below, first_words, parse_body, shown

_EARLY = 60.0  # seconds before its end that a token is renewed, or a tenth of its life if that is less
_LIFE = 300.0  # of a token that does not say


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as it came."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


# Posts a body with headers to an address, tries again where that may help, and gives whatever status comes.
Post = Callable[[str, Mapping[str, str], bytes, Deadline], Answer]


class Auth(Protocol):
    """Who we are to a service."""

    def headers(self, post: Post, deadline: Deadline) -> Mapping[str, str]:
        """The headers that say who we are. Raises SourceError (CL478)."""

    def renew(self) -> bool:
        """They were refused: whether it is worth the while to ask for others."""

    def address(self, post: Post, deadline: Deadline) -> str | None:
        """The address of the service, where whoever knows us knows that too. Raises SourceError (CL478)."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Headers that stay: none, or those of a user with a password, or of a token that was given."""

    given: Mapping[str, str] = field(default_factory=dict, repr=False)

    @staticmethod
    def basic(username: str, password: str) -> Fixed:
        """A user and a password (RFC 7617)."""
        return Fixed({"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()})

    @staticmethod
    def bearer(token: str) -> Fixed:
        """A token (RFC 6750)."""
        return Fixed({"Authorization": f"Bearer {token}"})

    def headers(self, post: Post, deadline: Deadline) -> Mapping[str, str]:
        """The headers that were given."""
        return self.given

    def renew(self) -> bool:
        """There are no others."""
        return False

    def address(self, post: Post, deadline: Deadline) -> str | None:
        """Not known."""
        return None


class _Renewed:
    """A token that is asked for, kept, and asked for anew."""

    def __init__(self) -> None:
        self._token: str | None = None
        self._until = 0.0

    def _keep(self, token: str, life: float) -> None:
        self._token = token
        self._until = time.monotonic() + life - min(_EARLY, life / 10)

    def _kept(self) -> str | None:
        return self._token if time.monotonic() < self._until else None

    def renew(self) -> bool:
        """Forget the token; another one may be asked for."""
        self._token, self._until = None, 0.0
        return True


class ClientCredentials(_Renewed):
    """OAuth 2.0 client credentials (RFC 6749, 4.4): an id and a secret for a bearer's token."""

    def __init__(self, token_url: str, client_id: str, client_secret: str, scope: str | None = None) -> None:
        super().__init__()
        self._url = token_url
        self._basic = Fixed.basic(quote_plus(client_id), quote_plus(client_secret)).given
        self._secret = client_secret
        self._form = urlencode({"grant_type": "client_credentials", **({} if scope is None else {"scope": scope})})

    def headers(self, post: Post, deadline: Deadline) -> Mapping[str, str]:
        """The token, asked for if there is none."""
        token = self._kept() or self._asked(post, deadline)
        return {"Authorization": f"Bearer {token}"}

    def address(self, post: Post, deadline: Deadline) -> str | None:
        """Not known."""
        return None

    def _asked(self, post: Post, deadline: Deadline) -> str:
        headers = {**self._basic, "Content-Type": "application/x-www-form-urlencoded"}
        answer = post(self._url, headers, self._form.encode(), deadline)
        body = _granted(answer, self._url, (self._secret,))
        token, life = body.get("access_token"), body.get("expires_in", _LIFE)
        if not isinstance(token, str) or str(body.get("token_type", "bearer")).lower() != "bearer":
            raise _failed("the service for tokens gave none that a bearer can use", self._url)
        self._keep(token, float(life) if isinstance(life, int | float | str) and str(life).isdigit() else _LIFE)
        return token


class Keystone(_Renewed):
    """OpenStack Identity, version 3: a token for a user or an application, and the catalogue of services."""

    def __init__(
        self,
        auth_url: str,
        identity: Mapping[str, Any],
        scope: Mapping[str, Any] | str | None,
        *,
        service: str | None = None,
        region: str | None = None,
        interface: str = "public",
        roles: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._url = below(auth_url, "v3/auth/tokens")
        self._request = json.dumps({"auth": {"identity": identity, **({} if scope is None else {"scope": scope})}})
        self._service, self._region, self._interface = service, region, interface
        self._roles = frozenset(roles)
        self._catalog: Sequence[Mapping[str, Any]] = ()

    def headers(self, post: Post, deadline: Deadline) -> Mapping[str, str]:
        """The token, asked for if there is none."""
        return {"X-Auth-Token": self._kept() or self._asked(post, deadline)}

    def address(self, post: Post, deadline: Deadline) -> str | None:
        """The address that the catalogue gives for the service."""
        if self._service is None:
            return None
        if self._kept() is None:
            self._asked(post, deadline)
        listed = [each for each in self._catalog if each.get("type") == self._service]
        for endpoint in (each for service in listed for each in service.get("endpoints", ())):
            region = endpoint.get("region_id") or endpoint.get("region")
            if endpoint.get("interface") == self._interface and self._region in (None, region):
                return str(endpoint["url"])
        where = f"the catalogue has no {self._interface} address of a service of type `{self._service}`"
        if self._region is not None:
            where += f" in region `{self._region}`"
        known = sorted({str(each.get("type")) for each in self._catalog})
        hint = f"its services are {listing(known)}" if known and not listed else "give `url`"
        raise SourceError(Diagnostic("CL478", where, place=shown(self._url), hint=hint))

    def _asked(self, post: Post, deadline: Deadline) -> str:
        answer = post(self._url, {"Content-Type": "application/json"}, self._request.encode(), deadline)
        body = _granted(answer, self._url, self._secrets())
        told, token = body.get("token"), answer.headers.get("X-Subject-Token")
        if not isinstance(told, dict) or token is None:
            raise _failed("there is no token in what came back", self._url)
        self._check_roles(told.get("roles") or ())
        self._catalog = told.get("catalog") or ()
        self._keep(token, _life(told))
        return token

    def _check_roles(self, had: Sequence[Mapping[str, Any]]) -> None:
        """Raise SourceError (CL478) for a user who would be given his own objects for those of all, without a word."""
        if self._roles and not self._roles & {str(each.get("name")) for each in had}:
            message = f"the user has none of the roles that see all projects: {listing(sorted(self._roles))}"
            hint = "give the user such a role, or say in `roles` of `auth` which ones do (`[]` if none is needed)"
            raise SourceError(Diagnostic("CL478", message, place=shown(self._url), hint=hint))

    def _secrets(self) -> tuple[str, ...]:
        identity = json.loads(self._request)["auth"]["identity"]
        user = identity.get("password", {}).get("user", {})
        return (user.get("password", ""), identity.get("application_credential", {}).get("secret", ""))


def _life(token: Mapping[str, Any]) -> float:
    """How long a token lives, by the clock of whoever gave it."""
    try:
        issued, expires = (datetime.fromisoformat(str(token[key])) for key in ("issued_at", "expires_at"))
        return max(0.0, (expires - issued).total_seconds())
    except (KeyError, ValueError, TypeError):
        return _LIFE


def _granted(answer: Answer, url: str, secrets: Sequence[str]) -> Mapping[str, Any]:
    """The object that came for a token. Raises SourceError."""
    if answer.status not in (200, 201):
        said = first_words(answer.body, secrets)
        raise _failed(f"the log-in was answered with status {answer.status}" + (f": `{said}`" if said else ""), url)
    body = parse_body(answer.body, url, secrets)
    if not isinstance(body, dict):
        raise _failed("there is no token in what came back", url)
    return body


def _failed(message: str, url: str) -> SourceError:
    hint = "see to the address and to the credentials in `auth`"
    return SourceError(Diagnostic("CL478", message, place=shown(url), hint=hint))
