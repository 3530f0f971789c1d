"""What keeps a server from being asked, for people: which of the many errors it was, and the mend."""

from __future__ import annotations

import ssl

from congresslite.cli.client.errors import ServerError
from congresslite.diagnostics import Diagnostic
from congresslite.sources.http import first_words, shown
from congresslite.sources.httpfaults import causes_of, fault


def failed(error: Exception, url: str, silence: float) -> tuple[Diagnostic, bool]:
    """The finding for a request that failed below HTTP, and whether asking again may help."""
    told, passing = fault(error, url, silence)
    causes = list(causes_of(error))
    refused = any(isinstance(each, ConnectionRefusedError) for each in causes)
    hint = "see whether the server runs, and whether this is its address"
    if refused:
        hint = f"{hint}; `congresslite serve` starts one"
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        hint = "name the certificate of who signed it with `--ca FILE`"
    elif any(isinstance(each, ssl.SSLError) for each in causes):
        hint = "see to `--ca FILE`, and whether the server speaks HTTPS at all: else begin the address with `http://`"
    return Diagnostic("CL591", told.diagnostics[0].message, place=shown(url), hint=hint), passing and not refused


def no_answer_in_time(url: str, seconds: float) -> ServerError:
    """The error for an answer that takes too long."""
    message = f"there was no whole answer within {seconds:g} s"
    return ServerError(Diagnostic("CL591", message, place=shown(url), hint="see whether the server is overloaded"))


def redirected(url: str, to: str) -> ServerError:
    """The error for a redirect, which our token does not follow."""
    message = f"the server leads to another address, `{shown(to)}`, which is not followed"
    return ServerError(Diagnostic("CL592", message, place=shown(url), hint="name that address with `--server`"))


def not_ours(url: str, status: int, body: bytes, why: str = "") -> ServerError:
    """The error for a reply that no congresslite server gives."""
    words = first_words(body)
    told = why or (f"it begins with `{words}`" if words else "it is empty")
    message = f"the reply (status {status}) is none of a congresslite server: {told}"
    hint = "is this the address of the server itself, without a path behind it, and is it not much older or newer?"
    return ServerError(Diagnostic("CL592", message, place=shown(url), hint=hint), status)
