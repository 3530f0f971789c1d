"""
Actions on volumes: made once under the key of their order, which Cinder keeps beside them.

The rule to keep: before a volume is made, and to learn whether one was, the volumes of that name are looked through
for the key; a second one is never made while there is one that is no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.openstack.findings import failed, missing
from congresslite.enforcement.openstack.servers import ID
from congresslite.enforcement.openstack.service import NotSentError, Reply, Service, SilentError
from congresslite.sources.driver import Deadline

VERSION = "volume 3.0"
KEY, ATTEMPT = "congresslite_key", "congresslite_attempt"  # in a volume's metadata
_READY = ("available", "in-use", "reserved", "attaching", "detaching")
_COPIED = ("available", "in-use")
_MOST_PAGES = 100
_ATTEMPT_AGAIN = (408, 413, 425, 429)

ACTIONS = ("create_volume", "copy_volume", "delete_volume")


class Volumes:
    """The actions on volumes, by one connection to Cinder."""

    def __init__(self, service: Service) -> None:
        self._cinder = service

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Ask Cinder, unless there is nothing to be done."""
        try:
            before = (
                self._gone_or_going(order, deadline)
                if order.action == "delete_volume"
                else self._source(order, deadline)
            )
            made = None if order.action == "delete_volume" else self._made(order, deadline)
        except (NotSentError, SilentError) as error:  # nothing but a look was taken
            passing = not isinstance(error, NotSentError) or error.retry
            return failed("CL606", f"Cinder could not be asked, and nothing was done: {error}", retry=passing)
        if made is not None:
            return _judged(made)
        return before or self._ask(order, deadline)

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """How the volume stands."""
        try:
            return self._now(order, deadline)
        except (NotSentError, SilentError) as error:
            return Outcome("underway", f"{error}; it is asked again", order.reference)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """What became of an attempt, by the key that a volume has."""
        try:
            if order.action == "delete_volume" or order.reference:
                outcome = self._now(order, deadline)
                return replace(outcome, state="absent") if outcome.state == "unknown" else outcome
            made = self._made(order, deadline)
        except (NotSentError, SilentError) as error:
            return Outcome("unknown", str(error), order.reference)
        if made is None:
            return Outcome("absent", "no volume has the key of this order")
        return _judged(made)

    # -- asking ------------------------------------------------------------------------------------

    def _ask(self, order: Order, deadline: Deadline) -> Outcome:
        """Send the request, once."""
        try:
            if order.action == "delete_volume":
                reply = self._call("DELETE", f"/volumes/{order.arguments['volume']}", None, order, deadline)
            else:
                reply = self._call("POST", "/volumes", {"volume": _wanted(order)}, order, deadline)
        except NotSentError as error:
            return failed("CL606", f"Cinder could not be asked, and nothing was done: {error}", retry=error.retry)
        except SilentError as error:
            return Outcome("unknown", str(error))
        if not reply.fine:
            why = f"Cinder refused `{order.action}` with status {reply.status}: {reply.said}"
            return failed("CL601", why, retry=reply.status in _ATTEMPT_AGAIN)
        if order.action == "delete_volume":
            return Outcome("underway", "Cinder has taken it on", str(order.arguments["volume"]))
        made = reply.part("volume")
        if not isinstance(made, dict) or not made.get("id"):
            return Outcome("unknown", "Cinder took it on, but did not say which volume it makes")
        return _judged(made)

    def _call(self, method: str, path: str, body: Any, order: Order, deadline: Deadline) -> Reply:
        return self._cinder.call(method, path, deadline, body=body, version=VERSION, key=order.key)

    def _source(self, order: Order, deadline: Deadline) -> Outcome | None:
        """Why a volume cannot be copied; None if it can, or if nothing is to be copied."""
        if order.action != "copy_volume":
            return None
        source = self._volume(str(order.arguments["volume"]), deadline)
        if source is None:
            return missing("volume", order.arguments["volume"])
        owner = source.get("os-vol-tenant-attr:tenant_id")
        if owner and self._cinder.project and owner != self._cinder.project:
            # Whoever asks owns the copy: the data of one tenant would come into the hands of another.
            return failed("CL605", f"volume `{source['id']}` belongs to project `{owner}`, the cloud's user to another")
        if source.get("status") not in _COPIED:
            return failed(
                "CL603", f"volume `{source['id']}` is {source.get('status')}, and cannot be copied now", retry=True
            )
        return None

    def _gone_or_going(self, order: Order, deadline: Deadline) -> Outcome | None:
        """What to say if a volume need not be deleted."""
        outcome = self._now(order, deadline)
        return outcome if outcome.state in ("succeeded", "underway") else None

    # -- looking -----------------------------------------------------------------------------------

    def _now(self, order: Order, deadline: Deadline) -> Outcome:
        """How the volume stands that an order makes or deletes."""
        if order.action != "delete_volume":
            made = self._volume(order.reference, deadline)
            return missing("volume", order.reference) if made is None else _judged(made)
        name = str(order.arguments["volume"])
        volume = self._volume(name, deadline)
        match None if volume is None else volume.get("status"):
            case None:
                return Outcome("succeeded", "the volume is gone", name)
            case "deleting":
                return Outcome("underway", "Cinder is at it", name)
            case "error_deleting":
                return failed("CL604", f"Cinder could not delete volume `{name}`")
            case status:
                return Outcome("unknown", f"the volume is there, and {status}", name)

    def _volume(self, volume: str, deadline: Deadline) -> Mapping[str, Any] | None:
        """A volume; None if there is none."""
        if not ID.fullmatch(volume):
            return None
        reply = self._cinder.get(f"/volumes/{volume}", deadline, VERSION)
        if reply.status == 404:
            return None
        found = reply.part("volume")
        if not reply.fine or not isinstance(found, dict):
            raise SilentError(f"Cinder was asked for a volume and answered with status {reply.status}: {reply.said}")
        return found

    def _made(self, order: Order, deadline: Deadline) -> Mapping[str, Any] | None:
        """The volume with the key of an order; one that ended in an error counts for its own attempt alone."""
        found = None
        for each in self._named(str(order.arguments["name"]), deadline):
            known = each.get("metadata") or {}
            if known.get(KEY) != order.key:
                continue
            if not str(each.get("status")).startswith("error"):
                return each
            if known.get(ATTEMPT) == str(order.attempt):
                found = each
        return found

    def _named(self, name: str, deadline: Deadline) -> Iterator[Mapping[str, Any]]:
        """The volumes of our project that have a name. Raises SilentError unless all were seen."""
        query = {"name": name, "limit": "200"}
        for _ in range(_MOST_PAGES):
            reply = self._cinder.get(f"/volumes/detail?{urlencode(query)}", deadline, VERSION)
            page = reply.part("volumes")
            if not reply.fine or not isinstance(page, list):
                raise SilentError(f"Cinder was asked for volumes and answered with status {reply.status}: {reply.said}")
            yield from (each for each in page if isinstance(each, dict) and each.get("name") == name)
            if not reply.part("volumes_links") or not page:
                return
            query["marker"] = str(page[-1].get("id"))
        raise SilentError(f"Cinder has too many volumes with the name `{name}` to look through them")


def _wanted(order: Order) -> dict[str, Any]:
    """What Cinder is asked to make. A copy takes size and type from its source."""
    arguments = order.arguments
    wanted: dict[str, Any] = {
        "name": arguments["name"],
        "metadata": {KEY: order.key, ATTEMPT: str(order.attempt)},
    }
    if order.action == "copy_volume":
        return {**wanted, "source_volid": arguments["volume"]}
    wanted["size"] = arguments["size"]
    if arguments.get("type") is not None:
        wanted["volume_type"] = arguments["type"]
    return wanted


def _judged(volume: Mapping[str, Any]) -> Outcome:
    """How a volume stands that was asked for."""
    name, status = str(volume.get("id")), str(volume.get("status"))
    shown = ("id", "name", "size", "volume_type", "encrypted", "status")
    output = {"volume" if key == "id" else key: volume[key] for key in shown if volume.get(key) is not None}
    if status in _READY:
        return Outcome("succeeded", "", name, output)
    if status.startswith("error"):
        why = f"Cinder could not make volume `{name}`: it is in {status}, and stays for a person to look at"
        return replace(failed("CL604", why), reference=name, output=output)
    return Outcome("underway", f"Cinder is at it ({status})", name, output)
