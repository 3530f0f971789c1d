"""
Every code has a page, every page a code, and the examples behave as the pages say.

The first block of a page on a finding about policies is wrong in exactly that
way, the second is mended. Blocks are checked against the tables of
`tests/language/estate.py`; a line `// file: name.dl` starts another policy.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from congresslite.diagnostics import Diagnostic, Source
from congresslite.diagnostics.codes import CODES
from congresslite.language.check import check_sources
from congresslite.language.lint import lint
from congresslite.language.parser import parse_policy
from tests.language.estate import CATALOG

ROOT = Path(__file__).parents[1]
PAGES = {path.stem: path for path in sorted((ROOT / "docs" / "errors").glob("CL*.md"))}
# Codes that a policy's text alone can give.
OF_POLICIES = [code for code in CODES if code < "CL310"]
OF_LINT = {code for code in OF_POLICIES if "CL250" <= code < "CL300"}


def examples(code: str) -> list[list[Source]]:
    """The policies of each example on a page."""
    text = PAGES[code].read_text(encoding="utf-8")
    return [
        _policies(block, "example.dl" if language == "dl" else "example.yaml")
        for language, block in re.findall(r"^```(dl|yaml)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def _policies(block: str, name: str) -> list[Source]:
    parts = re.split(r"^// file: (\S+)\n", block, flags=re.MULTILINE)
    named = list(zip(parts[1::2], parts[2::2], strict=True))
    return [Source(each, text) for each, text in named] or [Source(name, block)]


def findings(sources: list[Source], *, linted: bool) -> list[Diagnostic]:
    """What is told of an example."""
    checked = check_sources(sources, CATALOG)
    found = list(checked.diagnostics)
    if linted:
        found += lint([parse_policy(source)[0] for source in sources], checked.program, CATALOG)
    return found


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_a_page(code: str):
    """A page stands under the code's name and title."""
    assert code in PAGES, f"docs/errors/{code}.md is missing"
    assert PAGES[code].read_text(encoding="utf-8").startswith(f"# {code}: {CODES[code]}\n\n")


def test_each_page_has_a_code():
    """No page explains what nobody tells any more."""
    assert set(PAGES) <= set(CODES)


def test_codes_are_in_order():
    """The catalogue is sorted, so that whoever adds a code sees which are taken."""
    assert list(CODES) == sorted(CODES)


def test_each_code_is_told_somewhere():
    """A code in the catalogue is one that the package can tell, and the other way round."""
    sources = ROOT.glob("congresslite/**/*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.name != "codes.py")
    assert set(re.findall(r"\"(CL\d{3})\"", text)) == set(CODES)


@pytest.mark.parametrize("code", OF_POLICIES)
def test_the_first_example_is_wrong(code: str):
    """The first example gives exactly the finding that the page explains."""
    found = findings(examples(code)[0], linted=code in OF_LINT)
    assert {each.code for each in found} == {code}, found


@pytest.mark.parametrize("code", OF_POLICIES)
def test_the_second_example_is_mended(code: str):
    """The second example gives no finding."""
    assert findings(examples(code)[1], linted=code in OF_LINT) == []


@pytest.mark.parametrize("code", OF_POLICIES)
def test_pages_are_short(code: str):
    """A page says what it means, shows it and mends it; whoever reads it is stuck and wants to go on."""
    lines = PAGES[code].read_text(encoding="utf-8").splitlines()
    assert 12 <= len(lines) <= 45
    assert max(map(len, lines)) <= 130
