"""
Subscriptions: a service is asked to tell of changes, as ETSI SOL003 has it for VNF managers.

The rule to keep: what comes only says what to pull. So a notification that was
lost, forged or sent twice does no harm, and polling goes on whatever happens
here. A subscription that an earlier run left behind is replaced.
"""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.asking import Notification
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Deadline, Wake
from congresslite.sources.http import NOT_FOUND, HttpWriter, refused
from congresslite.sources.mapping import BadPathError, compile_path

_CALL = 10.0  # seconds for one call
_FIRST, _MOST = 2.0, 300.0  # seconds until the next try, doubled each time
_LOOK = 300.0  # seconds between looks at whether the subscriptions are still there


@dataclass(frozen=True, slots=True)
class Callback:
    """Our address, and how the service says there that it is the service."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class Client(HttpWriter, Protocol):
    """What subscribes: of its own, since it is used by a thread of its own."""

    def close(self) -> None:
        """Close the connections."""


class Subscriptions:
    """A Watch that keeps the subscriptions of a definition alive."""

    def __init__(self, definition: Definition, client: Client, callback: Callback, wake: Wake) -> None:
        self._wanted = dict(definition.notifications)
        self._client = client
        self._callback = callback
        self._wake = wake
        self._held: dict[str, str] = {}  # the path of each subscription, by the notification's name
        self._faults: dict[str, str] = dict.fromkeys(self._wanted, "not subscribed yet")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"subscriptions of {definition.source}", daemon=True)
        self._thread.start()

    @property
    def fault(self) -> str | None:
        """Why nothing is heard of some changes; None while all is well."""
        faults = dict(self._faults)
        return "; ".join(f"`{name}`: {why}" for name, why in faults.items()) or None

    def notified(self, body: Any) -> None:
        """Wake the feeds that a notification is about."""
        for notification in self._wanted.values():
            if _follow(notification.when, body):
                for reply, path in notification.wakes.items():
                    key = _follow(path, body)
                    if key is not False:
                        self._wake(reply, [key] if isinstance(key, str) else None)

    def close(self) -> None:
        """End the subscriptions; returns when the thread has ended."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        pause = _FIRST
        while not self._closing.is_set():
            for name, notification in self._wanted.items():
                self._look_after(name, notification)
            pause = min(_MOST, pause * 2) if self._faults else _FIRST
            self._closing.wait(pause if self._faults else _LOOK)
        for name, path in self._held.items():
            with contextlib.suppress(SourceError):  # the next run replaces what is left
                self._delete(self._wanted[name], path)
        self._client.close()

    def _look_after(self, name: str, notification: Notification) -> None:
        """Subscribe where that is not done, or no longer."""
        try:
            if name not in self._held or not self._is_there(notification, self._held[name]):
                self._held.pop(name, None)
                self._held[name] = self._subscribed(notification)
                for reply in notification.wakes:
                    self._wake(reply)  # what happened until now was not heard of
            self._faults.pop(name, None)
        except SourceError as error:
            self._faults[name] = error.diagnostics[0].message

    def _is_there(self, notification: Notification, path: str) -> bool:
        return self._client.get(path, notification.headers, Deadline.after(_CALL)).status != NOT_FOUND

    def _subscribed(self, notification: Notification) -> str:
        """The path of a new subscription, in place of those that an earlier run left for our address."""
        before = self._client.get(notification.path, notification.headers, Deadline.after(_CALL))
        for each in before.body if isinstance(before.body, list) else ():
            if isinstance(each, dict) and self._callback.url in each.values():
                self._delete(notification, _path(notification, each))
        body = _filled(notification.body, self._callback)
        made = self._client.send("POST", notification.path, notification.headers, body, Deadline.after(_CALL))
        if made.status == NOT_FOUND:
            raise refused(made.status, "", made.url)
        return _path(notification, made.body)

    def _delete(self, notification: Notification, path: str) -> None:
        self._client.send("DELETE", path, notification.headers, None, Deadline.after(_CALL))


def _follow(path: str, body: Any) -> Any:
    """What a path leads to in a notification; nothing where it cannot be followed."""
    try:
        return compile_path(path)(body)
    except BadPathError:
        return None


def _path(notification: Notification, subscription: Any) -> str:
    """Where a subscription is looked after. Raises SourceError (CL477) for one without an id."""
    made = subscription.get("id") if isinstance(subscription, dict) else None
    if not isinstance(made, str):
        message = "the service gave a subscription without an id"
        raise SourceError(Diagnostic("CL477", message, place=notification.path))
    return f"{notification.path.partition('?')[0]}/{quote(made, safe='')}"


def _filled(body: Any, callback: Callback) -> Any:
    """The body of a subscription with what we are; a member that needs a user is left out if there is none."""
    known = {"{callback}": callback.url, "{username}": callback.username, "{password}": callback.password}
    missing = [name for name, value in known.items() if value is None]

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return known.get(value, value) if isinstance(value, str) else value

    members = body.items() if isinstance(body, dict) else ()
    return {key: filled(each) for key, each in members if not any(name in json.dumps(each) for name in missing)}
