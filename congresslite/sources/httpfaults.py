"""
What went wrong below HTTP, for people: which of the many errors of sockets, TLS and libraries it was, and the mend.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
import urllib3

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.http import shown

_WAIT = "raise `timeout`, or see whether something between here and there swallows what is sent"


def fault(error: Exception, url: str, timeout: float) -> tuple[SourceError, bool]:
    """The finding for a request that failed, and whether the failure may pass by itself."""
    code, message, hint, passing = _told(error, url, timeout)
    return SourceError(Diagnostic(code, message, place=shown(url), hint=hint)), passing


def _told(error: Exception, url: str, timeout: float) -> tuple[str, str, str | None, bool]:
    for cause in causes_of(error):
        match cause:
            case ssl.SSLCertVerificationError():
                hint = "give the certificate of who signed it: `tls: {ca: FILE}`"
                return "CL470", f"its certificate is not trusted: {_lower(cause.verify_message)}", hint, False
            case socket.gaierror():
                message = f"the name `{urlsplit(url).hostname}` is not known"
                return "CL470", message, "see to `url`, and to the name service", True
            case ConnectionRefusedError():
                return "CL470", "the connection was refused", "is the service running, and is `url` its address?", True
            case ssl.SSLError():
                return "CL470", f"TLS failed: {_lower(cause.reason or 'it broke off')}", "see to `tls`", False
            case requests.ConnectTimeout():
                return "CL470", f"no connection came about within {timeout:g} s", _WAIT, True
            case requests.ReadTimeout() | urllib3.exceptions.ReadTimeoutError():
                return "CL470", f"nothing came for {timeout:g} s", _WAIT, True
            case urllib3.exceptions.DecodeError():
                return "CL472", "the reply is not compressed as it says", None, True
            case requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema():
                return "CL470", "this is no address", "write it as `https://HOST:PORT/…`", False
    if isinstance(error, urllib3.exceptions.HTTPError):
        return "CL472", "the reply broke off before its end", None, True
    if isinstance(error, FileNotFoundError | PermissionError) or type(error) is OSError:
        return "CL470", "a file of `tls` cannot be read", "see to `ca`, `certificate` and `key` of `tls`", False
    reasons = [each.strerror for each in causes_of(error) if isinstance(each, OSError) and each.strerror]
    reason = f": {_lower(reasons[0])}" if reasons else ""
    return "CL470", f"the connection broke off{reason}", None, True


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, the innermost first: it says most."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return reversed(found)


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}".rstrip(".").replace("_", " ") if not text.isupper() else text.lower()
