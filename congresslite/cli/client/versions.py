"""
Changing what has versions: read which one is there, and change just that one.

The rule to keep: whatever somebody else changed meanwhile is not overwritten;
whoever was late is told, and how to go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel

from congresslite.cli.client.errors import ServerError
from congresslite.cli.client.findings import Texts
from congresslite.cli.client.http import Client, Reply, at
from congresslite.diagnostics import Diagnostic

Model = TypeVar("Model", bound=BaseModel)


def current(client: Client, kind: str, name: str, model: type[Model]) -> Reply[Model] | None:
    """What is there under a name; None if nothing is. Raises ServerError."""
    try:
        return client.get(at(kind, name), model)
    except ServerError as error:
        if error.status == 404:
            return None
        raise


def put(
    client: Client,
    kind: str,
    name: str,
    model: type[Model],
    *,
    body: Mapping[str, Any],
    known: Reply[Model] | None,
    texts: Texts | None = None,
) -> Reply[Model]:
    """Add something, or replace the version that is known. Raises ServerError."""
    headers = {"If-None-Match": "*"} if known is None else {"If-Match": known.etag or "*"}
    with _mended(kind, name):
        return client.send("PUT", at(kind, name), model, body, headers=headers, texts=texts)


def remove(client: Client, kind: str, name: str, model: type[BaseModel]) -> None:
    """Remove something, in the version that is there now. Raises ServerError."""
    known = client.get(at(kind, name), model)
    with _mended(kind, name):
        client.delete(at(kind, name), known.etag or "*")


@contextmanager
def _mended(kind: str, name: str) -> Iterator[None]:
    """Within it, whoever was late learns how to go on."""
    try:
        yield
    except ServerError as error:
        if error.status not in (412, 428):
            raise
        verb = {"policies": "policy", "sources": "source"}[kind]
        hint = f"somebody was faster: look at it with `congresslite {verb} show {name}`, and do it again if it is right"
        found = [Diagnostic(each.code, each.message, each.span, hint, place=each.place) for each in error.diagnostics]
        raise ServerError(found, error.status) from None
