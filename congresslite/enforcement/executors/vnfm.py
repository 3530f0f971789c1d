"""
The executor `vnfm`: lifecycle operations of VNF instances, by ETSI SOL003.

SOL003 has no key by which a VNF manager could tell a request that it knows already. So ours is put among the parameters
that it leaves to the VNF, and stands in the operation occurrence from then on: after a crash the operations of the
instance are listed, and ours is there or it is not.

The rule to keep: the object is looked at before it is acted upon, on the same connection, so that what is out of reach
is known to be so while nothing has been sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from congresslite.actions import ActionKind, kinds_of
from congresslite.diagnostics import CongressliteError, SourceError
from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.sol003.client import Clients, NotSentError, UnheardError, Word, why
from congresslite.enforcement.sol003.occurrences import (
    ACTIVE,
    FAILED_TEMP,
    MEND,
    Occurrence,
    agrees,
    bounded,
    is_problem,
    latest,
    occurrence_of,
    ours,
    outcome_of,
    problem,
    since,
)
from congresslite.enforcement.sol003.requests import (
    GOALS,
    Profiles,
    Request,
    RequestError,
    marked,
    request_of,
    with_parameters,
)
from congresslite.enforcement.sol003.service import Service
from congresslite.enforcement.sol003.settings import Settings
from congresslite.sources.driver import Deadline

__all__ = ["Settings", "VnfmExecutor", "open_executor"]

_AGAIN = frozenset({408, 409, 425, 429})  # refusals that may pass
_UNKNOWN_FROM = 500
_NOT_OFFERED = frozenset({404, 405, 501})
_NOT_SENT = "nothing was sent: "
_MOST_ADDRESS = 2048


def open_executor(target: str, settings: Settings, state: Path) -> VnfmExecutor:
    """An executor that has called nobody yet."""
    return VnfmExecutor(settings)


class VnfmExecutor:
    """Calls one VNF manager: an `Executor`."""

    place = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._profiles = Profiles(settings.profiles)
        self._clients = Clients(settings.open)
        offered = {name: kind for name, kind in kinds_of("vnfm").items() if name not in settings.without}
        self.kinds: Mapping[str, ActionKind] = offered

    def perform(self, order: Order, deadline: Deadline) -> Outcome:
        """Look at the object, then send the request, once."""
        try:
            request = request_of(order)
            body = self._body(request, order)
        except RequestError as error:
            return Outcome("failed", _finding(error), retry=False)
        with self._service() as service:
            try:
                found = service.object(request, deadline)
            except SourceError as error:
                return Outcome("failed", self._safe(_NOT_SENT + why(error)))
            if found is None:
                what = "VNF instance" if request.operation else "operation occurrence"
                return Outcome("failed", f"there is no {what} `{request.object}`", retry=False)
            before = None if request.operation else occurrence_of(found)
            if before is not None and before.state != FAILED_TEMP:
                return self._not_failed(before, order.action)
            try:
                word = service.order(request, body, deadline)
            except NotSentError as error:
                return Outcome("failed", self._safe(_NOT_SENT + str(error)))
            except UnheardError as error:
                return Outcome("unknown", self._safe(str(error)))
            if word.status < 300:
                return self._accepted(word, request, order, before)
            return self._refused(word, request, order, service, deadline)

    def follow(self, order: Order, deadline: Deadline) -> Outcome:
        """How the operation stands; as long as nobody can be asked, it is under way."""
        with self._service() as service:
            try:
                request = request_of(order)
                if not request.operation:
                    return self._ending(service, request, order, deadline)
                if not order.reference:
                    found = self._searched(service, request, order, deadline)
                    return replace(found, state="unknown") if found.state == "absent" else found
                return self._state_of(service, order, deadline)
            except (SourceError, RequestError) as error:
                told = _finding(error) if isinstance(error, RequestError) else why(error)
                return Outcome("underway", self._safe(told), order.reference)

    def inspect(self, order: Order, deadline: Deadline) -> Outcome:
        """Look for the operation: by its id, or else among all those of the instance."""
        with self._service() as service:
            try:
                request = request_of(order)
                if not request.operation:
                    return self._ending(service, request, order, deadline)
                if order.reference:
                    return self._state_of(service, order, deadline)
                return self._searched(service, request, order, deadline)
            except RequestError as error:
                # It never was a request, and so was never sent.
                return Outcome("absent", _finding(error))
            except SourceError as error:
                return Outcome("unknown", self._safe(why(error)), order.reference)

    def reachable(self, deadline: Deadline) -> str | None:
        """Why the VNF manager does not answer, or does not know us."""
        with self._service() as service:
            try:
                service.versions(deadline)
            except SourceError as error:
                return self._safe(why(error))
        return None

    def close(self) -> None:
        """Close the connections; operations go on."""
        self._clients.close()

    # -- sending -----------------------------------------------------------------------------------

    @contextmanager
    def _service(self) -> Iterator[Service]:
        with self._clients.one() as client:
            yield Service(client, self._settings.version, self._settings.told_version)

    def _body(self, request: Request, order: Order) -> dict[str, Any] | None:
        """The whole body of a request; None for one without."""
        if not request.operation:
            return None
        profile = {} if request.profile is None else self._profiles.read(request.profile)
        body = with_parameters({**profile, **request.body}, self._settings.parameters.get(order.action, {}))
        return marked(body, order) if self._settings.mark else body

    def _accepted(self, word: Word, request: Request, order: Order, before: Occurrence | None) -> Outcome:
        """What a VNF manager has taken on. Where the operation is, only its last part counts: it is asked at `url`."""
        if request.operation:
            reference = (
                word.headers.get("Location", "")[:_MOST_ADDRESS].partition("?")[0].rstrip("/").rpartition("/")[2]
            )
            return Outcome("underway", "", reference, {"occurrence": reference} if reference else {})
        after = occurrence_of(word.body)
        if after is not None and after.state != FAILED_TEMP:
            return outcome_of(after, order.action, self._secrets())
        # It may be in FAILED_TEMP for a while yet: when it came to be so tells whether it failed again.
        entered = "" if before is None or before.entered is None else before.entered.isoformat()
        return Outcome("underway", "", entered, {"occurrence": request.object})

    def _refused(self, word: Word, request: Request, order: Order, service: Service, deadline: Deadline) -> Outcome:
        """What an answer that is no consent means."""
        status = word.status
        details = problem(word.body)
        said = self._safe(details or word.told or f"the answer was {status}")
        output = {"status": status, "detail": said}
        if status >= _UNKNOWN_FROM and status not in _NOT_OFFERED:
            return Outcome(
                "unknown", f"it answered {status}, which does not say whether it was done: {said}", "", output
            )
        if status in _NOT_OFFERED and not is_problem(word.body):
            # The object is there, and nobody who knows SOL003 answered: it is the task that is not.
            why_not = f"the VNF manager has no `{request.task}`: it answered {status}"
            return Outcome("failed", why_not, "", output, retry=False)
        if status == 409:
            try:
                return self._conflicting(request, order, said, service, deadline)
            except SourceError:
                return Outcome("failed", f"it answered 409: {said}", "", output)
        return Outcome("failed", f"it answered {status}: {said}", "", output, retry=status in _AGAIN)

    def _conflicting(self, request: Request, order: Order, said: str, service: Service, deadline: Deadline) -> Outcome:
        """What stands in the way of a request: another operation, or that things are so already. Raises SourceError."""
        output: dict[str, Any] = {"status": 409, "detail": said}
        if not request.operation:
            found = service.occurrence(request.object, deadline)
            if found is not None and found.state != FAILED_TEMP:
                return self._not_failed(found, order.action)
            return Outcome("failed", f"it answered 409: {said}", "", output)
        for each in service.occurrences(request.object, deadline):
            if each.state in ACTIVE or each.state == FAILED_TEMP:
                output["blocking"] = each.told(self._secrets())
                mend = f"; {MEND}" if each.state == FAILED_TEMP else ""
                told = f"{each.operation} {each.id} of the same VNF is in {each.state}{mend}: {said}"
                return Outcome("failed", told, "", output)
        match _stands(request, service.object(request, deadline) or {}):
            case True:
                return Outcome("succeeded", "it was so already", "", output)
            case False:
                return Outcome("failed", f"it answered 409: {said}", "", output, retry=False)
            case None:
                return Outcome("failed", f"it answered 409: {said}", "", output)

    def _not_failed(self, found: Occurrence, action: str) -> Outcome:
        """What comes of an action that ends a failed operation, where that has not failed, or not any more."""
        if found.state == GOALS[action]:
            return outcome_of(found, action, self._secrets(), "it was so already")
        told = f"{found.operation} {found.id} is in {found.state}, and only one in FAILED_TEMP can be ended"
        return Outcome("failed", told, "", found.told(self._secrets()), retry=found.state in ACTIVE)

    # -- looking after -----------------------------------------------------------------------------

    def _state_of(self, service: Service, order: Order, deadline: Deadline) -> Outcome:
        """How the operation that an order refers to stands. Raises SourceError."""
        found = service.occurrence(order.reference, deadline)
        if found is None:
            told = f"the VNF manager does not know the operation {order.reference} any more"
            return Outcome("unknown", told, order.reference)
        return outcome_of(found, order.action, self._secrets())

    def _searched(self, service: Service, request: Request, order: Order, deadline: Deadline) -> Outcome:
        """What became of an order that is known by its key alone. Raises SourceError."""
        listed = service.occurrences(request.object, deadline)
        certain, maybe = ours(listed, request, order, service.ahead, keys=self._settings.mark)
        if certain:
            note = f"there are {len(certain)} operations with its key" if len(certain) > 1 else ""
            return outcome_of(latest(certain), order.action, self._secrets(), note)
        if not maybe:
            return Outcome("absent", f"none of the {len(listed)} operations of `{request.object}` is it")
        if len(maybe) == 1 and agrees(maybe[0], request):
            note = "taken for it by operation, time and parameters, since keys do not come back"
            return outcome_of(maybe[0], order.action, self._secrets(), note)
        told = [each.told(self._secrets()) for each in maybe]
        why_not = f"{len(maybe)} operation(s) may be it, and no key came back to tell"
        return Outcome("unknown", why_not, "", {"candidates": told})

    def _ending(self, service: Service, request: Request, order: Order, deadline: Deadline) -> Outcome:
        """What became of a retry, rollback or fail. Raises SourceError."""
        found = service.occurrence(request.object, deadline)
        if found is None:
            return Outcome("unknown", f"the VNF manager does not know the operation {request.object} any more")
        outcome = replace(outcome_of(found, order.action, self._secrets()), reference=order.reference)
        if found.state != FAILED_TEMP:
            return outcome
        entered = None if found.entered is None else found.entered.isoformat()
        if order.reference:
            # Consented to, and not begun as long as nothing has happened to it.
            return (
                replace(outcome, state="underway", why="it is not begun yet") if entered == order.reference else outcome
            )
        earliest, latest_ = since(order, service.ahead)
        if found.entered is None or earliest <= found.entered.timestamp() <= latest_:
            return replace(
                outcome, state="unknown", why="it cannot be told whether it failed before or after the order"
            )
        if found.entered.timestamp() < earliest:
            return Outcome("absent", f"{found.id} is in FAILED_TEMP since before the order", "", outcome.output)
        return outcome

    def _secrets(self) -> list[str]:
        return sorted({*self._settings.secrets(), *self._profiles.secrets()} - {""}, key=len, reverse=True)

    def _safe(self, text: str) -> str:
        return bounded(text, self._secrets())


def _stands(request: Request, instance: Mapping[str, Any]) -> bool | None:
    """Whether an instance is already as a request wants it; False if it cannot be acted upon as it is, else None."""
    instantiated = instance.get("instantiationState") == "INSTANTIATED"
    details = instance.get("instantiatedVnfInfo") or {}
    match request.operation:
        case "TERMINATE":
            return None if instantiated else True
        case "INSTANTIATE":
            if not instantiated:
                return None
            # Nobody can tell which level it was instantiated at.
            return "instantiationLevelId" not in request.body and details.get("flavourId") == request.body["flavourId"]
        case "OPERATE" if instantiated and details.get("vnfState") == request.body["changeStateTo"]:
            return True
        case _:
            return None if instantiated else False


def _finding(error: CongressliteError) -> str:
    (first, *_) = error.diagnostics
    return f"{first.code}: {first.message}" + (f" ({first.place})" if first.place else "")
