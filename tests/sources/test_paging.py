"""Replies that come in pages, or with a call for each element: they are there whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from congresslite.sources.driver import Deadline, Part
from tests.sources.service import BOXES, Asked, Say, driver, failure, rows, service

ALL = [{"id": f"b{number}", "size": number} for number in range(7)]
EXPECTED = sorted((each["id"], each["size"]) for each in ALL)


def page(asked: Asked) -> tuple[list[dict[str, Any]], str | None]:
    """Three elements after the marker, and the marker of the next page."""
    marker = asked.query.get("marker")
    start = next((place + 1 for place, each in enumerate(ALL) if each["id"] == marker), 0)
    found = ALL[start : start + 3]
    return found, str(found[-1]["id"]) if start + 3 < len(ALL) else None


def by_link_header(asked: Asked) -> Say:
    found, marker = page(asked)
    link = {} if marker is None else {"Link": f'</first>; rel="first", <?marker={marker}>; title="a, b"; rel=next'}
    return Say({"boxes": found}, headers=link)


def by_address(asked: Asked) -> Say:
    found, marker = page(asked)
    return Say({"boxes": found, "next": None if marker is None else f"/boxes?marker={marker}"})


def by_links(asked: Asked) -> Say:
    found, marker = page(asked)
    url = f"http://{asked.headers['Host']}/boxes?marker={marker}"
    links = [{"rel": "previous", "href": "/never"}, {"rel": "next", "href": url}]
    return Say({"boxes": found, "boxes_links": links[: 2 if marker else 1]})


def by_marker(asked: Asked) -> Say:
    marker = asked.query.get("marker")
    start = next((place + 1 for place, each in enumerate(ALL) if each["id"] == marker), 0)
    return Say({"boxes": ALL[start : start + 3]})


def by_offset(asked: Asked) -> Say:
    start = int(asked.query.get("offset", 0))
    return Say({"boxes": ALL[start : start + int(asked.query.get("limit", 3))]})


PAGING = {
    "the header Link": ("{next: link}", by_link_header, 3),
    "a path to an address": ("{next: next}", by_address, 3),
    "a path to a list of links": ("{next: boxes_links}", by_links, 3),
    "a path to a link": ("{next: \"boxes_links[?rel=='next'] | [0]\"}", by_links, 3),
    "a marker": ("{marker: {parameter: marker, value: id}}", by_marker, 4),
    "an offset": ("{offset: offset}", by_offset, 4),
    "an offset, with pages of a size": ("{offset: offset, size: {limit: 5}}", by_offset, 3),
}


@pytest.mark.parametrize("name", PAGING)
def test_pages(name: str, tmp_path: Path):
    """All pages are followed to the end, however a page leads to the next, and give one reply."""
    paging, script, calls = PAGING[name]
    definition = f'replies:\n  boxes: {{path: "/boxes?all=1", items: boxes, paging: {paging}}}\n{BOXES}'
    with service(script) as there, driver(there.url, tmp_path, definition) as lab:
        assert rows(lab.pull("boxes", Deadline.after(10))["boxes"]) == EXPECTED
        assert len(there.asked) == calls
        assert "all=1" in there.paths()[0]


def test_a_link_below_the_address_of_the_service(tmp_path: Path):
    """A link to the reply's own path is below the service's address, wherever a proxy has put the service."""

    def script(asked: Asked) -> Say:
        assert asked.path == "/image/v2/boxes"
        found, marker = page(asked)
        return Say({"boxes": found, "next": None if marker is None else f"/v2/boxes?marker={marker}"})

    definition = f"replies:\n  boxes: {{path: /v2/boxes, items: boxes, paging: {{next: next}}}}\n{BOXES}"
    with service(script) as there, driver(f"{there.url}/image", tmp_path, definition) as lab:
        assert len(rows(lab.pull("boxes", Deadline.after(10))["boxes"])) == 7


def always(body: Any, **headers: str) -> Any:
    return lambda asked: Say(body, headers=headers)


def growing(asked: Asked) -> Say:
    number = int(asked.query.get("page", 0))
    return Say({"boxes": [{"id": str(number), "size": 1}], "next": f"/boxes?page={number + 1}"})


BOX = [{"id": "b0", "size": 0}]
WRONG_PAGES = {
    "a link to itself": ("{next: next}", always({"boxes": BOX, "next": "/boxes"}), "CL476"),
    "pages without an end": ("{next: next}", growing, "CL476"),
    "a marker that is ignored": ("{marker: {parameter: m, value: id}}", always({"boxes": BOX}), "CL476"),
    "an offset that is ignored": ("{offset: offset}", always({"boxes": BOX}), "CL476"),
    "no marker": ("{marker: {parameter: m, value: name}}", always({"boxes": BOX}), "CL477"),
    "a link to another host": ("{next: next}", always({"boxes": BOX, "next": "http://127.0.0.2:1/x"}), "CL475"),
    "a link with a user": ("{next: next}", always({"boxes": BOX, "next": "//a:b@127.0.0.1/x"}), "CL475"),
    "a link that is a number": ("{next: next}", always({"boxes": BOX, "next": 7}), "CL477"),
    "cut short": ("{truncated: truncated}", always({"boxes": BOX, "truncated": True}), "CL472"),
    "another list": ("{next: next}", always({"crates": BOX}), "CL477"),
    "an object where the list was": ("{next: next}", always({"boxes": {"b0": 0}}), "CL477"),
    "a list where the object was": ("{next: next}", always(BOX), "CL477"),
    "nothing at all": ("{next: next}", always(b""), "CL477"),
}


@pytest.mark.parametrize("name", WRONG_PAGES)
def test_wrong_pages(name: str, tmp_path: Path):
    """Pages that do not end, or do not fit, are an error and never fewer rows."""
    paging, script, code = WRONG_PAGES[name]
    definition = f"replies:\n  boxes: {{path: /boxes, items: boxes, paging: {paging}}}\n{BOXES}"
    with service(script) as there, driver(there.url, tmp_path, definition, max_pages=20) as lab:
        assert failure(lab).code == code
        assert len(there.asked) <= 20


def test_a_page_that_fails(tmp_path: Path):
    """A page in the middle that fails fails the whole."""

    def script(asked: Asked) -> Say:
        return Say({"error": "sorry"}, 503) if "marker" in asked.query else by_address(asked)

    definition = f"replies:\n  boxes: {{path: /boxes, items: boxes, paging: {{next: next}}}}\n{BOXES}"
    with service(script) as there, driver(there.url, tmp_path, definition) as lab:
        assert failure(lab).code == "CL471"


def test_bytes_of_all_pages(tmp_path: Path):
    """Pages are bounded together, not only one by one."""
    definition = f"replies:\n  boxes: {{path: /boxes, items: boxes, paging: {{next: next}}}}\n{BOXES}"
    with service(growing) as there, driver(there.url, tmp_path, definition, max_total_bytes=500) as lab:
        assert failure(lab).code == "CL473"


# -- a call for each element -------------------------------------------------------------------------

EACH = (
    """
replies:
  boxes: {path: /boxes, items: boxes, each: {path: "/boxes/{id}"}, one: {path: "/boxes/{id}"}}
"""
    + BOXES
)
PARTS = """
replies:
  boxes: {path: /boxes, items: boxes, each: {path: "/boxes/{id}/{part}", parts: [size, tags], by: id}}
tables:
  tags:
    description: Tags
    from: boxes
    rows: {box: items(@), tag: box.value.tags.tags}
    key: [box, tag]
    columns: {box: {path: box.key, type: str}, tag: {path: tag, type: str}}
"""  # fmt: skip


class Boxes:
    """A service with a list that names the boxes, and a path for each."""

    def __init__(self) -> None:
        self.listed = ["a", "b/1"]
        self.there = {"a": 1, "b/1": 2}
        self.fails: str | None = None
        self.lists = 0

    def __call__(self, asked: Asked) -> Say:
        """The list, a box, or a part of one."""
        if asked.path == "/boxes":
            self.lists += 1
            found = [{"id": each} for each in self.listed]
            self.listed = [each for each in self.listed if each in self.there]
            return Say({"boxes": found})
        name, _, part = asked.path.removeprefix("/boxes/").partition("/")
        name = name.replace("%2F", "/")
        if name == self.fails:
            return Say({"error": "sorry"}, 500)
        if name not in self.there:
            return Say({"error": "no such box"}, 404)
        if part:
            return Say({part: self.there[name] if part == "size" else [f"{name}-{part}"]})
        return Say({"id": name, "size": self.there[name]})


def test_each(tmp_path: Path):
    """What is asked for element by element takes the elements' places in the list."""
    with service(Boxes()) as there, driver(there.url, tmp_path, EACH) as lab:
        assert rows(lab.pull("boxes", Deadline.after(10))["boxes"]) == [("a", 1), ("b/1", 2)]
        assert there.paths() == ["/boxes", "/boxes/a", "/boxes/b%2F1"]


def test_parts(tmp_path: Path):
    """Several calls for each element give an object of them, by the last part of their path."""
    with service(Boxes()) as there, driver(there.url, tmp_path, PARTS) as lab:
        assert rows(lab.pull("boxes", Deadline.after(10))["tags"]) == [("a", "a-tags"), ("b/1", "b/1-tags")]
        assert len(there.asked) == 5


def test_an_element_that_ceased_to_be(tmp_path: Path):
    """An element that is gone when it is asked for is left out, once the list does not have it any more."""
    boxes = Boxes()
    del boxes.there["a"]
    with service(boxes) as there, driver(there.url, tmp_path, EACH) as lab:
        assert rows(lab.pull("boxes", Deadline.after(10))["boxes"]) == [("b/1", 2)]
        assert boxes.lists == 2


def test_an_element_that_is_listed_and_not_found(tmp_path: Path):
    """An element that the list still has and that is not found is an error, not a row less."""

    def script(asked: Asked) -> Say:
        return Say({"boxes": [{"id": "a"}]}) if asked.path == "/boxes" else Say({}, 404)

    with service(script) as there, driver(there.url, tmp_path, EACH) as lab:
        assert failure(lab).code == "CL477"


WRONG_ELEMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "an element that fails": ({"fails": "a"}, "CL471"),
    "an element without its member": ({"listed": [None]}, "CL477"),
    "an element twice": ({"listed": ["a", "a"]}, "CL477"),
}


@pytest.mark.parametrize("name", WRONG_ELEMENTS)
def test_wrong_elements(name: str, tmp_path: Path):
    """One element that cannot be had fails the whole."""
    changed, code = WRONG_ELEMENTS[name]
    boxes = Boxes()
    vars(boxes).update(changed)
    with service(boxes) as there, driver(there.url, tmp_path, EACH) as lab:
        assert failure(lab).code == code


# -- one object --------------------------------------------------------------------------------------


def test_some(tmp_path: Path):
    """Objects are asked for singly, with the rows of those that are there, and none of those that are gone."""
    with service(Boxes()) as there, driver(there.url, tmp_path, EACH) as lab:
        part = (lab.pull_some("boxes", ["a", "gone"], Deadline.after(10)) or {})["boxes"]
        assert isinstance(part, Part)
        assert (part.column, sorted(part.keys)) == ("id", ["a", "gone"])
        assert rows(part.rows) == [("a", 1)]
        assert there.paths() == ["/boxes/a", "/boxes/gone"]


@pytest.mark.parametrize(
    ("say", "code"),
    {
        "another object": (Say({"id": "b", "size": 1}), "CL477"),
        "no object": (Say(["a"]), "CL477"),
        "an error": (Say({}, 500), "CL471"),
    }.values(),
    ids=["another object", "no object", "an error"],
)
def test_some_wrong(say: Say, code: str, tmp_path: Path):
    """What is not the object that was asked for is an error."""
    with service(lambda asked: say) as there, driver(there.url, tmp_path, EACH) as lab:
        assert failure(lab, "a").code == code


def test_some_unsure(tmp_path: Path):
    """Where it is not the service that says that an object is gone, the list is to be asked."""
    with service(lambda asked: Say(b"<h1>Not Found</h1>", 404)) as there, driver(there.url, tmp_path, EACH) as lab:
        assert lab.pull_some("boxes", ["a"], Deadline.after(10)) is None


def test_some_not_offered(tmp_path: Path):
    """A reply whose objects cannot be asked for singly is pulled whole."""
    with service(Boxes()) as there, driver(there.url, tmp_path, PARTS) as lab:
        assert lab.pull_some("boxes", ["a"], Deadline.after(10)) is None
        assert there.asked == []
