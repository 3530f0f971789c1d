"""Commands that work on policies alone: lint, fmt, test, explain, completion."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from congresslite.diagnostics.codes import CODES
from tests.cli.conftest import Run

CLEAN = """\
policy nfv(description = "A policy to test with").

@id("R1")
@message("{vm} runs on {host}")
error(vm, host) :- inv:vm(id=vm, host=host), inv:host(id=host, disk="hdd").
"""
UNTIDY = 'policy nfv(description="x").\n\nview( x ):-inv:vm(id=x),x!="vm7" .   // kept\n'
BROKEN = "error(x) :- inv:vm(id=x)\n"
UNSAFE = 'policy nfv(description = "x").\nview(x) :- inv:vm(id=y, host=y).\n'
ONCE = 'policy nfv(description = "x").\nview(x) :- inv:vm(id=x, host=h).\n'


@pytest.mark.parametrize(
    ("text", "options", "code", "told"),
    [
        (CLEAN, (), 0, ""),
        (BROKEN, (), 1, "error[CL0"),
        (UNSAFE, (), 1, "error[CL2"),
        (ONCE, (), 0, "warning[CL250]"),
        (ONCE, ("--strict",), 1, "warning[CL250]"),
    ],
    ids=["clean", "syntax", "safety", "warning", "strict"],
)
def test_lint(run: Run, text: str, options: tuple[str, ...], code: int, told: str) -> None:
    """Lint tells findings on stdout, and exits with 1 for errors, or for anything if it is strict."""
    Path("nfv.dl").write_text(text, encoding="utf-8")
    result = run("lint", "nfv.dl", *options)
    assert result.exit_code == code, result.output
    assert told in result.stdout
    assert told or not result.stdout


@pytest.mark.parametrize("output", ["json", "ndjson", "sarif", "junit", "github"])
@pytest.mark.parametrize(("text", "code"), [(CLEAN, 0), (BROKEN, 1), (ONCE, 0)], ids=["clean", "error", "warning"])
def test_lint_in_other_formats(run: Run, output: str, text: str, code: int) -> None:
    """Lint writes its findings in every format, with the same exit code."""
    Path("nfv.dl").write_text(text, encoding="utf-8")
    result = run("lint", "nfv.dl", "-o", output)
    assert result.exit_code == code
    assert ("CL" in result.stdout) == (text != CLEAN)


def test_lint_takes_unknown_sources_on_trust(run: Run) -> None:
    """A source that nobody knows is no error, and is named; another policy's tables are held against it."""
    Path("rules").mkdir()
    Path("rules/a.dl").write_text("view(x) :- inv:vm(id=x).\nview2(x) :- inv:vm(name=x).\n", encoding="utf-8")
    Path("rules/b.dl").write_text("view(x) :- a:view(x), a:nothing(x).\n", encoding="utf-8")
    result = run("lint", "rules", "-o", "json")
    errors = [each for each in json.loads(result.stdout)["findings"] if each["severity"] == "error"]
    assert [(each["file"], "nothing" in each["message"]) for each in errors] == [("rules/b.dl", True)]
    assert "`inv`" in run("lint", "rules").stderr


@pytest.fixture
def policy(run: Run) -> Path:
    """A file that is not formatted."""
    del run  # it made the folder
    path = Path("nfv.dl")
    path.write_text(UNTIDY, encoding="utf-8")
    return path


def test_fmt(run: Run, policy: Path) -> None:
    """Formatting rewrites a file, and a second time changes nothing."""
    assert run("fmt", "nfv.dl").exit_code == 0
    once = policy.read_text(encoding="utf-8")
    assert once != UNTIDY
    assert "// kept" in once
    assert run("fmt", "nfv.dl").exit_code == 0
    assert policy.read_text(encoding="utf-8") == once
    assert run("fmt", "--check", "nfv.dl").exit_code == 0


@pytest.mark.parametrize(
    ("option", "shown"),
    [("--check", "nfv.dl\n"), ("--diff", '-view( x ):-inv:vm(id=x),x!="vm7"')],
    ids=["check", "diff"],
)
def test_fmt_that_only_looks(run: Run, policy: Path, option: str, shown: str) -> None:
    """`--check` and `--diff` say what would change, exit with 1 and write nothing."""
    result = run("fmt", option, ".")
    assert result.exit_code == 1
    assert shown in result.stdout
    assert policy.read_text(encoding="utf-8") == UNTIDY


def test_fmt_leaves_wrong_syntax_alone(run: Run) -> None:
    """A file with a syntax error is told and left alone; the others are formatted."""
    Path("a.dl").write_text(BROKEN, encoding="utf-8")
    Path("b.dl").write_text(UNTIDY, encoding="utf-8")
    Path("c.dl").write_bytes(b"\xff\xfe")
    result = run("fmt", ".")
    assert result.exit_code == 1
    assert "error[CL0" in result.stderr
    assert "not UTF-8" in result.stderr
    assert Path("a.dl").read_text(encoding="utf-8") == BROKEN
    assert Path("b.dl").read_text(encoding="utf-8") != UNTIDY
    assert Path("c.dl").read_bytes() == b"\xff\xfe"


def test_fmt_as_a_filter(run: Run) -> None:
    """With `-` a policy is read from stdin and written to stdout, and nothing else is."""
    result = run("fmt", "-", stdin=UNTIDY)
    assert result.exit_code == 0
    assert "// kept" in result.stdout
    assert run("fmt", "-", stdin=result.stdout).stdout == result.stdout
    assert (run("fmt", "-", stdin=BROKEN).exit_code, run("fmt", "-", "nfv.dl").exit_code) == (1, 2)


def test_fmt_keeps_mode_link_and_line_ends(run: Run) -> None:
    """What is not text of the policy stays: the mode of the file, a link to it, its line ends."""
    real, link = Path("real.dl"), Path("link.dl")
    real.write_bytes(UNTIDY.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    link.symlink_to(real)
    assert run("fmt", "link.dl").exit_code == 0
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    content = real.read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") > 0


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_fmt_never_loses_a_file(run: Run, policy: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """If writing fails half way, the file is as it was, and nothing is left beside it."""

    def fail(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(f"os.{step}", fail)
    before = sorted(Path().iterdir())
    assert run("fmt", "nfv.dl").exit_code == 2
    assert policy.read_text(encoding="utf-8") == UNTIDY
    assert sorted(Path().iterdir()) == before


TESTS = """\
- name: caught
  given:
    inv:vm: [{id: a, host: h}]
    inv:host: [{id: h, disk: hdd}]
  expect:
    error: [{vm: a, host: h}]
- name: not caught
  given:
    inv:vm: [{id: a, host: h}]
    inv:host: [{id: h, disk: ssd}]
  expect:
    error: EXPECTED
"""


@pytest.mark.parametrize(
    ("expected", "code", "shown"),
    [
        ("[]", 0, "2 tests: 2 passed; 1 of 1 rule fired"),
        ("[{vm: a, host: h}]", 1, '- error(vm="a", host="h")'),
        ("[{vmm: a}]", 1, "vmm"),
    ],
    ids=["passed", "failed", "error"],
)
def test_test(run: Run, expected: str, code: int, shown: str) -> None:
    """Tests of policies are run; one that fails shows the rows that differ."""
    Path("nfv.dl").write_text(CLEAN, encoding="utf-8")
    Path("nfv_test.yaml").write_text(TESTS.replace("EXPECTED", expected), encoding="utf-8")
    result = run("test", ".")
    assert result.exit_code == code, result.output
    assert shown in result.stdout
    assert json.loads(run("test", ".", "-o", "json").stdout)["ok"] == (code == 0)


def test_test_tells_of_rules_that_never_fired(run: Run) -> None:
    """A rule that no test made fire is listed, with its place."""
    Path("nfv.dl").write_text(CLEAN + 'other(x) :- inv:vm(id=x, host="x").\n', encoding="utf-8")
    Path("nfv_test.yaml").write_text(TESTS.replace("EXPECTED", "[]"), encoding="utf-8")
    result = run("test", ".")
    assert "never fired: nfv (nfv.dl:6)" in result.stdout


def test_no_tests_is_not_success(run: Run) -> None:
    """A folder without tests is wrong usage: a job that tests nothing must not be green."""
    Path("nfv.dl").write_text(CLEAN, encoding="utf-8")
    assert run("test", ".").exit_code == 2


def test_junit_of_tests(run: Run, validate_junit: Callable[[str], None]) -> None:
    """The JUnit report of tests is right by the published schema."""
    Path("nfv.dl").write_text(CLEAN, encoding="utf-8")
    Path("nfv_test.yaml").write_text(TESTS.replace("EXPECTED", "[{vm: a, host: h}]"), encoding="utf-8")
    validate_junit(run("test", ".", "-o", "junit").stdout)


def test_explain(run: Run) -> None:
    """Every code has a page, and in whatever case it is asked for."""
    titles = {code: run("explain", code.lower()).stdout.partition("\n")[0] for code in CODES}
    assert [code for code, title in titles.items() if not title.startswith(f"# {code}: ")] == []


def test_explain_lists_codes(run: Run) -> None:
    """Without a code all are listed; an unknown one is wrong usage."""
    assert all(code in run("explain").stdout for code in CODES)
    assert run("explain", "CL999").exit_code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    """There is a completion script for each shell, and the shell takes it."""
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_CONGRESSLITE_COMPLETE" in result.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=result.stdout, text=True, check=True)  # noqa: S607
