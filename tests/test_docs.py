"""
The documentation does what it shows.

A document is read from top to bottom in a folder of its own. A block whose
first line names a file (```csv file=inventory/inv/vm.csv) becomes that file; commands of `console` blocks that start
with `$ congresslite` are run, and what they print must be what is
shown, where `...` stands for anything; `python` blocks are run too, with what
they print compared if they are written as a session (`>>>`).
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from congresslite.cli.app import COMMANDS, cli
from congresslite.cli.formats import FORMATS

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    # The pages on errors have examples of their own, and a test of their own.
    if "errors" not in path.relative_to(ROOT).parts
)
RUN = re.compile(r"congresslite\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: the language, the file that it becomes, its text and the line that it starts on."""

    language: str
    file: str | None
    text: str
    line: int


def name_of(path: Path) -> str:
    """A page as a test's name."""
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^( *)```([^\n`]*)\n(.*?)^\1```\s*$", text, re.MULTILINE | re.DOTALL):
        language, _, rest = match[2].strip().partition(" ")
        named = re.search(r"\bfile=(\S+)", rest)
        inner = re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)
        yield Block(language, named and named[1], inner, text[: match.start()].count("\n") + 1)


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what it is shown to print."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        while command.endswith("\\"):
            more, _, shown = shown.partition("\n")
            command = command[:-1] + more.removeprefix("> ")
        yield command, shown


def matches(shown: str, printed: str) -> bool:
    """Whether text is what is shown: `...` stands for anything, white space at the end of a line for nothing."""

    def tidy(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip().splitlines())

    pattern = ".*?".join(re.escape(part) for part in tidy(shown).split("..."))
    # Three dots on a line of their own may also stand for no line at all.
    pattern = pattern.replace("\\\n.*?\\\n", "\\\n(?:.*?\\\n)?")
    return re.fullmatch(pattern, tidy(printed), re.DOTALL) is not None


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made environment, as `make` would make it, around the Python that runs the tests."""
    venv = tmp_path_factory.mktemp("venv")
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(sys.executable)
    script = venv / "bin" / "congresslite"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m congresslite "$@"\n', encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    for stamp in (".installed", ".installed-dev"):
        (venv / stamp).touch()
    return venv


class Shell:
    """Runs the commands of one page, one after the other, in one folder."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self._folder = folder
        self._tools = tools
        path = f"{tools / 'bin'}{os.pathsep}{os.environ['PATH']}"
        python = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self._environment = {**os.environ, "PATH": path, "PYTHONPATH": python, "NO_COLOR": "1", "COLUMNS": "100"}
        self._code = 0

    def run(self, command: str) -> str | None:
        """What a command prints on both streams; None if it is not one that is run."""
        if command == "echo $?":
            return str(self._code)
        if not RUN.match(command):
            return None
        if command.startswith("congresslite ") and not set(command) & set("|<>"):
            # In this process, where everything is imported already: a page has many commands.
            result = CliRunner(env=self._environment).invoke(cli, shlex.split(command)[1:], prog_name="congresslite")
            self._code = result.exit_code
            return result.output
        where = self._folder
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=where, env=self._environment, check=False, text=True, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._code = done.returncode
        return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples(page: Path, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows a page from top to bottom sees what it shows."""
    shell = Shell(tmp_path, tools)
    monkeypatch.chdir(tmp_path)
    if page.parent == ROOT:
        # What lies at the top of the checkout is read there.
        for folder in ("examples", "rules"):
            (tmp_path / folder).symlink_to(ROOT / folder)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        where = f"{name_of(page)}:{block.line}"
        if block.file is not None:
            target = tmp_path / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command, shown in commands(block):
                printed = shell.run(command)
                if printed is not None and not matches(shown, printed):
                    pytest.fail(f"{where}: $ {command}\nis shown to print:\n{shown}\nbut prints:\n{printed}")
        elif block.language == "python":
            run_python(block, names, where)


def run_python(block: Block, names: dict[str, object], where: str) -> None:
    """Run a block of Python: a session is compared with what it shows, a program must only run."""
    if ">>>" not in block.text:
        exec(compile(block.text, where, "exec"), names)  # noqa: S102
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line)
    told: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if doctest.DocTestRunner(optionflags=flags).run(test, out=told.append, clear_globs=False).failed:
        pytest.fail("".join(told))
    names.update(test.globs)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links(page: Path) -> None:
    """A link within the documentation leads to a page, and to a heading if it names one."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_every_command_is_documented() -> None:
    """The reference shows the help of every command, which `test_examples` holds against the command itself."""
    text = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"$ congresslite {name} --help" not in text] == []


def test_every_format_is_documented() -> None:
    """The reference describes each form of output under a heading of its own."""
    assert set(FORMATS) - anchors(ROOT / "docs/reference/formats.md") == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str) -> None:
    """The help of each command teaches by example."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert f"congresslite {name}" in (command.help or "")


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...\nc", "a\nc", True),
        ("in ... s", "in 0.31 s", True),
        ("a\nb", "a\nc", False),
        ("a", "a\nb", False),
        ("...", "", True),
    ],
    ids=["same", "lines left out", "no line left out", "within a line", "other", "more", "anything"],
)
def test_matches(shown: str, printed: str, expected: bool) -> None:
    """Output is compared as it is shown, and no more loosely."""
    assert matches(shown, printed) == expected
