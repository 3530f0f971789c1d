"""The pictures of the documentation: well-formed, described for who cannot see them, and shown by a page."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = sorted(DOCS.rglob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def name_of(path: Path) -> str:
    """A picture as a test's name."""
    return path.stem


def shown() -> dict[Path, str]:
    """The pictures that pages show, each with the text that stands for it."""
    found: dict[Path, str] = {}
    for page in DOCS.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text):
            found[(page.parent / target).resolve()] = words
    return found


@pytest.mark.parametrize("picture", PICTURES, ids=name_of)
def test_pictures(picture: Path) -> None:
    """A picture is an SVG with a title, a description and a size, and some page shows it with words in its place."""
    root = ElementTree.parse(picture).getroot()  # noqa: S314 - our own file
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert len(shown().get(picture.resolve(), "")) > 20
    assert not list(root.iter(f"{SVG}image")), "a picture brings all that it shows"
