"""Proofs, and what is not current, as JSON: dictionaries, lists and scalars, the same for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from congresslite.analysis.documents import Document
from congresslite.live.values import Undetermined
from congresslite.schema.times import stamp_or_none


def undetermined_document(each: Undetermined) -> Document:
    """What cannot be told at the moment, and why."""
    return {
        "source": each.source,
        "feed": each.feed,
        "health": each.health,
        "since": stamp_or_none(each.since),
        "last_success": stamp_or_none(each.last_success),
        "why": each.why,
        "tables": list(each.tables),
        "policies": list(each.policies),
    }


def aged(proof: Document, as_of: Callable[[str], float | None]) -> Document:
    """A proof whose steps from sources say of when their rows are."""
    steps = [
        {**step, "as_of": stamp_or_none(as_of(str(step["table"])))} if step["from"] == "source" else step
        for step in proof["steps"]
    ]
    return {**proof, "steps": steps}


# Whether a row of a source's table, by columns, may be seen.
MaySee = Callable[[str, Mapping[str, Any]], bool]


def redacted(proof: Document, may_see: MaySee) -> Document:
    """A proof for a tenant: the rows of others, and the values that come from them, are left out."""
    steps = [step if number == 0 else _redacted(step, may_see) for number, step in enumerate(proof["steps"])]
    return {**proof, "steps": [_without_values(step) for step in steps]}


def _redacted(step: Document, may_see: MaySee) -> Document:
    """A step without its row, unless it is a row of a source that belongs to whoever looks."""
    if step["from"] == "source" and may_see(str(step["table"]), step["row"]):
        return step
    return {**step, "row": {}, "redacted": True}


def _without_values(step: Document) -> Document:
    """A step without the values that its rule's variables took."""
    result = {key: value for key, value in step.items() if key not in ("bindings", "group")}
    if "body" in step:
        result["body"] = [_without_values_of(entry) for entry in step["body"]]
    if "group" in step:
        result["group"] = [
            {"bindings": {}, "body": [_without_values_of(entry) for entry in member["body"]]}
            for member in step["group"]
        ]
    return result


def _without_values_of(entry: Document) -> Document:
    if "holds" in entry:
        return {"holds": entry["holds"], "with_values": entry["holds"]}
    if "absent" in entry:
        return {"absent": entry["absent"], "row": {}}
    if "branch" in entry:
        return {**entry, "body": [_without_values_of(each) for each in entry["body"]]}
    return entry
