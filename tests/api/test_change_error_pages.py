"""The pages on findings about changes: the example gives the code, and mended it gives nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from congresslite import Delta, Engine
from congresslite.diagnostics import CongressliteError
from congresslite.diagnostics.codes import CODES

PAGES = Path(__file__).parents[2] / "docs" / "errors"
CHANGES = ["CL440", "CL441", "CL442", "CL455"]
FILES = {
    "inventory/inv/vm.csv": "id,host,vcpus\nvm1,h1,8\nvm2,h2,4\n",
    "nfv.dl": "error(vm, host) :- inv:vm(id=vm, host=host), host != null.\n",
    "rules/placement.dl": 'policy placement(description = "one machine a host").\nused(h) :- inv:vm(host=h).\n',
}


def statements(code: str) -> list[list[str]]:
    """The lines of each example in Python on a page."""
    text = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    return [block.splitlines() for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the examples speak of: an engine over a small inventory, which is the working directory."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return {"Delta": Delta, "Engine": Engine, "engine": Engine.load(["nfv.dl", "rules"], "inventory")}


def run(line: str, names: dict[str, object]) -> None:
    """Run one line of an example."""
    exec(compile(line, "page", "exec"), names)  # noqa: S102


@pytest.mark.parametrize("code", CHANGES)
def test_examples_of_changes(code: str, names: dict[str, object]) -> None:
    """Each line of the first example is refused with the page's code and text; mended, it runs."""
    wrong, *mended = statements(code)
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    for line in wrong:
        with pytest.raises(CongressliteError) as raised:
            run(line, names)
        assert {each.code for each in raised.value.diagnostics} == {code}
        shown = re.search(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        assert shown is None or shown[1].strip() == str(raised.value)
    assert mended
    for block in mended:
        for line in block:
            run(line, names)


def test_a_file_that_changed(names: dict[str, object]) -> None:
    """A column that is needed later, of a file that has other rows by then, is refused with CL443."""
    Path("inventory/inv/vm.csv").write_text("id,host,owner\nvm1,h1,ann\nvm2,h2,bob\n", encoding="utf-8")
    (loading, told, asking) = statements("CL443")[0]
    run(loading, names)
    assert told.startswith("# Somebody writes")
    Path("inventory/inv/vm.csv").write_text("id,host,owner\nvm1,h1,ann\n", encoding="utf-8")
    with pytest.raises(CongressliteError) as raised:
        run(asking, names)
    assert {each.code for each in raised.value.diagnostics} == {"CL443"}


@pytest.mark.parametrize("code", [*CHANGES, "CL443"])
def test_pages_are_short(code: str) -> None:
    """A page says what it means, shows it and mends it."""
    lines = (PAGES / f"{code}.md").read_text(encoding="utf-8").splitlines()
    assert code in CODES
    assert 12 <= len(lines) <= 45
