"""
Events: what a system tells on a message bus when something of it changes, and which replies are out of date then.

An event is a type, such as `port.update.end`, and a payload. The rule to keep:
an event only says that it is time to ask; rows come from replies alone, so an
event that is late, doubled or incomplete can do no harm.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from typing import Any

from congresslite.diagnostics.suggest import near_or_listed
from congresslite.diagnostics.yamltree import Item, YamlFile
from congresslite.sources.asking import read_path
from congresslite.sources.mapping import BadPathError, compile_path

# For each reply that is out of date the ids of what changed; None: everything in it.
Wakes = Mapping[str, frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Event:
    """Events of an exchange whose type is like a pattern (`*` is anything).

    `wakes` says which replies they are about, and the path from the payload to the ids of what changed, one or a list.
    Where there is no path, or it leads to nothing, it is the whole reply that has to be asked for.
    """

    exchange: str
    pattern: str
    wakes: Mapping[str, str | None]


def woken(events: Sequence[Event], type_: str, payload: Any) -> Wakes:
    """What is out of date after an event of this type."""
    found: dict[str, frozenset[str] | None] = {}
    for event in events:
        if _pattern(event.pattern).match(type_):
            for reply, path in event.wakes.items():
                ids = None if path is None else _ids(path, payload)
                known = found.get(reply, frozenset())
                found[reply] = None if ids is None or known is None else known | ids
    return found


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(translate(text))


def _ids(path: str, payload: Any) -> frozenset[str] | None:
    """The ids that a path leads to; None if there is none."""
    try:
        found = list(_flat(compile_path(path)(payload)))
    except BadPathError:
        return None  # a payload of another shape than the path was written for
    return frozenset(found) or None


def _flat(value: Any) -> list[str]:
    """The ids in a value, which may be a list of lists; nulls are none."""
    if isinstance(value, list):
        return [each for element in value for each in _flat(element)]
    return [value] if isinstance(value, str) and value else []


def read_events(file: YamlFile, item: Item | None, replies: Collection[str]) -> tuple[Event, ...]:
    """The `events` of a definition, `EXCHANGE: {PATTERN: {REPLY: PATH}}`; what is wrong goes to the file's findings."""
    if item is None:
        return ()
    return tuple(
        Event(exchange, pattern, _read_wakes(file, wakes, f"event `{pattern}`", replies))
        for exchange, _, patterns in file.entries(item, "`events`")
        for pattern, _, wakes in file.entries(patterns, f"`{exchange}` of `events`")
    )


def _read_wakes(file: YamlFile, item: Item, what: str, replies: Collection[str]) -> dict[str, str | None]:
    wakes: dict[str, str | None] = {}
    for reply, key, path in file.entries(item, what):
        wakes[reply] = None if path.value is None else read_path(file, path, f"`{reply}` of {what}")
        if reply not in replies:
            hint = near_or_listed(reply, replies, "there are")
            file.tell("CL428", f"{what} is about an unknown reply `{reply}`", key.span, hint)
    return wakes
