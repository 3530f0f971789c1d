"""
Asking a service over HTTP: what whoever follows a definition needs of whoever speaks the protocol.

The rule to keep: what `get` returns is one whole reply in JSON, or the word of
the service that there is no such thing (404). Everything else is an error that
says which address, what happened and what the service said of it, without the
secrets that may stand in an address or come back in a body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit, urlunsplit

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.driver import Deadline


def _version() -> str:
    # Of the package as it is installed: what lies above this layer is not imported from here.
    try:
        return version("congresslite")
    except PackageNotFoundError:
        return "unknown"


USER_AGENT = f"congresslite/{_version()}"
MAX_BYTES = 64 * 1024 * 1024  # of one reply, decompressed
NOT_FOUND = 404

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_WORDS = 120  # characters of a body that are quoted


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One reply. `body` is what its JSON means: None where there is no body, or for a 404 that is no JSON."""

    status: int
    headers: Mapping[str, str]  # case does not matter when they are looked up
    body: Any = field(repr=False)
    url: str = field(repr=False)
    size: int = 0  # bytes of the body, decompressed


class Http(Protocol):
    """Speaks to one service."""

    def get(self, path: str, headers: Mapping[str, str], deadline: Deadline) -> HttpReply:
        """The reply to GET. `path` is below the service's address, or an absolute address of the same origin.

        A 404 is returned; every other status from 400 on, a reply that is no JSON, one that is too big or cut short,
        and a redirect to another origin raise SourceError, once trying again (connection errors, 429, 5xx) was of no
        use. A body that is returned may be returned again (304), so nobody changes it.
        """


class HttpWriter(Http, Protocol):
    """Speaks to one service, and can ask it to change something."""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: Any, deadline: Deadline) -> HttpReply:
        """The reply to a request with a JSON body (None: without one). A 404 is returned; it is not tried again."""


def below(address: str, path: str) -> str:
    """The address of a path below a service's address.

    Catalogues give the address of a service with its version or without it: where it ends with the version with which
    the path begins (`…:5000/v3` and `/v3/projects`), the version stands there once.
    """
    base = address.rstrip("/")
    first = path.lstrip("/").partition("/")[0]
    if re.fullmatch(r"v[0-9.]+", first) and base.endswith(f"/{first}"):
        base = base.removesuffix(f"/{first}")
    return f"{base}/{path.lstrip('/')}"


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address: what must agree for our credentials to go there."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", port or _DEFAULT_PORTS.get(parts.scheme)


def shown(url: str) -> str:
    """An address for people: without user, password and query, since secrets may stand there."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def first_words(body: bytes | str, secrets: Iterable[str] = ()) -> str:
    """The beginning of a body for people: one line, no control characters, no mark-up, none of these secrets."""
    text = body[: 64 * _MOST_WORDS].decode("utf-8", "replace") if isinstance(body, bytes) else body[: 64 * _MOST_WORDS]
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    text = re.sub(r"<(script|style)\b.*?(</\1>|$)|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.replace("`", "'").split())
    return text if len(text) <= _MOST_WORDS else text[:_MOST_WORDS] + "…"


def parse_body(raw: bytes, url: str, secrets: Iterable[str] = ()) -> Any:
    """What a JSON body means; None for an empty one. Raises SourceError (CL472)."""
    if not raw.strip():
        return None
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        said = first_words(raw, secrets)
        raise SourceError(
            Diagnostic(
                "CL472", f"the reply is no JSON: it begins with `{said}`", place=shown(url),
                hint="is this the address of the service itself, not of a page or of a proxy before it?",
            )
        ) from None  # fmt: skip


def _refuse(constant: str) -> NoReturn:
    """Python's parser would take `NaN` and infinities, which JSON does not have."""
    raise ValueError(constant)


def refused(status: int, body: bytes | str, url: str, secrets: Iterable[str] = ()) -> SourceError:
    """The error for a status from 400 on (CL471)."""
    said = first_words(body, secrets)
    message = f"the service answered with status {status}" + (f": `{said}`" if said else "")
    return SourceError(Diagnostic("CL471", message, place=shown(url), hint=_hint(status)))


def _hint(status: int) -> str:
    match status:
        case 401:
            return "see to user and password, or token, in `auth`"
        case 403:
            return "the user needs a role that may read this, often admin"
        case 404 | 405 | 406:
            return "see to the `url` of the source and to the path and the headers of the reply in its definition"
        case 429:
            return "ask less often: raise the interval, or set `rate`"
        case _ if status >= 500:
            return "look into the service's own log; it is asked again at the next pull"
        case _:
            return "see to the path and the headers of the reply in the definition of the source"


def too_big(url: str, most: int) -> SourceError:
    """The error for a body of more than `most` bytes (CL473)."""
    message = f"the reply is bigger than {most} bytes"
    hint = "raise `max_bytes`, or let the definition ask for pages"
    return SourceError(Diagnostic("CL473", message, place=shown(url), hint=hint))


def elsewhere(url: str, to: str) -> SourceError:
    """The error for a redirect or a link that leads to another origin, where our credentials must not go (CL475)."""
    message = f"it leads to another address, `{shown(to)}`, which is not followed"
    hint = "set `url` to the address that the service gives for itself"
    return SourceError(Diagnostic("CL475", message, place=shown(url), hint=hint))
