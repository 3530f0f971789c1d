"""Running command lines, and golden files."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xmlschema
from click.testing import CliRunner, Result

from congresslite.api import Engine
from congresslite.cli.app import cli
from tests.cli.made_run import FakeEngine

if TYPE_CHECKING:
    from tests.cli.served import Server

GOLDEN = Path(__file__).parent / "golden"
PUBLISHED = Path(__file__).parents[1] / "schemas" / "node_modules"

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command line in an empty folder that has an `inventory`; `engine` is what loading gives, or raises."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventory").mkdir()

    def invoke(*arguments: str, engine: FakeEngine | BaseException | None = None, stdin: str | None = None) -> Result:
        def load(*_: Any, **__: Any) -> Any:
            if isinstance(engine, BaseException):
                raise engine
            return engine or FakeEngine()

        if engine is not None:
            monkeypatch.setattr(Engine, "load", load)
        return CliRunner().invoke(cli, arguments, prog_name="congresslite", input=stdin)

    return invoke


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare text with a file in `golden/`; UPDATE_GOLDEN=1 writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        expected = path.read_text(encoding="utf-8")
        if text != expected:
            lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), "expected", "actual", lineterm="")
            pytest.fail("\n".join(lines))

    return compare


@pytest.fixture(scope="session")
def validate_junit() -> Callable[[str], None]:
    """Hold a document against the JUnit schema as published; the package has it as a string in a script."""
    path = PUBLISHED / "junit-xml/src/index.test.ts"
    if not path.exists():
        pytest.skip("`make test` fetches the published schemas")
    found = re.search(r"antJunitSchema = '((?:[^'\\]|\\.)*)'", path.read_text(encoding="utf-8"))
    assert found is not None
    return xmlschema.XMLSchema(found[1].replace("\\'", "'")).validate


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants to know who asks; its violations are those of `b` and `c`."""
    from tests.cli.served import ADMIN, VMS, serving, write_pushed

    with serving(write_pushed(tmp_path_factory.mktemp("estate"))) as server:
        server.estate.put_rows(ADMIN, "inv", "host", [{"id": "h1", "site": "paris"}])
        server.estate.put_rows(ADMIN, "inv", "vm", VMS)
        yield server


@pytest.fixture
def ask(run: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command against the server, as an administrator unless a role is named."""
    from tests.cli.served import TOKENS

    for name in [each for each in os.environ if each.startswith("CONGRESSLITE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CONGRESSLITE_SERVER", server.url)

    def invoke(*arguments: str, role: str = "admin", **more: str) -> Result:
        monkeypatch.setenv("CONGRESSLITE_TOKEN", TOKENS[role])
        return run(*arguments, **more)

    return invoke
