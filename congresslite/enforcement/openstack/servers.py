"""
Actions on servers: asked for once, followed by Nova's record of the request, and found again after a crash.

The rule to keep: *succeeded* needs the record's end or a state that could not be without it; *absent* needs that Nova
has no record of ours and does nothing with the server. Nova writes its record within the request, so once no request
can be on its way any more (which whoever asks has waited for), one that is not there never will be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.openstack.findings import failed, missing
from congresslite.enforcement.openstack.operations import OPERATIONS, Operation
from congresslite.enforcement.openstack.records import SKEW, VERSION, Nova, Record, Server
from congresslite.enforcement.openstack.service import NotSentError, Reply, Service, SilentError
from congresslite.sources.driver import Deadline

ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")  # what may stand in an address
_WAITS = "VERIFY_RESIZE"
_ATTEMPT_AGAIN = (408, 413, 425, 429)  # refusals that pass by themselves
_CONFIRMATIONS = ("confirmResize", "revertResize")
_MOVED = (None, "completed", "done")  # an evacuation is completed only when the host is back
_MOVE_FAILED = ("error", "failed", "cancelled")
_ON_VOLUMES = ("attach_volume", "detach_volume")


class Servers:
    """The actions on servers, by one connection to Nova."""

    def __init__(self, service: Service, *, confirm: bool = True) -> None:
        """With `confirm`, a resize or a migration is confirmed as soon as Nova waits for it."""
        self._nova = Nova(service)
        self._service = service
        self._confirm = confirm

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Ask Nova, unless there is nothing to be done."""
        work = _Work(order)
        if not ID.fullmatch(work.id):
            return missing("server", work.id)
        try:
            server, _ = self._nova.server(work.id, deadline)
            if server is None:
                return _gone(work)
            before = self._already(work, server, deadline) or _busy(work, server)
        except (NotSentError, SilentError) as error:  # nothing but a look was taken
            return failed("CL606", f"Nova could not be asked, and nothing was done: {error}", retry=_may_pass(error))
        return before or self._ask(work, deadline)

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """How it stands; confirms a resize or a migration that waits for it."""
        work = _Work(order)
        try:
            server, record = self._look(work, deadline)
            outcome = self._judged(work, server, record, deadline)
            if outcome is None:
                return self._confirmed(work, record, deadline)
            return outcome
        except (NotSentError, SilentError) as error:
            return Outcome("underway", f"{error}; it is asked again", order.reference)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """What became of an attempt, by Nova's records since it began."""
        work = _Work(order)
        if not ID.fullmatch(work.id):
            return Outcome("absent", f"`{work.id}` is no server's id, so Nova was never asked")
        try:
            server, record = self._look(work, deadline)
            if record is None and server is not None:
                return self._already(work, server, deadline) or _without_record(work, server)
            outcome = self._judged(work, server, record, deadline)
        except (NotSentError, SilentError) as error:
            return Outcome("unknown", str(error), order.reference)
        # Whoever follows it will confirm it.
        return outcome or Outcome("underway", "moved, and not yet confirmed", record.request if record else "")

    # -- asking ------------------------------------------------------------------------------------

    def _ask(self, work: _Work, deadline: Deadline) -> Outcome:
        """Send the request, once."""
        call = work.operation.call(work.arguments)
        path = f"/servers/{work.id}{call.path}"
        try:
            reply = self._service.call(
                call.method, path, deadline, body=call.body, version=VERSION, key=work.order.key
            )  # fmt: skip
        except NotSentError as error:
            return failed("CL606", f"Nova could not be asked, and nothing was done: {error}", retry=error.retry)
        except SilentError as error:
            return Outcome("unknown", str(error))
        if reply.fine:
            return Outcome("underway", "Nova has taken it on", reply.request, {"server": work.id})
        return self._refused(work, reply, deadline)

    def _refused(self, work: _Work, reply: Reply, deadline: Deadline) -> Outcome:
        """A refusal, and whether it may pass: a server that Nova is busy with will be free."""
        why = f"Nova refused `{work.order.action}` with status {reply.status}: {reply.said}"
        if reply.status != 409:
            return failed("CL601", why, retry=reply.status in _ATTEMPT_AGAIN)
        try:
            server, _ = self._nova.server(work.id, deadline)
        except (NotSentError, SilentError):
            return failed("CL601", why, retry=True)
        if server is not None and server.task_state is not None:
            return failed("CL603", f"{why}; Nova is busy with the server ({server.task_state})", retry=True)
        return failed("CL601", why)

    def _already(self, work: _Work, server: Server, deadline: Deadline) -> Outcome | None:
        """What to say if the server is as it should be, and stays so; None if there is something to be done."""
        if server.task_state is not None or not work.operation.certain(server, work.arguments):
            return None
        if work.operation.record in _ON_VOLUMES:
            # A volume stands in the list from the beginning of attaching to the end of detaching.
            record = self._latest(work, 0.0, deadline)
            if record is not None and not record.ended:
                return Outcome("underway", "Nova was asked for it before", record.request, server.output)
        return Outcome("succeeded", "there was nothing to be done", output=server.output)

    # -- looking -----------------------------------------------------------------------------------

    def _look(self, work: _Work, deadline: Deadline) -> tuple[Server | None, Record | None]:
        """The server and our record, if they are there."""
        server, ahead = self._nova.server(work.id, deadline)
        if work.order.reference:
            record = self._nova.record(work.id, work.order.reference, deadline)
        else:
            record = self._latest(work, work.order.started_at + ahead - SKEW, deadline)
        if record is not None and record.ended:
            # It may have ended since the server was looked at: what it led to is seen only now.
            server, _ = self._nova.server(work.id, deadline)
        return server, record

    def _latest(self, work: _Work, since: float, deadline: Deadline) -> Record | None:
        """The latest record of this action that our user asked for: what was asked before it has come to an end."""
        user = self._service.user
        for each in self._nova.records(work.id, since, deadline):
            if each.action == work.operation.record and user in ("", each.user):
                return self._nova.record(work.id, each.request, deadline)
        return None

    def _judged(self, work: _Work, server: Server | None, record: Record | None, deadline: Deadline) -> Outcome | None:
        """How an action that Nova has taken on stands; None if it waits to be confirmed."""
        if server is None:
            return _gone(work)
        operation, reference = work.operation, record.request if record else work.order.reference
        if record is None:
            return Outcome("unknown", f"Nova has no record of the request {reference}", reference, server.output)
        if server.task_state is not None or not (record.ended or _is_lost(server)):
            return Outcome("underway", _progress(server), reference, server.output)
        if operation.waits and server.status == _WAITS:
            return None if self._confirm else Outcome("succeeded", "it waits to be confirmed", reference, server.output)
        if operation.certain(server, work.arguments):
            return Outcome("succeeded", "", reference, server.output)
        if operation.reached(server, work.arguments) and not record.errors:
            return self._kept(work, server, record, deadline)
        return _ended_badly(work, server, record)

    def _kept(self, work: _Work, server: Server, record: Record, deadline: Deadline) -> Outcome:
        """It is done, unless it came to nothing in the end, or somebody took it back since."""
        if work.operation.moves is not None:
            # Nova rolls back without a word: the server runs on where it was, and no event is an error.
            status = self._nova.migrated(work.id, work.operation.moves, record.started - SKEW, deadline)
            if status in _MOVE_FAILED:
                why = f"the server was not moved: the migration ended in `{status}`"
                return replace(failed("CL604", why, retry=True), reference=record.request, output=server.output)
            if status not in _MOVED:
                return Outcome("underway", f"the migration is {status}", record.request, server.output)
        if work.operation.waits:
            later = self._confirmation(work, record, deadline)
            if later is not None and later.action == "revertResize":
                return failed("CL604", "it was done, and somebody took it back (`revertResize`)")
        return Outcome("succeeded", "", record.request, server.output)

    # -- confirming --------------------------------------------------------------------------------

    def _confirmation(self, work: _Work, record: Record, deadline: Deadline) -> Record | None:
        """The latest confirmation, or its contrary, since a record."""
        for each in self._nova.records(work.id, record.started, deadline):
            if each.action in _CONFIRMATIONS and each.request != record.request:
                return self._nova.record(work.id, each.request, deadline)
        return None

    def _confirmed(self, work: _Work, record: Record | None, deadline: Deadline) -> Outcome:
        """Confirm what waits for it, unless that was asked for already."""
        reference = record.request if record else work.order.reference
        later = None if record is None else self._confirmation(work, record, deadline)
        if later is not None and later.ended and later.errors:
            return failed("CL604", f"it was moved, but not confirmed: {'; '.join(later.errors)}")
        if later is None:
            reply = self._service.call(
                "POST", f"/servers/{work.id}/action", deadline,
                body={"confirmResize": None}, version=VERSION, key=work.order.key,
            )  # fmt: skip
            if not reply.fine and reply.status != 409:  # 409: it was confirmed in the meantime, or is just being
                return failed("CL601", f"it was moved, but Nova refused the confirmation: {reply.said}")
        return Outcome("underway", "moved, and asked to be confirmed", reference)


@dataclass(frozen=True, slots=True)
class _Work:
    """An order about a server."""

    order: Order

    @property
    def id(self) -> str:
        return str(self.order.arguments["server"])

    @property
    def operation(self) -> Operation:
        return OPERATIONS[self.order.action]

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.order.arguments


def _gone(work: _Work) -> Outcome:
    """What it means that there is no such server."""
    if work.order.action == "delete":
        return Outcome("succeeded", "the server is gone", work.order.reference, {"server": work.id})
    return missing("server", work.id)


def _busy(work: _Work, server: Server) -> Outcome | None:
    """What to say if Nova would refuse, since it is doing something else with the server."""
    if server.task_state is None or work.operation.busy:
        return None
    return failed("CL603", f"Nova is busy with the server ({server.task_state})", retry=True)


def _without_record(work: _Work, server: Server) -> Outcome:
    """What it means that Nova has no record of ours."""
    if server.task_state is not None:
        why = f"Nova has no record of ours, but is busy with the server ({server.task_state})"
        return Outcome("unknown", why, output=server.output)
    return Outcome("absent", f"Nova has no record of `{work.operation.record}` since then, and is not busy with it")


def _is_lost(server: Server) -> bool:
    """Whether nothing more is to come, even though no host began anything."""
    return server.status == "ERROR"


def _progress(server: Server) -> str:
    return f"Nova is at it ({server.task_state})" if server.task_state else "Nova has taken it on"


def _ended_badly(work: _Work, server: Server, record: Record) -> Outcome:
    """The failure that Nova reports."""
    reasons = "; ".join(record.errors) or server.fault or "Nova does not say why"
    why = f"`{work.order.action}` ended with the server in {server.status}: {reasons}"
    # What Nova itself calls an error is for a person to look at.
    outcome = failed("CL604", why, retry=server.status != "ERROR")
    return replace(outcome, reference=record.request, output=server.output)


def _may_pass(error: NotSentError | SilentError) -> bool:
    return not isinstance(error, NotSentError) or error.retry
