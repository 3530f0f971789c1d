"""
A VNF manager as the executor sees it: what may be asked, in the version of SOL003 that it speaks.

The rule to keep: a list of operations is read to its end, or it is an error; only so can it be said what is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.enforcement.sol003.client import OrderClient, Word
from congresslite.enforcement.sol003.occurrences import Occurrence, occurrence_of
from congresslite.enforcement.sol003.requests import Request
from congresslite.sources.asking import LINK, Paging, Reply
from congresslite.sources.driver import Deadline
from congresslite.sources.fetching import Asker, Bounds
from congresslite.sources.http import NOT_FOUND, HttpReply, shown

_BOUNDS = Bounds(pages=200)
_PLAIN = re.compile(r"[\w.-]+", re.ASCII)


class Service:
    """One VNF manager, over one client: for one thread, and for as long as that has the client."""

    def __init__(self, client: OrderClient, version: str, api_version: str) -> None:
        self._client = client
        self._base = f"/vnflcm/{version}"
        self._headers: Mapping[str, str] = {"Version": api_version}

    @property
    def ahead(self) -> float | None:
        """How far its clock is ahead of ours, by its last answer."""
        return self._client.ahead

    def versions(self, deadline: Deadline) -> None:
        """Ask what it speaks, only to see whether it answers. Raises SourceError."""
        self._client.get(f"{self._base}/api_versions", {}, deadline)

    def object(self, request: Request, deadline: Deadline) -> Mapping[str, Any] | None:
        """The object of a request; None if there is none. Raises SourceError."""
        return _object(self._client.get(f"{self._base}/{request.object_path}", self._headers, deadline))

    def occurrence(self, id_: str, deadline: Deadline) -> Occurrence | None:
        """One operation; None if it is not there. Raises SourceError."""
        path = f"{self._base}/vnf_lcm_op_occs/{quote(id_, safe='')}"
        reply = self._client.get(path, self._headers, deadline)
        return None if _object(reply) is None else _read(reply.body, reply.url)

    def occurrences(self, vnf: str, deadline: Deadline) -> list[Occurrence]:
        """All operations of a VNF instance, whatever became of them. Raises SourceError."""
        value = vnf if _PLAIN.fullmatch(vnf) else "'" + vnf.replace("'", "''") + "'"
        wanted = quote(f"(eq,vnfInstanceId,{value})", safe="(),")
        path = f"{self._base}/vnf_lcm_op_occs?filter={wanted}&all_fields"
        reply = Reply("vnf_lcm_op_occs", path, self._headers, items="@", paging=Paging(next=LINK))
        found = [_read(each, path) for each in Asker(self._client, reply, _BOUNDS, deadline).whole()]
        return [each for each in found if each.vnf == vnf]

    def order(self, request: Request, body: Mapping[str, Any] | None, deadline: Deadline) -> Word:
        """Send a request, once. Raises NotSentError and UnheardError."""
        path = f"{self._base}/{request.object_path}/{request.task}"
        return self._client.order(path, self._headers, body, deadline)


def _object(reply: HttpReply) -> Mapping[str, Any] | None:
    if reply.status == NOT_FOUND:
        return None
    if not isinstance(reply.body, dict):
        raise _misshapen("an object is expected", reply.url)
    return reply.body


def _read(raw: Any, url: str) -> Occurrence:
    found = occurrence_of(raw)
    if found is None:
        raise _misshapen("an operation occurrence with `id` and `operationState` is expected", url)
    return found


def _misshapen(expected: str, url: str) -> SourceError:
    hint = "is `url` the address of a VNF manager, without the path of an interface?"
    return SourceError(Diagnostic("CL477", f"what came is of another shape: {expected}", place=shown(url), hint=hint))
