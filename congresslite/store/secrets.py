"""
Secrets at rest: settings of sources, encrypted with a key that lies elsewhere.

Whoever has the database and not the key reads nothing of them. What was
encrypted is authenticated too: with another key, or changed, it is refused.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from congresslite.diagnostics import Diagnostic
from congresslite.store.errors import StoreError


class Secrets:
    """Encrypts and decrypts with one key, or refuses to without one."""

    def __init__(self, key: bytes | None) -> None:
        self._fernet = None if key is None else _fernet(key)

    def __repr__(self) -> str:
        return f"Secrets({'without a key' if self._fernet is None else 'with a key'})"

    def encrypt(self, what: str, settings: dict[str, Any]) -> bytes:
        """Settings as bytes that nobody can read. Raises StoreError without a key."""
        return self._with_key(what).encrypt(json.dumps(settings).encode("ascii"))

    def decrypt(self, what: str, encrypted: bytes) -> dict[str, Any]:
        """The settings that these bytes hold. Raises StoreError without a key, or with another one."""
        try:
            text = self._with_key(what).decrypt(encrypted)
        except InvalidToken:
            message = f"the settings of {what} were encrypted with another key, or changed since"
            raise StoreError(Diagnostic("CL486", message, hint="bring back the key file of that time")) from None
        found: dict[str, Any] = json.loads(text)
        return found

    def _with_key(self, what: str) -> Fernet:
        if self._fernet is None:
            message = f"the settings of {what} may hold secrets, and there is no key to encrypt them with"
            raise StoreError(Diagnostic("CL487", message, hint="name a key file: `key: FILE`"))
        return self._fernet


def load_or_create_key(path: Path) -> bytes:
    """The key in a file that only its owner can read; made if there is none. Raises StoreError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        key = path.read_bytes().strip()
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise StoreError(Diagnostic("CL485", f"the key cannot be read or made: {cause}", place=str(path))) from None
    try:
        _fernet(key)
    except StoreError as error:
        raise StoreError(Diagnostic("CL485", error.diagnostics[0].message, place=str(path), hint=_KEY_HINT)) from None
    return key


_KEY_HINT = "bring back the key that was there; a new one would not open what is stored"


def _create(path: Path) -> None:
    """Write a new key beside its place and move it there whole; whoever comes second takes the first one's."""
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # for its owner's eyes only
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def _fernet(key: bytes) -> Fernet:
    try:
        return Fernet(key.strip())
    except ValueError:
        message = "this is no key: it takes 32 bytes, written in the URL-safe alphabet of Base64"
        raise StoreError(Diagnostic("CL485", message)) from None
