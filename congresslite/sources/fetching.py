"""
Fetching: one reply, put together from as many calls as its definition says.

The rule to keep: a reply is there whole or not at all. A page that leads nowhere
new, an element without what its own call needs, one that is listed and yet not
found: each is an error. Only an element that ceased to be while its reply was
put together is left out, once a second look at the list says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.asking import KEY, LINK, PART, Each, One, Reply
from congresslite.sources.columns import shown as shown_value
from congresslite.sources.driver import Deadline
from congresslite.sources.http import NOT_FOUND, Http, HttpReply, refused, shown
from congresslite.sources.mapping import BadPathError, compile_path

_LINKS = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*=\s*(?:"[^"]*"|[^\s,;]*))*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s,;]*))', re.IGNORECASE)
_EXPECTED: Mapping[type, str] = {list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one pull may take at most: pages of one reply, and bytes of all that is asked for together."""

    pages: int = 1000
    bytes: int = 512 * 1024 * 1024


DEFAULT_BOUNDS = Bounds()


class Asker:
    """Asks for one reply, once."""

    def __init__(self, http: Http, reply: Reply, bounds: Bounds, deadline: Deadline) -> None:
        self.place = reply.path
        self._http = http
        self._reply = reply
        self._bounds = bounds
        self._deadline = deadline
        self._bytes = 0

    def whole(self) -> Any:
        """The reply with everything in it."""
        document, elements = self._pages()
        each = self._reply.each
        if each is None:
            return document_of(self._reply, document, elements)
        made = self._made(each, elements)
        return made if each.by else document_of(self._reply, document, list(made.values()))

    def some(self, one: One, keys: Sequence[str]) -> dict[str, Any] | None:
        """These objects by key, without those that are gone; None if it cannot be told whether they are."""
        found: dict[str, Any] = {}
        for key in keys:
            got = self._get(one.path.replace(f"{{{KEY}}}", quote(key, safe="")))
            if got.status != NOT_FOUND:
                found[key] = self._followed(one.object, got, dict)
            elif got.body is None:
                # No service says so: a proxy before it does, or the path is wrong. The list tells what there is.
                return None
        return found

    def _get(self, path: str) -> HttpReply:
        got = self._http.get(path, self._reply.headers, self._deadline)
        self._bytes += got.size
        if self._bytes > self._bounds.bytes:
            message = f"reply `{self._reply.name}` is bigger than {self._bounds.bytes} bytes, its pages taken together"
            raise SourceError(Diagnostic("CL473", message, place=shown(got.url), hint="raise `max_total_bytes`"))
        return got

    def _found(self, path: str) -> HttpReply:
        """What is at a path where something has to be."""
        got = self._get(path)
        if got.status == NOT_FOUND:
            raise refused(NOT_FOUND, "" if got.body is None else json.dumps(got.body), got.url)
        return got

    # -- pages -------------------------------------------------------------------------------------

    def _pages(self) -> tuple[Any, list[Any]]:
        """The body of the first page, and the elements of all pages. Without a list, the body is all there is."""
        document: Any = None
        elements: list[Any] = []
        for number, (got, page) in enumerate(self._each_page()):
            if number == 0:
                document, self.place = got.body, shown(got.url)
            elements.extend(page)
        return document, elements

    def _each_page(self) -> Iterator[tuple[HttpReply, list[Any]]]:
        paging = self._reply.paging
        path: str | None = self._reply.path if paging.size is None else _with(self._reply.path, *paging.size)
        seen: set[str] = set()
        elements, before = 0, None
        while path is not None:
            if path in seen or len(seen) >= self._bounds.pages:
                raise self._endless(path in seen, path)
            seen.add(path)
            got = self._found(path)
            page = self._list(got)
            if page and page == before:
                raise self._endless(True, got.url)
            elements, before = elements + len(page), page
            yield got, page
            path = self._next(got, path, page, elements)

    def _list(self, got: HttpReply) -> list[Any]:
        """The elements of a page; none of a reply that nobody looks into."""
        found: list[Any] = [] if self._reply.items is None else self._followed(self._reply.items, got, list)
        return found

    def _followed(self, path: str, got: HttpReply, kind: type) -> Any:
        """What a path leads to, which is to be a list or an object."""
        try:
            value = compile_path(path)(got.body)
        except BadPathError as error:
            raise self._misshapen(f"`{path}` cannot be followed: {error}", got) from None
        if not isinstance(value, kind):
            what = "nothing" if value is None else shown_value(value)
            raise self._misshapen(f"`{path}` leads to {what}, where {_EXPECTED[kind]} is expected", got)
        return value

    def _next(self, got: HttpReply, path: str, page: list[Any], elements: int) -> str | None:
        """The path or the address of the next page; None after the last one."""
        paging = self._reply.paging
        following = None
        if paging.next is not None:
            link = _header_link(got) if paging.next == LINK else self._link(compile_path(paging.next)(got.body), got)
            following = None if link is None else self._resolved(link, got)
        elif page and paging.offset is not None:
            following = _with(path, paging.offset, elements)
        elif page and paging.marker is not None:
            value = compile_path(paging.marker.value)(page[-1])
            if not isinstance(value, str | int) or isinstance(value, bool):
                raise self._misshapen(f"the last element has no `{paging.marker.value}` to ask for more with", got)
            following = _with(path, paging.marker.parameter, value)
        if following is None and paging.truncated and compile_path(paging.truncated)(got.body):
            hint = "let the service give more at once, or let the definition ask for pages"
            raise SourceError(Diagnostic("CL472", "the service cut its list short", place=shown(got.url), hint=hint))
        return following

    def _link(self, value: Any, got: HttpReply) -> str | None:
        """The address in what a path to it led to: itself, a link, or a list of links."""
        if isinstance(value, list):
            value = next((each for each in value if isinstance(each, dict) and each.get("rel") == "next"), None)
        if isinstance(value, dict):
            value = value.get("href")
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self._misshapen(f"`{self._reply.paging.next}` leads to {shown_value(value)}, not to an address", got)
        return value

    def _resolved(self, link: str, got: HttpReply) -> str:
        """The address of a link. One to the reply's own path is below the service's address, wherever that is."""
        own, parts = urlsplit(self._reply.path).path, urlsplit(link)
        if not parts.scheme and not parts.netloc and parts.path in ("", own):
            return f"{own}?{parts.query}"
        return urljoin(got.url, link)

    def _endless(self, repeats: bool, url: str) -> SourceError:
        why = "a page leads back to one before it" if repeats else f"there are more than {self._bounds.pages} pages"
        hint = "see to `paging` of the reply in the definition" if repeats else "raise `max_pages`"
        message = f"the pages of reply `{self._reply.name}` do not end: {why}"
        return SourceError(Diagnostic("CL476", message, place=shown(url), hint=hint))

    def _misshapen(self, message: str, got: HttpReply) -> SourceError:
        hint = "does the service speak another version of its interface than the definition was written for?"
        told = f"reply `{self._reply.name}`: {message}"
        return SourceError(Diagnostic("CL477", told, place=shown(got.url), hint=hint))

    # -- a call for each element -------------------------------------------------------------------

    def _made(self, each: Each, elements: list[Any]) -> dict[Any, Any]:
        """What takes the place of each element, by what names it; without those that are gone."""
        made: dict[Any, Any] = {}
        gone: set[Any] = set()
        for element in elements:
            name = self._name(each, element)
            if name in made:
                raise self._unlike(f"`{name[-1]}` is listed twice")
            found = self._composed(each, dict(zip(each.members, name, strict=True)))
            if found is None:
                gone.add(name)
            else:
                made[name] = found
        if gone:
            self._confirm(each, gone)
        return {name[-1]: found for name, found in made.items()} if each.by else made

    def _confirm(self, each: Each, gone: set[Any]) -> None:
        """Raise SourceError (CL477) unless the list no longer has what was not found."""
        listed = {self._name(each, element) for element in self._pages()[1]}
        if still := sorted(gone & listed):
            raise self._unlike(f"`{still[0][-1]}` is listed, but not found when it is asked for")

    def _name(self, each: Each, element: Any) -> tuple[str, ...]:
        """What an element is asked for by, the member of `by` last."""
        values = [element.get(member) if isinstance(element, dict) else None for member in each.members]
        for member, value in zip(each.members, values, strict=True):
            if not isinstance(value, str | int) or isinstance(value, bool):
                raise self._unlike(f"an element has no `{member}` to ask for it with")
        return tuple(map(str, values))

    def _composed(self, each: Each, members: Mapping[str, str]) -> Any:
        """What takes the place of one element; None if it is not found."""
        path = each.path
        for member, value in members.items():
            path = path.replace(f"{{{member}}}", quote(value, safe=""))
        found: dict[str, Any] = {}
        for part in each.parts or ("",):
            got = self._get(path.replace(f"{{{PART}}}", quote(part, safe="")))
            if got.status == NOT_FOUND:
                return None
            found[part] = self._followed("@", got, dict)
        return found if each.parts else found[""]

    def _unlike(self, message: str) -> SourceError:
        hint = "see to `each` of the reply in the definition"
        return SourceError(Diagnostic("CL477", f"reply `{self._reply.name}`: {message}", place=self.place, hint=hint))


def document_of(reply: Reply, document: Any, elements: list[Any]) -> Any:
    """A reply of the shape of a single call that brings these elements."""
    match reply.items:
        case None:
            return document
        case "@":
            return elements
        case member:
            return {**document, member: elements}


def _with(path: str, parameter: str, value: str | int) -> str:
    """A path with a parameter of its query set, the others as they are."""
    base, _, query = path.partition("?")
    others = [each for each in query.split("&") if each and each.partition("=")[0] != parameter]
    changed = f"{parameter}={quote(str(value), safe='')}"
    return f"{base}?{'&'.join([*others, changed])}"


def _header_link(got: HttpReply) -> str | None:
    """The address in the header `Link` that is marked as the next one."""
    for address, parameters in _LINKS.findall(got.headers.get("Link", "")):
        for quoted, bare in _REL.findall(parameters):
            if "next" in (quoted or bare).lower().split():
                return str(address)
    return None
