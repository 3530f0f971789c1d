"""
Orders as requests: paths and bodies out of templates and terms.

The rule to keep: a term never changes where a request goes. In a template it is one segment, or one value of the query;
a path that a rule gives as a whole stays below the address of the service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from congresslite.enforcement.executor import Order
from congresslite.enforcement.http.settings import HttpAction
from congresslite.enforcement.terms import as_text, fill, refused_term, term, whole
from congresslite.schema import Scalar

VERBS = ("get", "put", "post", "patch", "delete")
_PLAIN = "/:@!$&'()*+,;=-._~%"  # that stand for themselves in a path, or are encoded already
_HERE = {".", ".."}


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    path: str
    body: bytes | None


def values_of(order: Order) -> dict[str, Scalar]:
    """What templates know of an order."""
    return {**order.arguments, "key": order.key}


def request_of(order: Order, action: HttpAction | None) -> Request:
    """The request of an order: of an action that was configured, or of a plain verb. Raises OrderError (CL622)."""
    if action is None:
        return _plain(order)
    values = values_of(order)
    body = None if action.body is None else json.dumps(_filled(action.body, values)).encode()
    return Request(action.method, path_of(action.path, values), body)


def path_of(template: str, values: Mapping[str, Scalar]) -> str:
    """A path with terms in their places. Raises OrderError (CL622) for a term that would lead elsewhere."""
    way, mark, query = template.partition("?")
    segments = []
    for segment in way.split("/"):
        filled = fill(segment, values, _encoded)
        if segment and unquote(filled) in ("", *_HERE):
            raise refused_term(segment.strip("{}"), "is no segment of a path", "see what the rule binds it to")
        segments.append(filled)
    return "/".join(segments) + mark + fill(query, values, _encoded)


def _encoded(name: str, value: Scalar) -> str:
    return quote(as_text(name, value), safe="")


def _filled(body: Any, values: Mapping[str, Scalar]) -> Any:
    """A body with terms in the places of its strings; one that is a place as a whole keeps the term's type."""
    match body:
        case str():
            name = whole(body)
            return fill(body, values, as_text) if name is None else _scalar(name, term(name, values))
        case Mapping():
            return {fill(name, values, as_text): _filled(each, values) for name, each in body.items()}
        case list() | tuple():
            return [_filled(each, values) for each in body]
    return body


def _scalar(name: str, value: Scalar) -> Scalar:
    return as_text(name, value) if isinstance(value, str) else value


def _plain(order: Order) -> Request:
    path = _checked(as_text("path", order.arguments["path"]))
    given = order.arguments.get("body")
    if given is None:
        return Request(order.action.upper(), path, None)
    try:
        body = json.loads(as_text("body", given))
    except (ValueError, RecursionError):
        raise refused_term("body", "is no JSON", "write a document, or configure an action with a template") from None
    return Request(order.action.upper(), path, json.dumps(body).encode())


def _checked(path: str) -> str:
    """A path as a rule gives it, made safe. Raises OrderError (CL622)."""
    way, mark, query = path.partition("?")
    clear = unquote(unquote(way))  # some servers decode twice
    if (
        not path.isprintable()
        or "\\" in clear
        or "#" in path
        or not clear.isprintable()
        or "//" in clear
        or _HERE & set(clear.split("/"))
    ):
        raise refused_term("path", "is no path below the address", "write it as `/THINGS/ID`, without `..`")
    return "/" + quote(way.lstrip("/"), safe=_PLAIN) + mark + quote(query, safe=_PLAIN + "?")
