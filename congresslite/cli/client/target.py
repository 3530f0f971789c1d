"""
Which server is to answer, and by what token.

The rule to keep: a token is read from a file or from the environment, goes to
the server that was named, and appears nowhere else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from congresslite.cli.client.errors import TOKEN
from congresslite.cli.settings import Settings
from congresslite.diagnostics import Diagnostic, SourceError

_BIGGEST = 16_384  # bytes of a token
_NAME_IT = "name it with `--server URL` or in CONGRESSLITE_SERVER, as `http://127.0.0.1:8181`"


@dataclass(frozen=True, slots=True)
class Target:
    """A server: its address without a slash at the end, and what it takes to be let in and to trust it."""

    url: str
    token: str | None = field(default=None, repr=False)
    ca: Path | None = None


def target(settings: Settings) -> Target:
    """The server that the settings name. Raises SourceError if there is none, or no way to ask it."""
    if settings.server is None:
        raise SourceError(Diagnostic("CL590", "this is a question to a server, and none is named", hint=_NAME_IT))
    parts = _parts(settings.server)
    if settings.ca is not None and not os.access(settings.ca, os.R_OK):
        raise SourceError(Diagnostic("CL590", "the file of `--ca` cannot be read", place=str(settings.ca)))
    url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    return Target(url, _token(settings.token_file), settings.ca)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise SourceError(Diagnostic("CL590", f"`{url}` is no address of a server", hint=_NAME_IT))
    if "@" in parts.netloc:
        hint = f"give a token with `--token-file FILE` or in {TOKEN}"
        raise SourceError(Diagnostic("CL590", "the address of a server holds no user and no password", hint=hint))
    if parts.query or parts.fragment:
        raise SourceError(Diagnostic("CL590", f"`{url}` goes on where an address of a server ends", hint=_NAME_IT))
    return parts


def _token(file: Path | None) -> str | None:
    """The token; None where there is none, as for a server that lets everybody in."""
    if file is None:
        text, place = os.environ.get(TOKEN, ""), TOKEN
    else:
        text, place = _read(file), str(file)
    token = text.strip()
    if file is not None and not token:
        raise _bad_token("there is no token in the file", place)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise _bad_token("this is no token: it has to be one word of ASCII", place)
    return token or None


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_BIGGEST + 1)
    except OSError as error:
        raise _bad_token(f"the token cannot be read: {(error.strerror or str(error)).lower()}", str(file)) from None
    if len(content) > _BIGGEST:
        raise _bad_token(f"this is no token: the file has more than {_BIGGEST:,} bytes", str(file))
    return content.decode("utf-8", "replace")


def _bad_token(message: str, place: str) -> SourceError:
    hint = "the file holds the token and nothing else; `congresslite config token` makes one"
    return SourceError(Diagnostic("CL593", message, place=place, hint=hint))
