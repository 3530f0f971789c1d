"""The pages on findings about tables and definitions: the example gives the code, and mended it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from congresslite.diagnostics import SourceError
from congresslite.sources import open_inventory

ROOT = Path(__file__).parents[2]
PAGES = [
    path for path in sorted((ROOT / "docs" / "errors").glob("CL4*.md")) if " file=inventory/" in path.read_text("utf-8")
]


def write_files(text: str, folder: Path) -> bool:
    """Write the files that a part of a page shows; whether there are any."""
    blocks = re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for name, content in blocks:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if not content.strip() else content, encoding="utf-8")
    return bool(blocks)


def codes(folder: Path) -> set[str]:
    """The codes of what is told when all tables of a folder are read."""
    found: set[str] = set()
    try:
        inventory = open_inventory(folder)
    except SourceError as error:
        return {each.code for each in error.diagnostics}
    for name in inventory.catalog:
        try:
            inventory.table(name).columns([column.name for column in inventory.catalog[name].columns])
        except SourceError as error:
            found |= {each.code for each in error.diagnostics}
    return found


@pytest.mark.parametrize("page", PAGES, ids=[path.stem for path in PAGES])
def test_pages(page: Path, tmp_path: Path) -> None:
    """What a page shows as wrong gives its code and no other, and what it shows as mended is no longer wrong so."""
    example, _, mended = page.read_text(encoding="utf-8").partition("## Mend")
    assert write_files(example, tmp_path)
    assert codes(tmp_path / "inventory") == {page.stem}
    if write_files(mended, tmp_path):
        assert page.stem not in codes(tmp_path / "inventory")
