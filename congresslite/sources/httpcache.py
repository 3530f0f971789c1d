"""
Replies that are kept, so that a service can say that they are still true instead of sending them again.

The rule to keep: a reply is only kept if the service itself gave it a version,
and is only used once the service has said, just now, that the version holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from congresslite.sources.http import HttpReply

_SETTLED = 60.0  # seconds after which a `Last-Modified` tells versions apart: its own steps are seconds

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply, and the headers that ask for it only if there is another one."""

    conditions: Mapping[str, str]
    reply: HttpReply


class KeptReplies:
    """The replies of one service, those of `max_bytes` together that were used last."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[_Key, Kept] = OrderedDict()

    def find(self, url: str, headers: Mapping[str, str]) -> Kept | None:
        """What is kept of an address, asked with these headers."""
        key = _key(url, headers)
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, url: str, headers: Mapping[str, str], reply: HttpReply) -> None:
        """Keep a reply in place of the one before it, if it has a version."""
        key = _key(url, headers)
        self._kept.pop(key, None)
        conditions = _conditions(reply.headers)
        if conditions and reply.status == 200:
            self._kept[key] = Kept(conditions, reply)
        while sum(each.reply.size for each in self._kept.values()) > self._max_bytes:
            self._kept.popitem(last=False)


def _key(url: str, headers: Mapping[str, str]) -> _Key:
    return (url, *(f"{name}: {value}" for name, value in sorted(headers.items())))


def _conditions(headers: Mapping[str, str]) -> dict[str, str]:
    if etag := headers.get("ETag"):
        return {"If-None-Match": etag}
    try:
        modified, sent = headers["Last-Modified"], headers["Date"]
        age = (parsedate_to_datetime(sent) - parsedate_to_datetime(modified)).total_seconds()
    except (KeyError, ValueError, TypeError):
        return {}
    return {"If-Modified-Since": modified} if age >= _SETTLED else {}
