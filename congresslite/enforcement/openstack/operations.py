"""
What is asked of Nova for each action on a server, and how one sees that it is done.

A row of the table is all that a new action takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from congresslite.enforcement.openstack.records import Server
from congresslite.schema import Scalar

Arguments = Mapping[str, Scalar]
Test = Callable[[Server, Arguments], bool]
_DELETED = ("SOFT_DELETED", "DELETED")
_LEFT = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")  # as it was before, whatever that was


@dataclass(frozen=True, slots=True)
class Call:
    """A request below the address of the server."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An action on a server.

    `record` is what Nova calls it in its records. `reached` says whether a server is as it should be afterwards;
    `certain`, if that alone tells that nothing is left to be done, whoever did it. `waits`: Nova waits to be told that
    the result is right (`VERIFY_RESIZE`).
    """

    record: str
    call: Callable[[Arguments], Call]
    reached: Test
    certain: Test = lambda server, arguments: False
    waits: bool = False
    moves: str | None = None  # what Nova calls such a move, where only its list of moves tells how it ended
    busy: bool = False  # Nova takes it while it does something else with the server


def _act(name: str, **values: str) -> Callable[[Arguments], Call]:
    """A call with values of the action's parameters; one that was left out is none."""

    def made(arguments: Arguments) -> Call:
        given = {key: arguments.get(parameter) for key, parameter in values.items()}
        return Call("POST", "/action", {name: given or None})

    return made


def _is(*statuses: str) -> Test:
    return lambda server, arguments: server.status in statuses


def _state(record: str, name: str, status: str) -> Operation:
    return Operation(record, _act(name), _is(status), _is(status))


def _there(server: Server, arguments: Arguments) -> bool:
    """Whether a server is on the host that was asked for, if one was."""
    host = arguments.get("host")
    return host is None or server.host == host


def _arrived(server: Server, arguments: Arguments) -> bool:
    return server.status in _LEFT and _there(server, arguments)


def _sits(server: Server, arguments: Arguments) -> bool:
    return arguments.get("host") is not None and _arrived(server, arguments)


def _reboot(arguments: Arguments) -> Call:
    return Call("POST", "/action", {"reboot": {"type": arguments.get("type") or "SOFT"}})


def _migrate(arguments: Arguments) -> Call:
    host = arguments.get("host")
    return Call("POST", "/action", {"migrate": None if host is None else {"host": host}})


def _live(arguments: Arguments) -> Call:
    return Call("POST", "/action", {"os-migrateLive": {"host": arguments.get("host"), "block_migration": "auto"}})


def _evacuate(arguments: Arguments) -> Call:
    host = arguments.get("host")
    return Call("POST", "/action", {"evacuate": {} if host is None else {"host": host}})


def _sized(server: Server, arguments: Arguments) -> bool:
    return server.status in _LEFT and server.flavor == arguments["flavor"]


def _imaged(server: Server, arguments: Arguments) -> bool:
    return server.status in _LEFT and server.image in ("", arguments["image"])


def _attach(arguments: Arguments) -> Call:
    return Call("POST", "/os-volume_attachments", {"volumeAttachment": {"volumeId": arguments["volume"]}})


def _detach(arguments: Arguments) -> Call:
    return Call("DELETE", f"/os-volume_attachments/{quote(str(arguments['volume']), safe='')}")


def _attached(server: Server, arguments: Arguments) -> bool:
    return arguments["volume"] in server.volumes


def _detached(server: Server, arguments: Arguments) -> bool:
    return arguments["volume"] not in server.volumes


OPERATIONS: Mapping[str, Operation] = {
    "stop": _state("stop", "os-stop", "SHUTOFF"),
    "start": _state("start", "os-start", "ACTIVE"),
    "pause": _state("pause", "pause", "PAUSED"),
    "unpause": _state("unpause", "unpause", "ACTIVE"),
    "suspend": _state("suspend", "suspend", "SUSPENDED"),
    "resume": _state("resume", "resume", "ACTIVE"),
    "reboot": Operation("reboot", _reboot, _is("ACTIVE")),
    "migrate": Operation("migrate", _migrate, _arrived, _sits, waits=True),
    "live_migrate": Operation("live-migration", _live, _arrived, _sits, moves="live-migration"),
    # On the host that was asked for it may also be because it never left it.
    "evacuate": Operation("evacuate", _evacuate, _arrived, moves="evacuation"),
    "resize": Operation("resize", _act("resize", flavorRef="flavor"), _sized, _sized, waits=True),
    "confirm": Operation("confirmResize", _act("confirmResize"), _is(*_LEFT)),
    "revert": Operation("revertResize", _act("revertResize"), _is(*_LEFT)),
    "rebuild": Operation("rebuild", _act("rebuild", imageRef="image"), _imaged),
    # A server that is gone is not there to be looked at; where deleting can be taken back, it is for a while.
    "delete": Operation("delete", lambda arguments: Call("DELETE", ""), _is(*_DELETED), _is(*_DELETED), busy=True),
    "attach_volume": Operation("attach_volume", _attach, _attached, _attached),
    "detach_volume": Operation("detach_volume", _detach, _detached, _detached),
}
