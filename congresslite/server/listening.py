"""
What must be there before anything is served: an address to listen on, a certificate, a folder for state.

Each of them is looked at before the estate is opened, which may take long.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
import tempfile
from pathlib import Path

from congresslite.config.models import Config, TlsSettings
from congresslite.diagnostics import Diagnostic, SourceError

_PATIENCE = 30  # seconds for a peer that sends or takes nothing
_BACKLOG = 512


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """How connections are encrypted. Raises SourceError for a certificate that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (tls.certificate, tls.key):
        if not os.access(path, os.R_OK):
            raise SourceError(Diagnostic("CL567", "the file cannot be read", place=str(path)))
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        message = f"the certificate or its key cannot be used: {str(reason).replace('_', ' ').lower()}"
        hint = "both are PEM, and the key is that of the certificate, without a password"
        raise SourceError(Diagnostic("CL567", message, place=str(tls.certificate), hint=hint)) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def listener(config: Config) -> socket.socket:
    """The socket that connections come to. Raises SourceError if nobody can listen there."""
    server = config.server
    place = server.listen
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SourceError(Diagnostic("CL566", f"there is no such address: {error.strerror}", place=place)) from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        _set_patience(listening)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        hint = None
        if error.errno == errno.EADDRINUSE:
            hint = "another program listens there: stop it, or choose another port with `--listen`"
        message = f"it is not possible to listen here: {os.strerror(error.errno or 0).lower()}"
        raise SourceError(Diagnostic("CL566", message, place=place, hint=hint)) from None
    return listening


def _set_patience(listening: socket.socket) -> None:
    """Let no peer hold a thread by sending or taking nothing; connections inherit it."""
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _PATIENCE, 0))
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * _PATIENCE)


def check_state(folder: Path) -> None:
    """Raise SourceError if nothing can be written where state is kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        message = f"state cannot be kept here: {os.strerror(error.errno or 0).lower()}"
        hint = "make the folder writable, or choose another one with `state`"
        raise SourceError(Diagnostic("CL569", message, place=str(folder), hint=hint)) from None
