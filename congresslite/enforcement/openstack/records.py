"""
What Nova says of a server, and its record of what was asked of it (`os-instance-actions`).

Nova writes a record within the request, after its own checks, under the name that it gave to the request; what hosts
do for it is added as events. The record of a server that is gone stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from congresslite.enforcement.openstack.service import Reply, Service, SilentError
from congresslite.sources.driver import Deadline

# From 2.47 on a server does not tell its flavor's id; from 2.58 on records can be asked for by time.
SERVER_VERSION = "compute 2.46"
VERSION = "compute 2.79"
_DETAILS_VERSION = "compute 2.84"  # what went wrong, in words
SKEW = 2.0  # seconds: `Date` and the times of records are whole seconds, cut off or rounded


@dataclass(frozen=True, slots=True)
class Server:
    """A server as Nova tells of it now."""

    id: str
    status: str
    task_state: str | None
    host: str
    flavor: str
    image: str
    volumes: frozenset[str]
    fault: str = ""

    @property
    def output(self) -> dict[str, str]:
        """What a person wants to know of it."""
        told = {"server": self.id, "status": self.status, "host": self.host, "flavor": self.flavor, "image": self.image}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was asked of a server."""

    action: str
    request: str
    user: str
    started: float  # by Nova's clock
    events: Sequence[Mapping[str, Any]] = ()  # the earliest first

    @property
    def ended(self) -> bool:
        """Whether all that hosts began for it came to an end; not if none has begun yet."""
        return bool(self.events) and all(each.get("finish_time") for each in self.events)

    @property
    def errors(self) -> list[str]:
        """What went wrong in the end: an event that failed on one host may have gone well on the next."""
        last = {str(each.get("event")): each for each in self.events}
        return [
            f"{name}: {each.get('details') or 'it failed'}"
            for name, each in last.items()
            if each.get("result") == "Error"
        ]


class Nova:
    """What is asked of Nova about servers. All raise NotSentError and SilentError, and change nothing."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def server(self, server: str, deadline: Deadline) -> tuple[Server | None, float]:
        """A server, None if there is none, and by how much Nova's clock is ahead of ours."""
        reply = self.service.get(f"/servers/{server}", deadline, SERVER_VERSION)
        if reply.status == 404:
            return None, reply.clock()
        told = _part(reply, "server", dict)
        return _server(told), reply.clock()

    def record(self, server: str, request: str, deadline: Deadline) -> Record | None:
        """The record of a request, with its events; None if Nova has none."""
        reply = self.service.get(f"/servers/{server}/os-instance-actions/{request}", deadline, _DETAILS_VERSION)
        if reply.status == 406:  # an older Nova, which does not tell the details
            reply = self.service.get(f"/servers/{server}/os-instance-actions/{request}", deadline, VERSION)
        return None if reply.status == 404 else _record(_part(reply, "instanceAction", dict))

    def records(self, server: str, since: float, deadline: Deadline) -> list[Record]:
        """What was asked of a server since a time of Nova's clock, the latest first, without events."""
        after = datetime.fromtimestamp(max(since, 0.0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"/servers/{server}/os-instance-actions?{urlencode({'changes-since': after})}"
        reply = self.service.get(path, deadline, VERSION)
        if reply.status == 404:
            return []
        found = [_record(each) for each in _part(reply, "instanceActions", list) if isinstance(each, dict)]
        return sorted((each for each in found if each.started >= since), key=lambda each: each.started, reverse=True)

    def migrated(self, server: str, kind: str, since: float, deadline: Deadline) -> str | None:
        """How the latest move of a kind since a time stands; None if none is known, or we may not see them."""
        query = urlencode({"instance_uuid": server, "migration_type": kind})
        reply = self.service.get(f"/os-migrations?{query}", deadline, VERSION)
        if reply.status == 403:
            return None
        found = [each for each in _part(reply, "migrations", list) if isinstance(each, dict)]
        recent = [(_time(each.get("created_at")), str(each.get("status"))) for each in found]
        return max(((at, status) for at, status in recent if at >= since), default=(0.0, None))[1]


def _part(reply: Reply, name: str, kind: type) -> Any:
    """A part of the body that has to be there. Raises SilentError: nothing can be concluded without it."""
    found = reply.part(name)
    if not reply.fine or not isinstance(found, kind):
        raise SilentError(f"Nova was asked for `{name}` and answered with status {reply.status}: {reply.said}")
    return found


def _server(told: Mapping[str, Any]) -> Server:
    return Server(
        id=str(told.get("id")),
        status=str(told.get("status")),
        task_state=told.get("OS-EXT-STS:task_state"),
        host=str(told.get("OS-EXT-SRV-ATTR:host") or ""),
        flavor=str(_inner(told, "flavor", "id")),
        image=str(_inner(told, "image", "id")),
        volumes=frozenset(_volumes(told)),
        fault=str(_inner(told, "fault", "message")),
    )


def _inner(told: Mapping[str, Any], name: str, key: str) -> Any:
    """A value one level down; a server that was booted from a volume has an empty text for its image."""
    part = told.get(name)
    return (part.get(key) or "") if isinstance(part, dict) else ""


def _volumes(told: Mapping[str, Any]) -> Iterator[str]:
    for each in told.get("os-extended-volumes:volumes_attached") or ():
        if isinstance(each, dict):
            yield str(each.get("id"))


def _record(told: Mapping[str, Any]) -> Record:
    events = [each for each in told.get("events") or () if isinstance(each, dict)]
    return Record(
        action=str(told.get("action")),
        request=str(told.get("request_id")),
        user=str(told.get("user_id") or ""),
        started=_time(told.get("start_time")),
        events=sorted(events, key=lambda each: str(each.get("start_time"))),
    )


def _time(text: Any) -> float:
    """A time of Nova's, which is UTC without saying so. Raises SilentError."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise SilentError(f"Nova has a record without a time: `{text}`") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
