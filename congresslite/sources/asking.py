"""
How the replies of a definition are asked for: at once, page by page, with a call for each element, or for one object.

The rule to keep: however a reply was asked for, it has one shape, that of a
single call which brings everything, with its list at `items`. The tables of a
definition know nothing else, and so a recorded reply is as good as a live one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from congresslite.diagnostics.suggest import near_or_listed
from congresslite.diagnostics.yamltree import Entry, Item, YamlFile
from congresslite.sources.mapping import BadPathError, compile_path

REPLY_KEYS = ("path", "headers", "description", "items", "paging", "each", "one")
PAGING_KEYS = ("next", "marker", "offset", "size", "truncated")
MARKER_KEYS = ("parameter", "value")
EACH_KEYS = ("path", "parts", "by")
ONE_KEYS = ("path", "object")
NOTIFICATION_KEYS = ("path", "headers", "body", "when", "wakes", "description")

LINK = "link"  # `next: link` means the header of that name
PART = "part"  # `{part}` in the path of `each`
KEY = "id"  # `{id}` in the path of `one`

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLACE = re.compile(r"@|[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Marker:
    """Pages that are asked for by the last element that is known: a parameter, and the path to its value there."""

    parameter: str
    value: str


@dataclass(frozen=True, slots=True)
class Paging:
    """How a page leads to the next one, in one of three ways.

    `next` is `link`, or a path to an address or to a list of links. `offset` is the parameter that takes the number of
    elements so far; like a marker, it is raised until a page is empty. `size` is a parameter that asks for so many
    elements. `truncated` is a path to what says that a last page is not the end.
    """

    next: str | None = None
    marker: Marker | None = None
    offset: str | None = None
    size: tuple[str, int] | None = None
    truncated: str | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """A call for each element of the list, whose reply takes the element's place.

    With `parts`, it is a call for each of them, and what takes the place is an object of their replies. With `by`, the
    reply becomes an object of all these by that member of the element.
    """

    path: str
    parts: tuple[str, ...] = ()
    by: str | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """The members of an element that the calls need."""
        named = dict.fromkeys(name for name in _PLACEHOLDER.findall(self.path) if name != PART)
        return tuple(dict.fromkeys((*named, self.by) if self.by else named))


@dataclass(frozen=True, slots=True)
class One:
    """A call for one object of the list: its path with `{id}`, and the path to the object in what comes."""

    path: str
    object: str = "@"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply in JSON: its path below the service's address, the headers that it needs, and how it is asked for."""

    name: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    items: str | None = None  # the member that is the list, `@` for the reply itself; None if nobody looks for it
    paging: Paging = Paging()
    each: Each | None = None
    one: One | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that a service tells by itself once it was asked to, at `path`, with this JSON as a body.

    In the body, `{callback}` stands for our address, `{username}` and `{password}` for how the service is to log in
    there. What comes there is one of these if the path `when` leads to something true. `wakes` says which replies it is
    about, and the path to the id of the object that changed: at nothing, the whole reply, at `false`, none of it.
    """

    name: str
    path: str
    body: object
    when: str
    wakes: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


def plain(item: Item) -> object:
    """What an item of YAML means in JSON."""
    if not isinstance(item.value, tuple):
        return item.value
    if item.kind == "mapping":
        return {str(each.key.value): plain(each.value) for each in item.value if isinstance(each, Entry)}
    return [plain(each) for each in item.value if isinstance(each, Item)]


def placeholders(path: str) -> tuple[str, ...]:
    """The names in braces."""
    return tuple(_PLACEHOLDER.findall(path))


class AskingReader:
    """Reads `replies` and `notifications` of one definition; what is wrong goes to the file's findings."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file

    def replies(self, item: Item | None) -> dict[str, Reply]:
        """The replies by name."""
        entries = [] if item is None else self.file.entries(item, "`replies`")
        return {name: self._reply(name, each) for name, _, each in entries}

    def notifications(self, item: Item | None, replies: Collection[str]) -> dict[str, Notification]:
        """The notifications by name."""
        entries = [] if item is None else self.file.entries(item, "`notifications`")
        return {name: self._notification(name, each, replies) for name, _, each in entries}

    def _reply(self, name: str, item: Item) -> Reply:
        what = f"reply `{name}`"
        parts = self.file.fields(item, what, REPLY_KEYS, ("path",))
        items = self._text(parts, "items", f"`items` of {what}")
        if items is not None and not _PLACE.fullmatch(items):
            hint = "write the name of the member that is the list, or `@` if the reply itself is"
            self.file.tell("CL479", f"`items` of {what} is no name", parts["items"].span, hint)
        if items is None and any(key in parts for key in ("paging", "each", "one")):
            items = "@"
        return Reply(
            name,
            self._text(parts, "path", f"the path of {what}") or "",
            self._headers(parts, what),
            self._text(parts, "description", f"the description of {what}") or "",
            items,
            self._paging(parts["paging"], what) if "paging" in parts else Paging(),
            self._each(parts["each"], what) if "each" in parts else None,
            self._one(parts["one"], what) if "one" in parts else None,
        )

    def _paging(self, item: Item, what: str) -> Paging:
        of = f"`paging` of {what}"
        parts = self.file.fields(item, of, PAGING_KEYS)
        ways = [key for key in ("next", "marker", "offset") if key in parts]
        misspelled = not isinstance(item.value, tuple) or len(parts) < len(item.value)  # which is told already
        if len(ways) > 1 or not (ways or misspelled or "truncated" in parts):
            hint = "give `next`, `marker` or `offset`"
            said = "says nothing of the next page" if not ways else f"has both `{ways[0]}` and `{ways[1]}`"
            self.file.tell("CL479", f"{of} {said}", item.span, hint)
        follow = self._text(parts, "next", f"`next` of {of}")
        return Paging(
            follow if follow in (None, LINK) else self._path(parts["next"], f"`next` of {of}"),
            self._marker(parts["marker"], of) if "marker" in parts else None,
            self._text(parts, "offset", f"`offset` of {of}"),
            self._size(parts["size"], of) if "size" in parts else None,
            self._path(parts["truncated"], f"`truncated` of {of}") if "truncated" in parts else None,
        )

    def _marker(self, item: Item, of: str) -> Marker:
        what = f"`marker` of {of}"
        parts = self.file.fields(item, what, MARKER_KEYS, MARKER_KEYS)
        value = self._path(parts["value"], what) if "value" in parts else "@"
        return Marker(self._text(parts, "parameter", f"`parameter` of {what}") or "", value)

    def _size(self, item: Item, of: str) -> tuple[str, int] | None:
        """`{PARAMETER: NUMBER}`."""
        entries = self.file.entries(item, f"`size` of {of}")
        for name, _, value in entries[:1]:
            if isinstance(value.value, int) and not isinstance(value.value, bool) and value.value > 0:
                return name, value.value
        if item.kind == "mapping":
            self.file.tell("CL479", f"`size` of {of} is no number of elements", item.span, "write `{limit: 500}`")
        return None

    def _each(self, item: Item, what: str) -> Each:
        of = f"`each` of {what}"
        fields = self.file.fields(item, of, EACH_KEYS, ("path",))
        path = self._text(fields, "path", f"the path of {of}") or ""
        parts = [name for name, _ in self.file.texts(fields["parts"], f"`parts` of {of}")] if "parts" in fields else []
        named = set(placeholders(path))
        if "path" in fields and not named - {PART}:
            hint = "name a member of the element in braces, like `{id}`"
            self.file.tell("CL479", f"the path of {of} is the same for all elements", fields["path"].span, hint)
        if "path" in fields and bool(parts) != (PART in named):
            hint = "write `{part}` into the path and list them in `parts`"
            self.file.tell("CL479", f"{of} needs both `parts` and `{{part}}`, or neither", fields["path"].span, hint)
        return Each(path, tuple(parts), self._text(fields, "by", f"`by` of {of}"))

    def _one(self, item: Item, what: str) -> One:
        of = f"`one` of {what}"
        fields = self.file.fields(item, of, ONE_KEYS, ("path",))
        path = self._text(fields, "path", f"the path of {of}") or ""
        if "path" in fields and set(placeholders(path)) != {KEY}:
            hint = "write `{id}` where the object's id stands"
            self.file.tell("CL479", f"the path of {of} does not say which object is meant", fields["path"].span, hint)
        return One(path, self._path(fields["object"], of) if "object" in fields else "@")

    def _notification(self, name: str, item: Item, replies: Collection[str]) -> Notification:
        what = f"notification `{name}`"
        fields = self.file.fields(item, what, NOTIFICATION_KEYS, ("path", "body", "wakes"))
        wakes: dict[str, str] = {}
        for reply, key, value in self.file.entries(fields["wakes"], f"`wakes` of {what}") if "wakes" in fields else ():
            wakes[reply] = self._path(value, f"`{reply}` of {what}")
            if reply not in replies:
                hint = near_or_listed(reply, replies, "there are")
                self.file.tell("CL428", f"{what} wakes an unknown reply `{reply}`", key.span, hint)
        return Notification(
            name,
            self._text(fields, "path", f"the path of {what}") or "",
            plain(fields["body"]) if "body" in fields else None,
            self._path(fields["when"], f"`when` of {what}") if "when" in fields else "@",
            wakes,
            self._headers(fields, what),
            self._text(fields, "description", f"the description of {what}") or "",
        )

    def _headers(self, parts: Mapping[str, Item], what: str) -> dict[str, str]:
        if "headers" not in parts:
            return {}
        entries = self.file.entries(parts["headers"], f"`headers` of {what}")
        return {name: self.file.text(value, f"header `{name}` of {what}") or "" for name, _, value in entries}

    def _text(self, fields: Mapping[str, Item], key: str, what: str) -> str | None:
        return self.file.text(fields[key], what) if key in fields else None

    def _path(self, item: Item, what: str) -> str:
        return read_path(self.file, item, what)


def read_path(file: YamlFile, item: Item, what: str) -> str:
    """A path that can be followed; a finding and `@` for anything else."""
    text = file.text(item, f"the path of {what}")
    if text is None:
        return "@"
    try:
        compile_path(text)
    except BadPathError as error:
        file.tell("CL427", f"the path of {what} is malformed: {error}", item.span)
        return "@"
    return text
